"""A study: a data set, base settings, a search space and a budget, validated, and the trials that it stands for."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from snn_tune.claim import Claim
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError
from snn_tune.parameters import Parameters
from snn_tune.search_settings import Search
from snn_tune.space import Space
from snn_tune.trial import Trial
from snn_tune.validation import validate


class Budget(BaseModel):
    """How long each trial trains, and how often each combination is repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    nb_epochs: PositiveInt
    seeds: int = Field(1, ge=1, le=1000)


class Thesis(BaseModel):
    """The thesis's own optimal combination, as it prints it ("150+"), and its train accuracy, a fraction.

    Attributes:
        claims: what it says of its figures, held against the trials.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    nb_hidden: str
    nb_steps: str
    scale: str
    regularizer: str
    train_accuracy: float
    claims: list[Claim] = []


@dataclass(frozen=True)
class Study:
    """A trial is one combination of the space with one seed.

    Attributes:
        data: which samples, and their split.
        base: the parameters that all trials share.
        space: those that vary.
        search: which combinations are tried.
        thesis: the thesis's own result, shown beside ours.
        network: name of a network of the user's own, see `Trial`; "" for ours.
    """

    name: str
    description: str
    data: DataSource
    base: dict[str, Any]
    space: Space
    budget: Budget
    search: Search = field(default_factory=lambda: Search())
    thesis: Thesis | None = None
    network: str = ""

    @property
    def grid(self) -> dict[str, list[Any]]:
        """The values of each axis; of a range, its two ends."""
        return {name: list(axis.what.ends()) for name, axis in self.space.items()}

    @property
    def search_mark(self) -> str:
        """Tag of the trials of this search. Another number of samples, or more time, is the same search."""
        tables = self.tables() | {"description": "", "thesis": None}
        tables[self.space.table] = {name: str((axis.what, axis.condition)) for name, axis in self.space.items()}
        tables["search"] = self.search.model_dump(exclude={"samples", "time_budget", "confirm", "confirm_seeds"})
        return "search." + hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def confirm_mark(self) -> str:
        """Tag of the trials that run the best of this search again."""
        return self.search_mark.replace("search.", "confirm.")

    def parameters(self, combination: Mapping[str, Any]) -> Parameters:
        """All parameters of a combination.

        Raises:
            UserError: these values do not go together.
        """
        shared = {**self.base, "nb_epochs": self.budget.nb_epochs}
        return check_parameters(self.data, shared | dict(combination), dict.fromkeys(combination, self.space.table))

    @property
    def steps(self) -> list[int]:
        """Every number of time steps that a trial may have."""
        axis = self.space.get("nb_steps")
        return sorted(axis.values) if axis else [self.base["nb_steps"]]

    @property
    def nb_samples(self) -> int:
        """Of a search: those that were asked for, or all that there are."""
        asked = self.search.samples
        return min(asked, len(self.possible())) if self.space.countable else asked

    def probes(self) -> list[Parameters]:
        """Combinations that have each end of each axis once, the others at their first."""
        first = {name: values[0] for name, values in self.grid.items()}
        every = [first, *(first | {name: value} for name, values in self.grid.items() for value in values[1:])]
        return [self.parameters(self.space.those_that_count(values)) for values in every]

    def cells(self) -> list[Parameters]:
        """The combinations of the grid, in order."""
        return [self.parameters(combination) for combination in self.space.combinations()]

    def possible(self) -> list[Parameters]:
        """The combinations of a space whose values go together: a search tries no others."""
        cells = []
        for combination in self.space.combinations():
            with suppress(UserError):
                cells.append(self.parameters(combination))
        return cells

    def trials(self, fingerprint: str) -> list[Trial]:
        """Every trial on the data of this fingerprint. Seed 0 of all cells first: a study cut short covers its grid."""
        cells = self.cells()
        return [self.trial(cell, seed, fingerprint) for seed in range(self.budget.seeds) for cell in cells]

    def trial(self, parameters: Parameters, seed: int, fingerprint: str) -> Trial:
        """One trial on the data of this fingerprint."""
        return Trial(parameters, seed, fingerprint, self.network)

    def tables(self) -> dict[str, Any]:
        """The study as the tables of its file; `build` reads them back."""
        tables = {
            "description": self.description,
            "data": self.data.model_dump(),
            "base": self.base,
            self.space.table: {name: axis.written for name, axis in self.space.items()},
            "budget": self.budget.model_dump(),
            "search": self.search.model_dump(exclude_defaults=True),
        }
        tables |= {"thesis": self.thesis.model_dump()} if self.thesis else {}
        return tables | ({"network": self.network} if self.network else {})


def check_parameters(data: DataSource, cell: dict[str, Any], where: dict[str, str]) -> Parameters:
    """All parameters of a trial on this data.

    Args:
        where: the table that each value is from, for the message.

    Raises:
        UserError: a value is impossible, or does not go with the others or with the data.
    """
    parameters = validate(Parameters, cell, where)
    try:
        data.check_steps(parameters.nb_steps)
    except ValueError as error:
        raise UserError(f"[{where.get('nb_steps', 'base')}] {error}") from None
    return parameters


def nb_weights(data: DataSource, cell: Parameters) -> int:
    """Numbers that a network of these parameters learns, and draws, on this data."""
    nb_units = data.nb_inputs * (cell.units_per_channel if data.analog else 1)
    encoder = 2 * nb_units if data.analog else 0
    between = sum(before * after for before, after in pairwise([nb_units, *cell.hidden, data.nb_classes]))
    within = sum(units**2 for units in cell.hidden) if cell.recurrent else 0
    constants = 0 if cell.time_constants == "shared" else 2 * sum(cell.hidden)
    return encoder + between + within + constants
