"""A comparison of two studies, printed and written."""

import json
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snn_tune.analysis.compare import Comparison
from snn_tune.analysis.formats import from_to, number, p_value, percent, points
from snn_tune.analysis.lines import SHORT
from snn_tune.analysis.strict import strict
from snn_tune.files import write_whole
from snn_tune.intervals import Interval

SHOWN = 10


@dataclass(frozen=True)
class SideBySide:
    """What is compared, as the user named it, and the comparison."""

    first: str
    second: str
    found: Comparison

    def show(self, console: Console) -> None:
        """Print the largest differences, and below what there is overall."""
        if self.found.counts["common"]:
            console.print(self._table())
            console.print()
        for line in self.lines():
            console.print(Text(line))

    def lines(self) -> list[str]:
        counts, found = self.found.counts, self.found
        lines = [
            f"combinations: {counts['common']} compared; only in {self.first}: {counts['only_first']}; "
            f"only in {self.second}: {counts['only_second']}; in both, but not scored in one: {counts['not_scored']}"
        ]
        for name, one in found.overall.items():
            if one.nb_combinations:
                of = f"of {one.nb_combinations} combination{'s' * (one.nb_combinations != 1)}"
                said = f"mean difference {of}: {points(one.difference)}{from_to(one.interval)} points"
                lines.append(f"{SHORT[name]}: {said}, p {p_value(one.p)}")
        if not isnan(found.run_time_ratio):
            lines.append(f"run time: {found.run_time_ratio:.2f} times that of {self.first} (geometric mean)")
        elif counts["common"]:
            lines.append("run times: not compared: timed on different machines, or not at all")
        told = [f"{name} {one or '-'} | {other or '-'}" for name, (one, other) in found.differing.items()]
        return [*lines, *([f"differs in all trials: {'; '.join(told)}"] if told else [])]

    def write(self, folder: Path) -> list[Path]:
        """Write compare.csv, a row for each common combination, and compare.json. Returns their paths."""
        csv = self.found.table.to_csv(index=False) if len(self.found.table) else ",".join(self.found.names) + "\n"
        contents = {"compare.csv": csv, "compare.json": json.dumps(self.summary(), indent=2, allow_nan=False) + "\n"}
        return [write_whole(folder / name, [text.encode()]) for name, text in contents.items()]

    def summary(self) -> dict[str, Any]:
        """For JSON: None where there is no number."""
        found = self.found
        whole = {
            "first": self.first,
            "second": self.second,
            "parameters": found.names,
            "counts": found.counts,
            "overall": {name: asdict(one) for name, one in found.overall.items()},
            "run_time_ratio": found.run_time_ratio,
            "differing": found.differing,
            "combinations": found.table.to_dict("records"),
        }
        return dict(strict(whole))

    def _table(self) -> Table:
        table = self.found.table
        title = f"{self.second} less {self.first}: the largest differences in validation accuracy"
        out = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        varied = [name for name in self.found.names if table[name].nunique() > 1]
        for heading in (*varied, "first\nvalid %", "second\nvalid %", "difference, points", "test"):
            out.add_column(Text(heading), justify="right", no_wrap=True)
        for row in table.head(SHOWN).to_dict("records"):
            interval = Interval(row["low_valid_accuracy"], row["high_valid_accuracy"])
            cells = [
                *(number(row[name]) for name in varied),
                *(percent(row[f"{which}_valid_accuracy"]) for which in ("first", "second")),
                points(row["difference_valid_accuracy"]) + from_to(interval),
                points(row["difference_test_accuracy"]),
            ]
            out.add_row(*map(Text, cells))
        return out
