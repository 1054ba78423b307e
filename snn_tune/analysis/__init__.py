"""What a study found, read from MLflow: its optimal combinations, and how they compare with the thesis's."""

from pathlib import Path

from rich.console import Console

from snn_tune.analysis import best
from snn_tune.analysis.from_store import analyse
from snn_tune.analysis.outcome import outcome
from snn_tune.analysis.part import WHOLE, Part
from snn_tune.analysis.whole import Analysis
from snn_tune.errors import one_line
from snn_tune.files import naming
from snn_tune.tracking.publish import publish
from snn_tune.tracking.store import how_to_open, tracking_uri

__all__ = ["Analysis", "analyse", "conclude", "print_and_write"]


def print_and_write(name: str, root: Path, given_uri: str | None, console: Console, part: Part = WHOLE) -> Analysis:
    """Print a study's table, write its files, the best network and the page to root/reports/NAME, and return it.

    Those of a part of its grid go to a folder that is named by the part, too.

    Raises:
        UserError: as `analyse`.
    """
    uri = tracking_uri(given_uri, root)
    analysis = analyse(name, uri, part)
    analysis.show(console)
    folder = analysis.write(root / "reports" / analysis.title.replace(" ", "_"))[0].parent
    console.print(f"tables: {folder}")
    if key := analysis.tables.best_key:
        console.print(best.export(key, name, uri, folder))
    console.print(_page(analysis, uri, folder))
    console.print(f"trials: {how_to_open(uri)}")
    return analysis


def conclude(name: str, root: Path, given_uri: str | None, console: Console) -> Analysis:
    """At the end of a run: as `print_and_write`, and all of it on the study's run in MLflow, too.

    Raises:
        UserError: as `analyse`.
    """
    analysis = print_and_write(name, root, given_uri, console)
    for line in publish(outcome(analysis, root / "reports" / name), tracking_uri(given_uri, root)):
        console.print(line)
    return analysis


def _page(analysis: Analysis, uri: str, folder: Path) -> str:
    """Write the page; a line for the screen: where it is, or why it is not there."""
    try:
        from snn_tune.analysis import page  # matplotlib, which the tables need not wait for

        return f"report: {page.write(analysis, uri, folder)}"
    except Exception as error:  # a drawing that fails costs neither the tables nor the exit status
        with naming(folder):
            (folder / "index.html").unlink(missing_ok=True)  # of an earlier state
        return f"report: not written: {one_line(error)}"
