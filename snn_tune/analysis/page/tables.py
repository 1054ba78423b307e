"""The tables of the page: texts in rows, and which columns are numbers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

import pandas as pd

from snn_tune.analysis import confirmed
from snn_tune.analysis.claims import SHORT, Judged
from snn_tune.analysis.formats import number, percent
from snn_tune.analysis.found import SCORES, combination
from snn_tune.analysis.pareto import Front
from snn_tune.analysis.table import Row, accuracies, costs
from snn_tune.confirm import Finalist
from snn_tune.finding import Finding
from snn_tune.study import Study
from snn_tune.wording import count

MOST_ROWS = 2000  # of a page that still opens at once
MOST_FRONT = 20
OBJECTIVES = {
    "valid_accuracy": "validation %",
    "run_time_s": "run time s",
    "spikes_per_neuron": "spikes",
    "test_accuracy": "test %",
}
MEASURED = {
    "best_train_accuracy": "train %",
    "best_valid_accuracy": "valid %",
    "best_test_accuracy": "test %",
    "best_epoch": "epoch",
    "run_time_s": "time s",
    "spikes_per_neuron": "spikes",
}


@dataclass(frozen=True)
class PageTable:
    """A table as texts.

    Attributes:
        headings: by column; those in `texts` are not numbers.
        marks: a CSS class for some rows, by place.
    """

    caption: str
    headings: list[str]
    rows: list[list[str]]
    texts: Collection[str] = ()
    marks: dict[int, str] = field(default_factory=dict)


def optimum(rows: Sequence[Row], parameters: list[str], caption: str) -> PageTable:
    """The table of optimal combinations, as it is printed."""
    headings = ["", *parameters, "train %", "validation %", "test %", "run time", "spikes"]
    texts = [
        [row.label, *(row.parameters.get(name, "") for name in parameters), *accuracies(row, True), *costs(row)]
        for row in rows
    ]
    marks = {place: "thesis" for place, row in enumerate(rows) if row.label == "thesis"}
    return PageTable(caption, headings, texts, {""}, marks)


def trials(frame: pd.DataFrame, study: Study, best_key: str, caption: str) -> PageTable:
    """MOST_ROWS trials at most, the best by validation accuracy first, those that did not finish last."""
    varied = [name for name, values in study.grid.items() if len(values) > 1 or study.search.method != "grid"]
    seeds = ["seed"] if frame["seed"].nunique() > 1 else []
    reasons = ["reason"] if (frame["reason"] != "").any() else []
    groups = [name for name in ("device", "kernel", "threads", "trials_beside") if frame[name].nunique() > 1]
    order = frame.assign(over=frame["state"] == "finished")
    order = order.sort_values(["over", "best_valid_accuracy"], ascending=False, kind="stable", na_position="last")
    rows = [
        [
            *(number(row[name]) for name in [*varied, *seeds]),
            row["state"] + (f", {row['activity']}" if row["activity"] else ""),
            *(_measured(name, row[name]) for name in MEASURED),
            *(str(row[name]) for name in [*groups, *reasons, "key"]),
        ]
        for row in order.head(MOST_ROWS).to_dict("records")
    ]
    headings = [*varied, *seeds, "state", *MEASURED.values(), *groups, *reasons, "key"]
    texts = {"state", "device", "kernel", "reason", "key"} | {
        name for name in varied if any(isinstance(value, str | bool | tuple) for value in frame[name])
    }
    marks = {place: "best" for place, row in enumerate(rows) if row[-1] == best_key}
    return PageTable(caption, headings, rows, texts, marks)


def _measured(name: str, value: float) -> str:
    if not isfinite(value):
        return "-"
    return percent(value) if name.endswith("accuracy") else f"{value:.0f}" if name == "best_epoch" else f"{value:.3g}"


def found(study: Study, those: list[Finding], caption: str) -> PageTable:
    """Trials of a search, as they are printed."""
    rows = [
        [
            combination(study, one.trial.parameters),
            *(_measured(name, one.metrics.get(name, nan)) for name in SCORES),
            one.trial.key,
        ]
        for one in those
    ]
    headings = ["combination", *(MEASURED[name] for name in SCORES), "key"]
    return PageTable(caption, headings, rows, {"combination", "key"})


def finalists(study: Study, those: list[Finalist]) -> PageTable:
    rows = [
        [
            combination(study, one.parameters),
            percent(one.chosen_by),
            *map(confirmed.interval, (one.valid, one.test)),
            str(one.nb_seeds),
        ]
        for one in those
    ]
    headings = ["combination", "chosen by, validation %", "validation %", "test %", "seeds"]
    caption = f"{count(len(those), 'finalist')} again with other seeds, with 95 % intervals"
    return PageTable(caption, headings, rows, {"combination"})


def claims(judged: Sequence[Judged]) -> PageTable:
    """What the thesis found, by each measure."""
    rows = [[one.claim.says, SHORT[one.measure], one.verdict, one.figures] for one in judged]
    headings = ["finding", "by", "ours", "differences"]
    return PageTable("The thesis's findings held against these trials, with 95 % intervals", headings, rows, headings)


def front(found: Front) -> PageTable:
    """The combinations of the Pareto front, MOST_FRONT at most."""
    shown = found.front.head(MOST_FRONT)
    measures = {**found.objectives, "test_accuracy": "max"}
    parameters = [str(name) for name in shown.columns if name not in {*measures, "nb_seeds"}]
    rows = [
        [*(number(row[name]) for name in parameters), *(_measured(name, row[name]) for name in measures)]
        for row in shown.to_dict("records")
    ]
    more = f", the first {MOST_FRONT} of {len(found.front):,}" if len(found.front) > MOST_FRONT else ""
    texts = {name for name in parameters if any(isinstance(value, str | bool | tuple) for value in shown[name])}
    headings = [*parameters, *(OBJECTIVES[name] for name in measures)]
    return PageTable(f"The Pareto front, by validation accuracy{more}", headings, rows, texts)


def of_numbers(numbers: pd.DataFrame, title: str) -> PageTable:
    """The numbers of a figure."""
    texts = {str(name) for name in numbers.columns if numbers[name].map(lambda value: isinstance(value, str)).any()}
    rows = [[_text(value) for value in row] for row in numbers.itertuples(index=False)]
    return PageTable(f"Numbers of the figure: {title}", list(map(str, numbers.columns)), rows, texts)


def _text(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    return number(value) if not isinstance(value, float) else f"{value:.6g}" if isfinite(value) else "-"
