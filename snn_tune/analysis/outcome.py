"""What the study's run in MLflow shows of an analysis."""

from collections import Counter
from math import isfinite, nan
from pathlib import Path

from snn_tune.analysis import confirmed
from snn_tune.analysis.formats import percent, seconds
from snn_tune.analysis.found import SCORES, SHOWN, Found, combination
from snn_tune.analysis.report import Tables
from snn_tune.analysis.table import accuracies, costs
from snn_tune.analysis.whole import Analysis
from snn_tune.tracking.describe import bullets, table
from snn_tune.tracking.publish import Outcome

STATES = ("finished", "pruned", "diverged", "failed")
BEST = ("best_valid_accuracy", "best_test_accuracy")
MEASURES = ["train %", "valid %", "test %", "run time", "spikes"]


def outcome(analysis: Analysis, folder: Path) -> Outcome:
    """The table, the accuracies of the best trial, and how many trials came to what; `to_run` are the rest.

    Args:
        folder: of the report.
    """
    study, tables, frame = analysis.study, analysis.tables, analysis.trials.frame
    searched = isinstance(tables, Found)
    states = Counter(frame["state"]) if len(frame) else Counter()
    counts = {state: states[state] for state in STATES}
    counts["to_run"] = (max(study.nb_samples, len(frame)) if searched else len(frame)) - sum(counts.values())
    there = frame[frame["key"] == tables.best_key] if tables.best_key else frame[:0]
    best = {name: float(there[name].iloc[0]) for name in BEST if len(there) and isfinite(there[name].iloc[0])}
    again = confirmed.lines(analysis.finalists) if analysis.finalists else []
    lines = tables.lines() if isinstance(tables, Found) else [*tables.lines, *tables.verdicts]
    rows = _of_search(tables) if isinstance(tables, Found) else _of_grid(tables)
    return Outcome(
        study, f"{rows}\n\n{bullets([*lines, *analysis.lines(), *again])}", best, tables.best_key, counts, folder
    )


def _of_grid(tables: Tables) -> str:
    varied = [name for name, values in tables.axes.items() if len(values) > 1]
    rows = [
        [row.label, *(row.parameters.get(name, "") for name in varied), *accuracies(row, False), *costs(row)]
        for row in tables.rows
    ]
    return table(["optimal combinations", *varied, *MEASURES], rows)


def _of_search(found: Found) -> str:
    rows = []
    for one in found.best[:SHOWN]:
        *fractions, run_time_s, spikes = (one.metrics.get(name, nan) for name in SCORES)
        name = combination(found.study, one.trial.parameters)
        rows.append([name, *map(percent, fractions), seconds(run_time_s), f"{spikes:.2f}"])
    return table(["the best of the search", *MEASURES], rows)
