"""What a study found, read from MLflow: its optimal combinations, and how they compare with the thesis's."""

from pathlib import Path

from rich.console import Console

from snn_tune.analysis.report import Tables, show, tables, write
from snn_tune.analysis.trials import load
from snn_tune.tracking.store import how_to_open, tracking_uri

__all__ = ["analyse", "print_and_write"]


def analyse(name: str, uri: str) -> Tables:
    """The tables of a study in this tracking store.

    Raises:
        UserError: the store does not answer, or holds no such study.
    """
    found = load(name, uri)
    thesis = found.study.thesis
    return tables(
        found.frame,
        found.study.grid,
        title=f"{name}: optimal combinations",
        samples=found.samples,
        nb_classes=found.nb_classes,
        thesis=thesis.model_dump() if thesis else None,
        others=found.others,
    )


def print_and_write(name: str, root: Path, given_uri: str | None, console: Console) -> None:
    """Print a study's table and write its files to root/reports/NAME.

    Raises:
        UserError: as `analyse`.
    """
    uri = tracking_uri(given_uri, root)
    found = analyse(name, uri)
    show(found, console)
    folder = write(found, root / "reports" / name)[0].parent
    console.print(f"tables: {folder}")
    console.print(f"trials: {how_to_open(uri)}")
