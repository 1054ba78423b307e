"""From the tables of a study file to a study: every value checked, every complaint one line that names it."""

from typing import Any

from snn_tune.axis import Axis, Choice, axis
from snn_tune.claim import Claim
from snn_tune.datasets import SOURCES
from snn_tune.datasets.own import Own
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError, near_match
from snn_tune.parameters import Parameters
from snn_tune.search_settings import Search
from snn_tune.space import Space
from snn_tune.study import Budget, Study, Thesis, check_parameters
from snn_tune.validation import one_of, validate

ONCE = "a search tries each combination once; with --confirm K the best K get more seeds"
TEXTS = {"description": "a sentence", "network": "a name"}
MOST_STEPS = 16  # that a search may choose from
KEYS = ("description", "data", "base", "grid", "space", "budget", "search", "thesis", "network")


def build(name: str, tables: dict[str, Any]) -> Study:
    """A validated study from the tables of its file. The table of what varies is `grid` or `space`, as one likes.

    Raises:
        UserError: an unknown key, a wrong type, an empty axis or an impossible value; one line that names it.
    """
    for key, value in tables.items():
        if key not in KEYS:
            raise UserError(f"{key}: unknown key{near_match(key, KEYS)}; {one_of(KEYS)}")
        if not isinstance(value, str if key in TEXTS else dict):
            raise UserError(f"{key} = {value!r}: must be {TEXTS.get(key, f'a table, [{key}]')}")
    for key in ("data", "budget"):
        if key not in tables:
            raise UserError(f"[{key}]: this table is missing")
    if tables.keys() >= {"grid", "space"}:
        raise UserError("[grid] and [space] are two names of one table; leave one of them")
    data = validate(source(tables["data"]), tables["data"], "data")
    budget = validate(Budget, tables["budget"], "budget")
    search = validate(Search, tables.get("search", {}), "search")
    thesis = _thesis(tables["thesis"]) if "thesis" in tables else None
    varied = tables.get("grid", tables.get("space", {}))
    base, space = _parameters(data, tables.get("base", {}), "space" if _has_range(varied) else "grid", varied, budget)
    study = Study(
        name, tables.get("description", ""), data, base, space, budget, search, thesis, tables.get("network", "")
    )
    _check_search(study)
    return study


def override(
    study: Study,
    axes: dict[str, Any],
    nb_epochs: int | None = None,
    seeds: int | None = None,
    search: dict[str, Any] | None = None,
) -> Study:
    """The study with these axes beside or in place of its own, and this budget and search where they are given.

    Raises:
        UserError: an unknown parameter or an impossible value.
    """
    tables = study.tables()
    tables["search"] |= search or {}
    finalists = bool(tables["search"].get("confirm"))
    if tables["search"].get("method", "grid") != "grid":
        if seeds is not None and not finalists:
            raise UserError(f"--seeds {seeds}: {ONCE}")
        tables["budget"]["seeds"] = 1  # those in the file are its grid's
    if seeds == 1 and finalists:
        raise UserError("--seeds 1: with --confirm it must be 2 or more, for an interval")
    if seeds is not None and finalists:
        tables["search"] |= {"confirm_seeds": seeds}
        seeds = None
    given = {name: value for name, value in {"nb_epochs": nb_epochs, "seeds": seeds}.items() if value is not None}
    if "nb_epochs" in given and "nb_epochs" in axes:
        raise UserError("nb_epochs is given twice, by --epochs and by --set")
    tables["budget"] |= given
    tables["base"] = {name: value for name, value in tables["base"].items() if name not in axes}
    written = tables.pop(study.space.table)
    tables["space"] = {name: values for name, values in written.items() if name not in given} | axes
    return build(study.name, tables)


def _has_range(written: dict[str, Any]) -> bool:
    return any(isinstance(value, str) and "(" in value for value in written.values())


def _thesis(table: dict[str, Any]) -> Thesis:
    claims = table.get("claims", [])
    if not isinstance(claims, list) or not all(isinstance(one, dict) for one in claims):
        raise UserError(f"[thesis] claims = {claims!r:.80}: must be tables, [[thesis.claims]]")
    return validate(Thesis, table | {"claims": [validate(Claim, one, "thesis.claims") for one in claims]}, "thesis")


