"""What the study's run in MLflow shows of an analysis."""

from collections import Counter
from collections.abc import Iterable
from math import isfinite, nan
from pathlib import Path

from snn_tune.analysis import confirmed
from snn_tune.analysis.found import SCORES, SHOWN, Found, combination
from snn_tune.analysis.report import Tables
from snn_tune.analysis.table import percent, seconds
from snn_tune.confirm import Finalist
from snn_tune.study import Study
from snn_tune.tracking.describe import bullets, table
from snn_tune.tracking.publish import Outcome

STATES = ("finished", "pruned", "diverged", "failed")
BEST = ("best_valid_accuracy", "best_test_accuracy")
MEASURES = ["train %", "valid %", "test %", "run time"]


def outcome(study: Study, tables: Tables | Found, finalists: list[Finalist], folder: Path) -> Outcome:
    """The table, the accuracies of the best trial, and how many trials came to what; `to_run` are the rest."""
    if isinstance(tables, Found):
        states = Counter(one.state for one in tables.trials)
        total = max(study.nb_samples, len(tables.trials))
        best = tables.best[0].metrics if tables.best else {}
    else:
        states, total = Counter(tables.trials["state"]), len(tables.trials)
        there = tables.trials[tables.trials["key"] == tables.best_key]
        best = {name: float(there[name].iloc[0]) for name in BEST if len(there)}
    known = {name: best[name] for name in BEST if isfinite(best.get(name, nan))}
    counts = {state: states[state] for state in STATES}
    counts["to_run"] = total - sum(counts.values())
    again = confirmed.lines(finalists) if finalists else []
    rows = _of_search(study, tables) if isinstance(tables, Found) else _of_grid(tables)
    lines = tables.lines() if isinstance(tables, Found) else tables.lines
    return Outcome(study, f"{rows}\n\n{bullets([*lines, *again])}", known, tables.best_key, counts, folder)


def _of_search(study: Study, found: Found) -> str:
    heads = ["the best of the search", *MEASURES]
    scores = ([one.metrics.get(name, nan) for name in SCORES[:4]] for one in found.best[:SHOWN])
    rows = [
        [combination(study, one), *_measures(values)] for one, values in zip(found.best[:SHOWN], scores, strict=True)
    ]
    return table(heads, rows)


def _of_grid(tables: Tables) -> str:
    varied = [name for name, values in tables.axes.items() if len(values) > 1]
    heads = ["optimal combinations", *varied, *MEASURES]
    rows = [
        [row.label, *(row.parameters.get(name, "") for name in varied), *_measures([*row.accuracies, row.run_time_s])]
        for row in tables.rows
    ]
    return table(heads, rows)


def _measures(values: Iterable[float]) -> list[str]:
    *accuracies, run_time_s = values
    return [*map(percent, accuracies), seconds(run_time_s)]
