"""What a search found: the best combinations, the Pareto set of several objectives, and what came of the others."""

import json
from collections import Counter
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snn_tune.analysis.formats import number, percent, seconds
from snn_tune.analysis.pareto import front
from snn_tune.analysis.strict import strict
from snn_tune.analysis.trials import of_search
from snn_tune.files import write_whole
from snn_tune.finding import Finding
from snn_tune.parameters import Parameters
from snn_tune.study import Study

SHOWN = 5
SCORES = ("best_train_accuracy", "best_valid_accuracy", "best_test_accuracy", "run_time_s", "spikes_per_neuron")


@dataclass(frozen=True)
class Found:
    """The trials of a search.

    Attributes:
        trials: all of them, in the order in which they were proposed.
        best: finished ones by validation accuracy, the best first.
        pareto: finished ones that no other is better than in every objective; with one objective the best alone.
    """

    study: Study
    trials: list[Finding]
    best: list[Finding]
    pareto: list[Finding]

    @property
    def best_key(self) -> str:
        """Key of the best trial; "" where none has finished."""
        return self.best[0].trial.key if self.best else ""

    def show(self, console: Console) -> None:
        """Print the best, and below how many trials came to what."""
        console.print(self._table(f"{self.study.name}: the best of the search", self.best[:SHOWN], console.width))
        if len(self.study.search.objectives) > 1:
            title = f"Pareto set of {', '.join(self.study.search.objectives)}"
            console.print(self._table(title, self.pareto, console.width))
        for line in self.lines():
            console.print(Text(line))

    def lines(self) -> list[str]:
        count = Counter(found.state for found in self.trials)
        states = ("finished", "pruned", "diverged", "failed", "interrupted", "running")
        told = [f"{count[state]} {state}" for state in states if count[state] or state == "finished"]
        asked = max(self.study.search.samples, len(self.trials))  # an earlier start may have asked for more
        lines = [f"trials of this search: {len(self.trials)} of {asked}: {', '.join(told)}"]
        if not self.best:
            lines.append("no trial has finished with a validation accuracy yet")
        return lines

    def write(self, folder: Path) -> list[Path]:
        """Write search.csv, a row for each trial, and search.json."""
        rows = [self._row(found) for found in self.trials]
        csv = pd.DataFrame(rows).to_csv(index=False)
        contents = {"search.csv": csv, "search.json": self.as_json() + "\n"}
        return [write_whole(folder / name, [content.encode()]) for name, content in contents.items()]

    def as_json(self) -> str:
        """Strict JSON: null where there is no number."""
        return json.dumps(strict(self.summary()), indent=2, allow_nan=False)

    def summary(self) -> dict[str, Any]:
        """What is in the JSON; NaN where there is no number."""
        rows = {"best": self.best[:SHOWN], "pareto": self.pareto}
        return {
            "search": self.study.search.model_dump(),
            **{name: [self._row(one) for one in those] for name, those in rows.items()},
            "lines": self.lines(),
        }

    def _row(self, found: Finding) -> dict[str, Any]:
        parameters = found.trial.parameters
        return {
            "sample": int(found.marks[self.study.search_mark]),
            "key": found.trial.key,
            "state": found.state,
            "epochs": len(found.history),
            **{name: getattr(parameters, name) for name in self.study.space},
            **{name: found.metrics.get(name, nan) for name in SCORES},
        }

    def _table(self, title: str, rows: list[Finding], width: int) -> Table:
        out = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for heading in ("train\n%", "valid\n%", "test\n%", "run\ntime", "spikes"):
            out.add_column(heading, justify="right", no_wrap=True)
        out.add_column("combination")
        for found in rows:
            scores = [found.metrics.get(name, nan) for name in SCORES]
            texts = [*map(percent, scores[:3]), seconds(scores[3]), f"{scores[4]:.2f}"]
            out.add_row(*texts, Text(combination(self.study, found.trial.parameters)))
        return out


def combination(study: Study, parameters: Parameters) -> str:
    """`nb_hidden=87 lr=0.0121`: the parameters that vary and count."""
    varied = study.space.those_that_count(parameters.model_dump())
    return " ".join(f"{name}={number(value)}" for name, value in varied.items())


def found(study: Study, findings: list[Finding]) -> Found:
    """What the search of this study found, among all findings in its experiment."""
    mine = of_search(study, findings)
    finished = [one for one in mine if one.values({"best_valid_accuracy": "max"})]
    best = sorted(finished, key=lambda one: -one.metrics["best_valid_accuracy"])
    return Found(study, mine, best, pareto(mine, study.search.directions))


def pareto(findings: list[Finding], directions: dict[str, str]) -> list[Finding]:
    """The findings with all these metrics that no other is at least as good as in each, and better in one."""
    scored = [(one, values) for one in findings if (values := one.values(directions)) is not None]
    table = np.array([values for _, values in scored]).reshape(len(scored), len(directions))
    return [scored[place][0] for place in front(table, list(directions.values()))]