def source(table: dict[str, Any]) -> type[DataSource]:
    name = table.get("name")
    if name is None:
        raise UserError(f"[data] name: is missing; {one_of(SOURCES)}")
    sources = SOURCES | {"own": Own}  # the name of what only a Python program has
    if not isinstance(name, str) or name not in sources:
        raise UserError(
            f"[data] name = {name!r}: no data set has that name{near_match(str(name), SOURCES)}; {one_of(SOURCES)}"
        )
    return sources[name]


def _parameters(
    data: DataSource, base: dict[str, Any], table: str, written: dict[str, Any], budget: Budget
) -> tuple[dict[str, Any], Space]:
    """Base and space with every value checked by itself, so that a message names it, and in its own type."""
    if "nb_epochs" in base:
        raise UserError(f"[base] nb_epochs: belongs into [budget], or into [{table}] to vary it")
    if both := next((name for name in written if name in base), None):
        raise UserError(f"{both} is in [base] and in [{table}]; leave it in one of them")
    axes = {name: _axis(table, name, value) for name, value in written.items()}
    shared = {**base, "nb_epochs": budget.nb_epochs}
    first = shared | {name: axis.what.ends()[0] for name, axis in axes.items()}
    whole = check_parameters(data, first, {**dict.fromkeys(base, "base"), **dict.fromkeys(axes, table)})
    checked = {name: _checked(data, first, table, name, axis) for name, axis in axes.items()}
    others = {name: getattr(whole, name) for name in Parameters.model_fields if name not in axes}
    defaults = {name: field.default for name, field in Parameters.model_fields.items() if name in axes}
    space = Space(checked, defaults | others)
    space.check()
    return {name: getattr(whole, name) for name in base}, space


def _axis(table: str, name: str, written: Any) -> Axis:
    try:
        found = axis(name, written)
    except UserError as error:
        raise UserError(f"[{table}] {error}") from None
    if found.condition and found.condition[0] not in Parameters.model_fields:
        known = near_match(found.condition[0], Parameters.model_fields)
        raise UserError(f"[{table}] {name} = {written!r}: there is no parameter {found.condition[0]}{known}")
    if found.condition and name in Parameters.model_fields and Parameters.model_fields[name].is_required():
        raise UserError(f"[{table}] {name} = {written!r}: has no default for where the condition does not hold")
    return found


def _checked(data: DataSource, first: dict[str, Any], table: str, name: str, axis: Axis) -> Axis:
    """The axis with its values, and those of its condition, in the parameters' own types."""

    def typed(value: Any, name: str = name) -> Any:
        return getattr(check_parameters(data, first | {name: value}, {name: table}), name)

    condition = axis.condition and (
        axis.condition[0],
        tuple(typed(one, axis.condition[0]) for one in axis.condition[1]),
    )
    if not isinstance(axis.what, Choice):
        for end in axis.what.ends() if name != "nb_steps" else axis.values[: MOST_STEPS + 1]:
            typed(end)
        return Axis(axis.written, axis.what, condition)
    values = tuple(map(typed, axis.what.values))
    if len(set(values)) < len(values):
        raise UserError(f"[{table}] {name} = {list(values)}: a value is there twice")
    return Axis(axis.written, Choice(values), condition)


def _check_search(study: Study) -> None:
    """Raise a UserError if this space cannot be searched so."""
    ranges = [name for name, axis in study.space.items() if not isinstance(axis.what, Choice)]
    if study.search.method == "grid" and ranges:
        raise UserError(
            f"[space] {ranges[0]} = {study.space[ranges[0]].written}: a grid needs a list of values; "
            "or take --search random or --search optuna"
        )
    if study.search.method != "grid" and study.budget.seeds > 1:
        raise UserError(f"[budget] seeds = {study.budget.seeds}: {ONCE}")
    if study.search.method != "grid" and not study.space:
        raise UserError(
            f"[{study.space.table}]: nothing varies, so there is nothing to search; name a parameter, or use --set"
        )
    if study.search.method != "grid" and len(study.steps) > MOST_STEPS:
        raise UserError(
            f"[space] nb_steps = {study.space['nb_steps'].written}: {len(study.steps)} numbers of steps, each of which "
            f"holds the data once more; at most {MOST_STEPS}: give a list, or a step as in int(50, 200, 50)"
        )
    if study.search.method == "grid":
        study.cells()  # values that do not go together
