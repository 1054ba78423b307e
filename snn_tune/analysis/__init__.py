"""What a study found, read from MLflow: its optimal combinations, and how they compare with the thesis's."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from snn_tune.analysis import best, confirmed
from snn_tune.analysis.found import Found, found
from snn_tune.analysis.outcome import outcome
from snn_tune.analysis.report import Tables, tables
from snn_tune.analysis.trials import load
from snn_tune.confirm import Finalist
from snn_tune.study import Study
from snn_tune.tracking.publish import publish
from snn_tune.tracking.store import how_to_open, tracking_uri

__all__ = ["Analysis", "analyse", "conclude", "print_and_write"]


@dataclass(frozen=True)
class Analysis:
    """The tables of a grid, or what a search found; and the finalists that were run again, if any were."""

    study: Study
    tables: Tables | Found
    finalists: list[Finalist]

    def show(self, console: Console) -> None:
        self.tables.show(console)
        if self.finalists:
            confirmed.show(self.study, self.finalists, console)


def analyse(name: str, uri: str) -> Analysis:
    """The tables of a study in this tracking store.

    Raises:
        UserError: the store does not answer, or holds no such study.
    """
    trials = load(name, uri)
    study = trials.study
    if study.search.method != "grid":
        searched = found(study, trials.findings)
        return Analysis(study, searched, confirmed.confirmed(study, trials.findings, searched.trials))
    keys = set(trials.frame["key"])
    mine = [one for one in trials.findings if one.trial.key in keys]
    grid = tables(
        trials.frame,
        study.grid,
        title=f"{name}: optimal combinations",
        samples=trials.samples,
        nb_classes=trials.nb_classes,
        thesis=study.thesis.model_dump() if study.thesis else None,
        others=trials.others,
    )
    return Analysis(study, grid, confirmed.confirmed(study, trials.findings, mine))


def print_and_write(name: str, root: Path, given_uri: str | None, console: Console) -> Analysis:
    """Print a study's table, write its files and the best network to root/reports/NAME, and return it.

    Raises:
        UserError: as `analyse`.
    """
    uri = tracking_uri(given_uri, root)
    analysis = analyse(name, uri)
    analysis.show(console)
    folder = analysis.tables.write(root / "reports" / name)[0].parent
    console.print(f"tables: {folder}")
    if key := analysis.tables.best_key:
        console.print(best.export(key, name, uri, folder))
    console.print(f"trials: {how_to_open(uri)}")
    return analysis


def conclude(name: str, root: Path, given_uri: str | None, console: Console) -> Analysis:
    """At the end of a run: as `print_and_write`, and all of it on the study's run in MLflow, too.

    Raises:
        UserError: as `analyse`.
    """
    analysis = print_and_write(name, root, given_uri, console)
    shown = outcome(analysis.study, analysis.tables, analysis.finalists, root / "reports" / name)
    for line in publish(shown, tracking_uri(given_uri, root)):
        console.print(line)
    return analysis
