"""The best combinations with other seeds: their ranking, and by how much the choice of the best flattered them."""

from math import isnan

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snn_tune import confirm
from snn_tune.analysis.formats import percent
from snn_tune.analysis.found import combination
from snn_tune.confirm import Finalist
from snn_tune.finding import Finding
from snn_tune.study import Study


def confirmed(study: Study, findings: list[Finding], searched: list[Finding]) -> list[Finalist]:
    """The finalists of a study, ranked.

    Args:
        findings: all of its experiment.
        searched: those that the finalists were chosen from.
    """
    again = [one for one in findings if study.confirm_mark in one.marks]
    finalists = {one.trial.parameters for one in again}
    chosen = confirm.best((one for one in searched if one.trial.parameters in finalists), len(finalists))
    return confirm.ranked(chosen, again)


def show(study: Study, finalists: list[Finalist], console: Console) -> None:
    """Print the ranking, and the winner's curse."""
    out = Table(
        title=Text("the best again, with other seeds"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for heading in ("chosen by\nvalid %", "valid %", "test %", "seeds"):
        out.add_column(heading, justify="right", no_wrap=True)
    out.add_column("combination")
    for one in finalists:
        numbers = percent(one.chosen_by), interval(one.valid), interval(one.test), str(one.nb_seeds)
        out.add_row(*numbers, Text(combination(study, one.parameters)))
    console.print(out)
    for line in lines(finalists):
        console.print(Text(line))


def lines(finalists: list[Finalist]) -> list[str]:
    """What the seeds say: intervals are of 95 %."""
    again = [one for one in finalists if not isnan(one.curse)]
    if not again:
        return ["no finalist has finished with another seed yet"]
    first, mean = max(again, key=lambda one: one.chosen_by), float(np.mean([one.curse for one in again]))
    return [
        f"winner's curse: the best was chosen by {percent(first.chosen_by)} %, and has {interval(first.valid)} with "
        f"other seeds: {100 * first.curse:+.2f} points; mean of {len(again)} finalists {100 * mean:+.2f} points"
    ]


def interval(mean_and_half: tuple[float, float]) -> str:
    """`97.12 ± 0.40`, in percent."""
    mean, half = mean_and_half
    return percent(mean) + ("" if isnan(half) else f" ± {percent(half)}")
