"""What somebody else found, written so that trials can be held against it: `nb_hidden: 150 > 100 > 50`."""

from dataclasses import dataclass
from itertools import combinations, pairwise
from math import isfinite
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from snn_tune.parameters import Parameters

FORMS = "NAME: A > B > C, or NAME: A = B = C, or NAME: A is 10 %; several with commas between"
MEASURES = {"accuracy": ("train_accuracy", "test_accuracy"), "run_time": ("run_time_s",)}


@dataclass(frozen=True)
class Relation:
    """What is said of the means of two values of a parameter, or of one.

    Attributes:
        higher: that the first's is higher than the second's; else that they are alike.
        second: None where the first is said to be at a level.
        level: an accuracy, a fraction; NaN between two values.
    """

    first: float
    second: float | None
    higher: bool
    level: float = float("nan")


class Claim(BaseModel):
    """A sentence, and what it says of the means by the values of a parameter.

    Attributes:
        says: the sentence.
        of: what is higher, or the same. `accuracy` is train and test.
        order: `NAME: A > B > C` (A is higher than B, B than C), `NAME: A = B = C` (any two are alike), or
            `NAME: A is 10 %`; several parts with commas between.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    says: str
    of: Literal["accuracy", "train_accuracy", "test_accuracy", "run_time"]
    order: str

    @field_validator("order")
    @classmethod
    def _can_be_read(cls, order: str, info: Any) -> str:
        name, relations = parsed(order)
        if name not in Parameters.model_fields:
            raise ValueError(f"there is no parameter {name}")
        if info.data.get("of") == "run_time" and any(one.second is None for one in relations):
            raise ValueError("a level is an accuracy, not a run time")
        return order

    @property
    def parameter(self) -> str:
        return parsed(self.order)[0]

    @property
    def relations(self) -> list[Relation]:
        return parsed(self.order)[1]

    @property
    def measures(self) -> tuple[str, ...]:
        """Columns that it is held against."""
        return MEASURES.get(self.of, (self.of,))


def parsed(order: str) -> tuple[str, list[Relation]]:
    """The parameter, and what is said of its values.

    Raises:
        ValueError: it cannot be read.
    """
    name, colon, parts = order.partition(":")
    if not colon or not parts.strip():
        raise ValueError(f"must be {FORMS}")
    return name.strip(), [relation for part in parts.split(",") for relation in _relations(part)]


def _relations(part: str) -> list[Relation]:
    value, said, level = part.partition(" is ")
    if said and level.strip().endswith("%"):
        return [Relation(_number(value), None, False, _number(level.strip().removesuffix("%")) / 100)]
    higher = ">" in part
    values = [_number(one) for one in part.split(">" if higher else "=")]
    if len(values) < 2 or len(set(values)) < len(values):
        raise ValueError(f"must be {FORMS}; each value once")
    both = pairwise(values) if higher else combinations(values, 2)
    return [Relation(one, other, higher) for one, other in both]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"{text.strip()!r} is no number; must be {FORMS}")
    return value
