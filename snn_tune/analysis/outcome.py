"""What the study's run in MLflow shows of an analysis."""

from collections import Counter
from math import isfinite, nan
from pathlib import Path

from snn_tune.analysis.found import SCORES, SHOWN, Found, combination
from snn_tune.analysis.report import Tables
from snn_tune.analysis.table import percent, seconds
from snn_tune.study import Study
from snn_tune.tracking.describe import plain
from snn_tune.tracking.publish import Outcome

STATES = ("finished", "pruned", "diverged", "failed")
BEST = ("best_valid_accuracy", "best_test_accuracy")


def outcome(study: Study, tables: Tables | Found, folder: Path) -> Outcome:
    """The table, the accuracies of the best trial, and how many trials came to what; the rest is `trials_to_run`."""
    if isinstance(tables, Found):
        states = Counter(one.state for one in tables.trials)
        total = max(study.nb_samples, len(tables.trials))
        best = tables.best[0].metrics if tables.best else {}
    else:
        states, total = Counter(tables.trials["state"]), len(tables.trials)
        there = tables.trials[tables.trials["key"] == tables.best_key]
        best = {name: float(there[name].iloc[0]) for name in BEST if len(there)}
    metrics = {name: best[name] for name in BEST if isfinite(best.get(name, nan))}
    metrics |= {f"trials_{state}": float(states[state]) for state in STATES}
    metrics["trials_to_run"] = float(total - sum(states[state] for state in STATES))
    return Outcome(study, markdown(study, tables), metrics, tables.best_key, folder)


def markdown(study: Study, tables: Tables | Found) -> str:
    """The table as it is printed, and the lines below it."""
    if isinstance(tables, Found):
        title, heads = "The best of the search", ["combination"]
        body = [
            [combination(study, one), *_measures(*(one.metrics.get(name, nan) for name in SCORES[:4]))]
            for one in tables.best[:SHOWN]
        ]
        lines = tables.lines()
    else:
        title = "Optimal combinations"
        varied = [name for name, values in tables.axes.items() if len(values) > 1]
        heads = ["", *varied]
        body = [
            [row.label, *(row.parameters.get(name, "") for name in varied), *_measures(*row.accuracies, row.run_time_s)]
            for row in tables.rows
        ]
        lines = tables.lines
    heads += ["train %", "valid %", "test %", "run time"]
    rows = [heads, *([plain(text) for text in row] for row in body)]
    text = [f"| {' | '.join(row)} |" for row in rows]
    ruler = f"|{'---|' * (len(heads) - 4)}{'---:|' * 4}"
    return "\n\n".join([f"### {title}", "\n".join([text[0], ruler, *text[1:]]), *map(plain, lines)])


def _measures(train: float, valid: float, test: float, run_time_s: float) -> list[str]:
    return [*map(percent, (train, valid, test)), seconds(run_time_s)]
