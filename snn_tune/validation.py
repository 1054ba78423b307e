"""pydantic's complaints as one line of ours: `[table] key = value: what is wrong`, with the near match."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from snn_tune.errors import UserError, near_match

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], values: dict[str, Any], where: str | dict[str, str]) -> Model:
    """The validated model.

    An unknown key is told first: one that is misspelt is missing as well.

    Args:
        where: the table that the values are from, or that of each.

    Raises:
        UserError: the first complaint.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        key = ".".join(map(str, problem["loc"]))
        table = where if isinstance(where, str) else where.get(key, "base")
        raise UserError(_sentence(f"[{table}] {key}".rstrip(), problem, model)) from None


def one_of(names: Iterable[str]) -> str:
    return "choose from " + ", ".join(names)


def _sentence(place: str, problem: Any, model: type[BaseModel]) -> str:
    if problem["type"] == "missing":
        return f"{place}: is missing"
    if problem["type"] == "extra_forbidden":
        key = place.split()[-1]
        return f"{place}: unknown{near_match(key, model.model_fields)}; {one_of(model.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    value = problem["input"]
    given = "" if isinstance(value, dict) else f" = {repr(value)[:80]}"  # a dict is the whole table
    allowed = re.findall("'([^']*)'", problem["ctx"]["expected"]) if problem["type"] == "literal_error" else []
    return f"{place}{given}: {message[0].lower()}{message[1:]}{near_match(str(value), allowed)}"
