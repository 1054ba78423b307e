"""Trials read back from their runs."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from snn_tune.finding import Finding
from snn_tune.sampler import Sampler
from snn_tune.study_file import read
from snn_tune.study_tables import override
from snn_tune.tracking.past import finding
from snn_tune.trial import Trial, as_text

AXES = {"nb_hidden": [20, [30, 10]], "nb_layers": [1], "time_constants": ["shared", "drawn", "trained"]}


def run(trial: Trial, status: str = "FINISHED", **tags: str) -> Any:
    """A run as MLflow gives it back."""
    tags = {"data_fingerprint": trial.data, "key": trial.key, "state": "finished", "network": trial.network} | tags
    params = {name: as_text(value) for name, value in trial.parameters.model_dump().items()}
    data = SimpleNamespace(tags=tags, params=params | {"seed": str(trial.seed), "alpha": "0.5"}, metrics={"a": 1.0})
    return SimpleNamespace(data=data, info=SimpleNamespace(status=status))


@given(st.integers(0, 10_000))
def test_every_parameter_is_read_back_as_it_was(seed: int) -> None:
    wide = override(read("randman_extended"), AXES, search={"method": "random", "seed": seed})
    for network in ("", "Mine-0123abcd"):
        trial = Trial(Sampler(wide).ask(), seed, "data", network)
        marks = {"search.1": "7"}
        expected = Finding(trial, "finished", {"a": 1.0}, [0.5, 0.75], marks)
        assert finding(run(trial, valid_history="[0.5, 0.75]", **marks)) == expected


def test_what_is_not_this_model_s_or_cannot_be_read_is_none() -> None:
    trial = read("randman").trials("data")[0]
    assert finding(run(trial, key="another")) is None
    assert finding(run(trial, valid_history="oops")) is None
    damaged = run(trial)
    damaged.data.params["nb_hidden"] = "many"
    assert finding(damaged) is None
    found = finding(run(trial, status="RUNNING"))
    assert found is not None
    assert found.state == "running"  # its end was not written to the last
