"""A small study for tests that need one."""

from typing import Any

from snn_tune.study import Study
from snn_tune.study_tables import build

TABLES: dict[str, dict[str, Any]] = {
    "data": {"name": "randman", "nb_train": 20, "nb_valid": 10, "nb_test": 10},
    "base": {"lr": 2.0, "batch_size": 10, "tau_mem": 1e-2, "tau_syn": 5e-3, "scale": 10.0, "regularizer": 0.0},
    "grid": {"nb_hidden": [5, 10], "nb_steps": [20, 30]},
    "budget": {"nb_epochs": 3},
}


def study(**tables: dict[str, Any]) -> Study:
    """The study with these keys of its tables added or replaced."""
    return build("small", {name: TABLES[name] | tables.get(name, {}) for name in TABLES})
