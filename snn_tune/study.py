"""A study: a data set, base settings, a grid and a budget, validated, and the list of trials that it stands for."""

import itertools
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from snn_tune.datasets import SOURCES
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError, near_match
from snn_tune.trial import Parameters, Trial

Model = TypeVar("Model", bound=BaseModel)


class Budget(BaseModel):
    """How long each trial trains, and how often each combination is repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    nb_epochs: PositiveInt
    seeds: int = Field(1, ge=1, le=1000)


class Thesis(BaseModel):
    """The thesis's own optimal combination, as it prints it ("150+"), and its train accuracy, a fraction."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    nb_hidden: str
    nb_steps: str
    scale: str
    regularizer: str
    train_accuracy: float


@dataclass(frozen=True)
class Study:
    """A trial is one cell of the grid with one seed.

    Attributes:
        data: which samples, and their split.
        base: the parameters that all trials share.
        grid: the values of those that vary, by name; the last axis varies fastest.
        thesis: the thesis's own result, shown beside ours.
    """

    name: str
    description: str
    data: DataSource
    base: dict[str, Any]
    grid: dict[str, list[Any]]
    budget: Budget
    thesis: Thesis | None = None

    def cells(self) -> list[Parameters]:
        """The combinations of the grid, in order."""
        shared = {**self.base, "nb_epochs": self.budget.nb_epochs}
        combinations = itertools.product(*self.grid.values())
        return [Parameters(**shared | dict(zip(self.grid, values, strict=True))) for values in combinations]

    def trials(self, fingerprint: str) -> list[Trial]:
        """Every trial on the data of this fingerprint. Seed 0 of all cells first: a study cut short covers its grid."""
        cells = self.cells()
        return [Trial(cell, seed, fingerprint) for seed in range(self.budget.seeds) for cell in cells]

    def tables(self) -> dict[str, Any]:
        """The study as the tables of its file; `build` reads them back."""
        tables = {
            "description": self.description,
            "data": self.data.model_dump(),
            "base": self.base,
            "grid": self.grid,
            "budget": self.budget.model_dump(),
        }
        return tables | ({"thesis": self.thesis.model_dump()} if self.thesis else {})


KEYS = ("description", "data", "base", "grid", "budget", "thesis")


def build(name: str, tables: dict[str, Any]) -> Study:
    """A validated study from the tables of its file.

    Raises:
        UserError: an unknown key, a wrong type, an empty axis or an impossible value; one line that names it.
    """
    for key, value in tables.items():
        if key not in KEYS:
            raise UserError(f"{key}: unknown key{near_match(key, KEYS)}; {one_of(KEYS)}")
        if not isinstance(value, str if key == "description" else dict):
            raise UserError(
                f"{key} = {value!r}: must be {'a sentence' if key == 'description' else f'a table, [{key}]'}"
            )
    for key in ("data", "budget"):
        if key not in tables:
            raise UserError(f"[{key}]: this table is missing")
    data = _validate(_source(tables["data"]), tables["data"], "data")
    budget = _validate(Budget, tables["budget"], "budget")
    thesis = _validate(Thesis, tables["thesis"], "thesis") if "thesis" in tables else None
    base, grid = _parameters(data, tables.get("base", {}), tables.get("grid", {}), budget)
    return Study(name, tables.get("description", ""), data, base, grid, budget, thesis)


def override(study: Study, axes: dict[str, list[Any]], nb_epochs: int | None = None, seeds: int | None = None) -> Study:
    """The study with these axes beside or in place of its own, and this budget where it is given.

    Raises:
        UserError: an unknown parameter or an impossible value.
    """
    tables = study.tables()
    given = {name: value for name, value in {"nb_epochs": nb_epochs, "seeds": seeds}.items() if value is not None}
    if "nb_epochs" in given and "nb_epochs" in axes:
        raise UserError("nb_epochs is given twice, by --epochs and by --set")
    tables["budget"] |= given
    tables["base"] = {name: value for name, value in tables["base"].items() if name not in axes}
    tables["grid"] = {name: values for name, values in tables["grid"].items() if name not in given} | axes
    return build(study.name, tables)


def one_of(names: Any) -> str:
    return "choose from " + ", ".join(names)


def _source(table: dict[str, Any]) -> type[DataSource]:
    name = table.get("name")
    if name is None:
        raise UserError(f"[data] name: is missing; {one_of(SOURCES)}")
    if not isinstance(name, str) or name not in SOURCES:
        raise UserError(
            f"[data] name = {name!r}: no data set has that name{near_match(str(name), SOURCES)}; {one_of(SOURCES)}"
        )
    return SOURCES[name]


def _parameters(
    data: DataSource, base: dict[str, Any], grid: dict[str, list[Any]], budget: Budget
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Base and grid with every value checked by itself, so that a message names it, and in its own type."""
    if "nb_epochs" in base:
        raise UserError("[base] nb_epochs: belongs into [budget], or into [grid] to vary it")
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"[grid] {name} = {values!r}: must be a list with at least one value")
        if name in base:
            raise UserError(f"{name} is in [base] and in [grid]; leave it in one of them")
    shared = {**base, "nb_epochs": budget.nb_epochs}
    first = shared | {name: values[0] for name, values in grid.items()}
    whole = _check_cell(data, first, {**dict.fromkeys(base, "base"), **dict.fromkeys(grid, "grid")})
    typed = {
        name: [getattr(_check_cell(data, first | {name: value}, {name: "grid"}), name) for value in values]
        for name, values in grid.items()
    }
    for name, values in typed.items():
        if len(set(values)) < len(values):
            raise UserError(f"[grid] {name} = {values}: a value is there twice")
    return {name: getattr(whole, name) for name in base}, typed


def _check_cell(data: DataSource, cell: dict[str, Any], where: dict[str, str]) -> Parameters:
    parameters = _validate(Parameters, cell, where)
    try:
        data.check_steps(parameters.nb_steps)
    except ValueError as error:
        raise UserError(f"[{where.get('nb_steps', 'base')}] {error}") from None
    return parameters


def _validate(model: type[Model], values: dict[str, Any], where: str | dict[str, str]) -> Model:
    """The validated model, or pydantic's first complaint as `[table] key = value: what is wrong`.

    An unknown key goes first: one that is misspelt is missing as well.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        key = ".".join(map(str, problem["loc"]))
        table = where if isinstance(where, str) else where.get(key, "base")
        raise UserError(_sentence(f"[{table}] {key}".rstrip(), problem, model)) from None


def _sentence(place: str, problem: Any, model: type[BaseModel]) -> str:
    if problem["type"] == "missing":
        return f"{place}: is missing"
    if problem["type"] == "extra_forbidden":
        key = place.split()[-1]
        return f"{place}: unknown{near_match(key, model.model_fields)}; {one_of(model.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    value = problem["input"]
    given = "" if isinstance(value, dict) else f" = {repr(value)[:80]}"  # a dict is the whole table
    return f"{place}{given}: {message[0].lower()}{message[1:]}"
