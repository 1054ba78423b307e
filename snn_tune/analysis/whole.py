"""The whole of an analysis, for any study: the tables, the effects, the Pareto front, and the best again."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from snn_tune.analysis import claims, confirmed, unfinished
from snn_tune.analysis.claims import Judged
from snn_tune.analysis.effects import Effects
from snn_tune.analysis.found import Found
from snn_tune.analysis.pareto import Front
from snn_tune.analysis.part import titled, typed
from snn_tune.analysis.report import Tables
from snn_tune.analysis.strict import strict
from snn_tune.analysis.trials import StudyTrials
from snn_tune.confirm import Finalist
from snn_tune.files import naming, write_whole
from snn_tune.study import Study

MOST_EFFECTS = 5  # that are printed
OWN = {"optimum.csv", "optimum.json", "trials.csv", "marginals.csv", "search.csv", "search.json"}
OWN |= {"differences.csv", "finalists.csv", "claims.csv"}


@dataclass(frozen=True)
class Analysis:
    """The tables of a grid, or what a search found; the finalists that were run again, if any were.

    Attributes:
        differences: of a grid, between any two values of a parameter.
        judged: of a grid, the thesis's claims held against it.
    """

    study: Study
    tables: Tables | Found
    finalists: list[Finalist]
    trials: StudyTrials
    effects: Effects
    front: Front
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    judged: list[Judged] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The study's name, and which part of its grid this is of."""
        return titled(self.study, self.trials.whole)

    @property
    def command(self) -> str:
        """That makes it again."""
        return f"python -m snn_tune.analysis {typed(self.study, self.trials.whole)}"

    def show(self, console: Console) -> None:
        self.tables.show(console)
        for line in self.lines():
            console.print(Text(line))
        if self.finalists:
            confirmed.show(self.study, self.finalists, console)

    def lines(self) -> list[str]:
        """Of a search, what did not finish; the largest effects; how many combinations are on the Pareto front."""
        searched = isinstance(self.tables, Found)
        largest = ", ".join(f"{one.label} {100 * one.share:.1f} %" for one in self.effects.effects[:MOST_EFFECTS])
        costs = " and ".join(name.removesuffix("_s").replace("_", " ") for name in list(self.front.objectives)[1:])
        of = f"accuracy, {costs}" if costs else "accuracy"
        left = f", {self.front.nb_left_out} left out" if self.front.nb_left_out else ""
        nb, points = len(self.front.front), len(self.front.points)
        return [
            *(unfinished.listed(self.trials.frame, list(self.study.space)) if searched else []),
            f"{self.effects.label}{': ' * bool(largest)}{largest}",
            *([f"Pareto front of {of}: {nb} of {points} combinations{left} (pareto.csv)"] if nb else []),
            *claims.lines(self.judged),
        ]

    def write(self, folder: Path) -> list[Path]:
        """Write the tables' files, effects.csv, pareto.csv, and all as report.json.

        Of a grid also differences.csv and claims.csv, and finalists.csv where there are any.

        Returns:
            The paths written.
        """
        contents = {
            "effects.csv": pd.DataFrame(self._effects(), columns=["effect", "order", "share", "p_corrected", "kind"]),
            "pareto.csv": self.front.front,
            "finalists.csv": pd.DataFrame([_finalist(self.study, one) for one in self.finalists]),
        }
        if not self.finalists:
            contents.pop("finalists.csv")
        if isinstance(self.tables, Tables):
            contents["differences.csv"] = self.differences
        if self.judged:
            contents["claims.csv"] = pd.DataFrame([one.record() for one in self.judged])
        texts = {name: frame.to_csv(index=False) for name, frame in contents.items()}
        texts["report.json"] = self.as_json() + "\n"
        also = [write_whole(folder / name, [text.encode()]) for name, text in texts.items()]
        paths = [*self.tables.write(folder), *also]
        with naming(folder):  # those of another search, or of a grid, do not stay
            for name in OWN - {path.name for path in paths}:
                (folder / name).unlink(missing_ok=True)
        return paths

    def as_json(self) -> str:
        """Strict JSON: null where there is no number."""
        whole = self.tables.summary() | {
            "effects": asdict(self.effects),
            "pareto": {
                "objectives": self.front.objectives,
                "group": self.front.group,
                "nb_left_out": self.front.nb_left_out,
                "front": self.front.front.to_dict("records"),
            },
            "finalists": [_finalist(self.study, one) for one in self.finalists],
            "claims": [one.record() for one in self.judged],
            "differences": self.differences.to_dict("records"),
            "others": self.trials.others,
        }
        if isinstance(self.tables, Found):
            whole["search_pareto"] = self.tables.summary()["pareto"]
        return json.dumps(strict(whole), indent=2, allow_nan=False, ensure_ascii=False)

    def _effects(self) -> list[tuple[str, int, float, float, str]]:
        return [(one.label, one.order, one.share, one.p, self.effects.kind) for one in self.effects.effects]


def _finalist(study: Study, one: Finalist) -> dict[str, Any]:
    """Half widths are of 95 % intervals (Student's t over the new seeds)."""
    values = study.space.those_that_count(one.parameters.model_dump())
    return {
        **{name: values.get(name, "") for name in study.space},
        "chosen_by": one.chosen_by,
        "mean_valid_accuracy": one.valid[0],
        "valid_half_width": one.valid[1],
        "mean_test_accuracy": one.test[0],
        "test_half_width": one.test[1],
        "nb_seeds": one.nb_seeds,
        "winners_curse": one.curse,
    }
