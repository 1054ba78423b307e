"""Names of runs, for the eye: `h200 t100 s100 r2e-6 #0`. A run is found by its key, whatever its name."""

from collections.abc import Mapping

from snn_tune.study import Study
from snn_tune.trial import Trial

# One for each parameter, no two alike; the first letter of a name's main word, then of two words.
LETTERS = {
    "nb_hidden": "h",
    "nb_steps": "t",  # s is the scale
    "scale": "s",
    "regularizer": "r",
    "lr": "lr",
    "nb_epochs": "e",
    "batch_size": "b",
    "tau_mem": "tm",
    "tau_syn": "ts",
    "dt": "dt",
    "recurrent": "rec",
    "reset": "reset",
    "scaled_input": "si",
    "reduction": "red",
    "units_per_channel": "u",
    "init_scale": "is",
    "init_scale_recurrent": "isr",
    "init_fan": "fan",
    "optimizer": "opt",
    "adam_beta2": "b2",
    "nb_layers": "l",
    "dropout": "d",
    "time_constants": "tc",
    "precision": "p",
    "class_weights": "w",
}
MOST = 6  # parameters in the name of a sample, which has its number


def run_name(study: Study, trial: Trial, marks: Mapping[str, str]) -> str:
    """Name of a trial's run: the parameters that the study varies, in the study's order, and the seed.

    A sample of a search begins with its number, one of the best again with its place: `12: h87 lr0.0121 #0`,
    `best 1: h87 lr0.0121 #3`.

    Args:
        marks: the trial's tags of searches.
    """
    values = trial.parameters.model_dump()
    varied = [name for name in study.space.those_that_count(values) if len(set(map(str, study.grid[name]))) > 1]
    parts = [_part(name, short(values[name])) for name in varied]
    place = f"best {again}: " if (again := marks.get(study.confirm_mark)) else ""
    if sample := marks.get(study.search_mark, ""):
        place = f"{sample}: "
    if place and len(parts) > MOST:
        parts = [*parts[:MOST], "..."]
    return place + " ".join([*parts, f"#{trial.seed}"])


def _part(name: str, text: str) -> str:
    """`h200`, `reset=zero`."""
    return LETTERS[name] + "=" * text[0].isalpha() + text


def short(value: object) -> str:
    """`2e-6`, `0.01`, `20`, `200-100` for two layers, `true`, `zero`."""
    if isinstance(value, tuple | list):
        return "-".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        plain, power = f"{value:.4g}", f"{value:.3e}"
        mantissa, _, exponent = power.partition("e")
        power = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
        shorter = 0 < abs(value) < 0.1 and len(power) < len(plain)
        return power if shorter or "e" in plain else plain
    return str(value)
