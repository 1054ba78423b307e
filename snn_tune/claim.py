"""What somebody else found, written so that trials can be held against it: `nb_hidden: 150 > 100 > 50`."""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from snn_tune.trial import Parameters

FORM = re.compile(r"(\w+):\s*(\S+(?:\s*(?:>|=)\s*\S+)+|\S+\s+is\s+\S+\s*%)")

MEASURES = {"accuracy": ("train_accuracy", "test_accuracy"), "run_time": ("run_time_s",)}


class Claim(BaseModel):
    """A sentence, and what it says of the means by the values of a parameter.

    Attributes:
        says: the sentence.
        of: what is higher, or the same. `accuracy` is train and test.
        order: `NAME: A > B > C` (A is higher than B, B than C), `NAME: A = B` (they are alike), or `NAME: A is 10 %`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    says: str
    of: Literal["accuracy", "train_accuracy", "test_accuracy", "run_time"]
    order: str

    @field_validator("order")
    @classmethod
    def _can_be_read(cls, order: str) -> str:
        found = FORM.fullmatch(order)
        if not found or found[1] not in Parameters.model_fields or (">" in order and "=" in order):
            raise ValueError("must be a parameter and its values: NAME: A > B > C, or NAME: A = B, or NAME: A is 10 %")
        for value in re.split(r"\s*(?:>|=|is)\s*", found[2].rstrip(" %")):
            float(value)
        return order

    @property
    def parameter(self) -> str:
        return self.order.partition(":")[0]

    @property
    def alike(self) -> bool:
        """Whether the values are said to be the same, not in an order."""
        return "=" in self.order

    @property
    def values(self) -> list[float]:
        """Of the parameter, as they are named."""
        return [float(one) for one in re.split(">|=", self.order.partition(":")[2].partition(" is ")[0])]

    @property
    def level(self) -> float | None:
        """The mean accuracy that it names, a fraction."""
        _, _, level = self.order.partition(" is ")
        return float(level.rstrip(" %")) / 100 if level else None

    @property
    def measures(self) -> tuple[str, ...]:
        """Columns that it is held against."""
        return MEASURES.get(self.of, (self.of,))


def place(axis: list[Any], value: float) -> int | None:
    """Where the value is on an axis of numbers; None where it is not."""
    return next((i for i, one in enumerate(axis) if isinstance(one, int | float) and float(one) == value), None)
