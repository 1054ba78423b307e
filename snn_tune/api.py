"""A study in Python: the tables of a study file as arguments, and in their place one's own data or network."""

import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from snn_tune import study, training
from snn_tune.datasets.own import Own
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError, one_line
from snn_tune.options import default_root
from snn_tune.quiet import Screen
from snn_tune.study_file import NAME
from snn_tune.study_tables import build


class Study(study.Study):
    """A study; each table is a dict, written as in a study file.

    Args:
        name: of the MLflow experiment.
        data: the [data] table; or `own_data(function, ...)`.
        space: what varies: lists, or texts such as "loguniform(1e-4, 1e-2)".
        network: makes a network of one's own: called with `NetworkSettings` and `seed=`, returns a module whose
            forward takes a batch and returns an `Activity`.

    Raises:
        UserError: a value is impossible; one line that names it.
    """

    def __init__(
        self,
        name: str,
        *,
        data: DataSource | dict[str, Any],
        base: dict[str, Any],
        space: dict[str, Any],
        nb_epochs: int,
        seeds: int = 1,
        search: dict[str, Any] | None = None,
        description: str = "",
        network: Callable[..., Any] | None = None,
    ) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name) or name == "Default":
            raise UserError(f"name = {name!r}: must be letters, digits, . _ - alone, no . first, and not Default")
        tables = {
            "description": description,
            "data": data.model_dump() if isinstance(data, DataSource) else data,
            "base": base,
            "space": space,
            "budget": {"nb_epochs": nb_epochs, "seeds": seeds},
            "search": search or {},
            "network": _named(network) if network else "",
        }
        built = build(name, tables)
        values = {field.name: getattr(built, field.name) for field in fields(built)}
        super().__init__(**values | ({"data": data} if isinstance(data, DataSource) else {}))
        object.__setattr__(self, "make_network", network)


def own_data(function: Callable[[], Any], *, nb_inputs: int, nb_classes: int, max_time: float = 1.0) -> Own:
    """One's own data: see `datasets.own.Own` for what the function returns."""
    return Own.of(function, nb_inputs=nb_inputs, nb_classes=nb_classes, max_time=max_time)


def run(study: study.Study, *, root: str | Path | None = None, **options: Any) -> Any:
    """Run what is missing of a study, print what it found, and return that.

    Args:
        root: folder of all results; None: SNN_TUNE_ROOT, else runs.
        options: further ones of `search.Options`: tracking_uri, address, kernel, max_concurrent, fresh, ...

    Returns:
        `analysis.Analysis`: `tables` for a grid or a search, and `finalists`.

    Raises:
        UserError: something that the user can mend; nothing finished is lost.
        KeyboardInterrupt: stopped; the same call goes on.
    """
    from snn_tune import analysis, search  # Ray and MLflow, which making a study need not wait for

    where = search.Options(root=Path(root) if root else default_root(), **options)
    network = getattr(study, "make_network", None)
    search.run(study, where, partial(training.fit, network=network) if network else training.fit)
    return analysis.conclude(study.name, where.root, where.tracking_uri, Screen())


def _named(network: Callable[..., Any]) -> str:
    """Its name and a hash of its code: another network is another trial."""
    name = getattr(network, "__qualname__", type(network).__qualname__)
    try:
        code = inspect.getsource(network)
    except (OSError, TypeError) as error:
        raise UserError(f"network = {name}: its code cannot be read ({one_line(error)}); put it into a file") from None
    return f"{re.sub(r'[^0-9A-Za-z_.]', '_', name)}-{hashlib.sha256(code.encode()).hexdigest()[:8]}"
