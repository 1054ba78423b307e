"""`python -m snn_tune.predict MODEL FILE`: classify the samples of a file with a trained network."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from snn_tune import model
from snn_tune.command import exit_status
from snn_tune.errors import UserError
from snn_tune.model import Model
from snn_tune.options import OptionParser
from snn_tune.snn import kernels
from snn_tune.wording import count

SHOWN = 20  # samples; of more, the first ones and a summary
EPILOG = """FILE is of the model's data set: SHD's HDF5 layout, Fashion-MNIST's IDX images, TBL's pickle, each packed or
not; for randman and data of one's own an .npz file of sample, time, unit, and label where it is known."""


@dataclass(frozen=True)
class Predictions:
    """Class and its probability for each sample, and the class that the file says, where it says one.

    Attributes:
        classes: names.
    """

    classes: tuple[str, ...]
    predicted: list[int]
    probability: list[float]
    labels: list[int] | None

    @property
    def accuracy(self) -> float | None:
        """Part of the samples whose class is right; None where the file has no classes."""
        if self.labels is None:
            return None
        return sum(map(int.__eq__, self.predicted, self.labels)) / len(self.labels)

    def rows(self) -> list[dict[str, Any]]:
        """Of each sample."""
        rows: list[dict[str, Any]] = [
            {"sample": place, "class": self.classes[label], "probability": round(probability, 6)}
            for place, (label, probability) in enumerate(zip(self.predicted, self.probability, strict=True))
        ]
        for row, label in zip(rows, self.labels or [], strict=False):
            row["label"] = self.classes[label]
        return rows

    def as_json(self) -> str:
        return json.dumps({"accuracy": self.accuracy, "samples": self.rows()}, indent=2, ensure_ascii=False)

    def show(self) -> None:
        """Print the first samples, how often each class was given, and the accuracy."""
        rows = self.rows()
        width = max(map(len, self.classes))
        for row in rows[:SHOWN]:
            label = f"  (file: {row['label']})" if row.get("label", row["class"]) != row["class"] else ""
            print(f"{row['sample']:>6}  {row['class']:{width}}  {100 * row['probability']:5.1f} %{label}")
        if len(rows) > SHOWN:
            print(f"and {count(len(rows) - SHOWN, 'more sample')}: --json prints all")
            given = Counter(self.predicted).most_common()
            print("classes: " + ", ".join(f"{self.classes[label]} {count}" for label, count in given))
        if self.accuracy is not None:
            print(f"accuracy: {100 * self.accuracy:.2f} % of {count(len(rows), 'sample')}")


def predict(trained: Model, file: Path) -> Predictions:
    """Classify all samples of a file.

    Raises:
        UserError: the file is missing or damaged, or of another format than the model's data set.
    """
    samples = trained.samples(file)
    probabilities: Tensor = trained.logits(samples).softmax(dim=1)
    found = probabilities.max(dim=1)
    labels = None if samples.labels is None else samples.labels.tolist()
    return Predictions(trained.classes, found.indices.tolist(), found.values.tolist(), labels)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 for something to mend, 130 if stopped."""
    parser = OptionParser("python -m snn_tune.predict", __doc__, EPILOG)
    parser.add_argument("model", type=Path, help="best.pt or best.nir of a study's report, or a trial's model.pt")
    parser.add_argument("file", type=Path, help="samples, in the format of the model's data set")
    parser.add_argument("--json", action="store_true", help="print all samples as JSON")
    parser.add_argument("--kernel", default="auto", metavar="NAME", help="how it is computed: auto, cpu or reference")
    options = parser.parse_args(arguments)
    return exit_status(lambda: _answer(options))


def _answer(options: argparse.Namespace) -> int:
    kernels.check(options.kernel)
    if options.kernel == "gpu":
        raise UserError("--kernel gpu: this computes on the CPU; take auto, cpu or reference")
    found = predict(model.read(options.model, options.kernel), options.file)
    if options.json:
        print(found.as_json())
    else:
        found.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
