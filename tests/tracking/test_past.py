"""Trials read back from MLflow as a search learns from them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.entities import Run, RunData, RunInfo
from mlflow.entities.param import Param
from mlflow.entities.run_tag import RunTag
from small import study
from test_space import AXES, searched
from test_tracker import Start, finish

from snn_tune import trial as trials
from snn_tune.sampler import Sampler
from snn_tune.tracking import past
from snn_tune.tracking.store import Store, writable
from snn_tune.trial import Ending, Epoch, Trial


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("store")
    return writable("small", f"sqlite:///{root / 'mlflow.db'}", root / "artifacts")


def start(store: Store) -> Start:
    start = Start(store)
    start.tracker.shared_tags = {"data_fingerprint": "data"}
    return start


def read(store: Store, trial: Trial) -> Any:
    (found,) = [one for one in past.of_study(store) if one.trial.key == trial.key]
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9), st.integers(0, 5), st.sampled_from(["", "Mine-0123abcd"]))
def test_every_kind_of_value_comes_back_as_it_was(store: Store, seed: int, trial_seed: int, network: str) -> None:
    space = {name: ways[0] for name, ways in AXES.items()} | {
        "lr": "loguniform(1e-9, 1)",
        "nb_hidden": "int(1, 100000)",
    }
    space |= {"precision": ["exact", "truncated"], "regularizer": [0.0, 1e-7, 1], "tau_mem": "uniform(0.001, 0.1)"}
    space |= {"nb_hidden": [20, [30, 10]], "time_constants": ["shared", "drawn", "trained"]}
    trial = Trial(Sampler(searched(space, seed=seed)).ask(), trial_seed, "data", network)
    begun = start(store)
    finish(begun, trial)
    begun.write()
    assert read(store, trial).trial == trial


@pytest.mark.parametrize("state", ["finished", "pruned", "diverged", "failed", "interrupted"])
def test_state_metrics_history_and_marks(store: Store, state: str) -> None:
    begun, trial = start(store), Trial(study().cells()[0], 7, f"of {state}")
    begun.tracker.shared_tags = {"data_fingerprint": trial.data}
    begun.tracker.marks[trial.key] = {"search.1234": "5", "confirm.1234": "1"}
    begun.tracker.begun(trial)
    for number, accuracy in ((1, 1 / 3), (2, 2 / 3), (2, 2 / 3)):  # reported again
        begun.tracker.epochs(trial, [Epoch(number, {"valid_accuracy": accuracy})])
    begun.tracker.ended(trial, Ending(state, "because", metrics={"run_time_s": 2.0}))
    begun.tracker.mark(trial, {"search.5678": "9"})
    begun.write(one_by_one=True)
    found = read(store, trial)
    assert found.trial == trial
    assert (found.state, found.history) == (state, [0.33333, 0.66667])
    assert found.metrics == {"valid_accuracy": 2 / 3, "run_time_s": 2.0}
    assert found.marks == {"search.1234": "5", "confirm.1234": "1", "search.5678": "9"}
    assert found.values({"run_time_s": "min"}) == ([2.0] if state == "finished" else None)
    assert found.values({"best_valid_accuracy": "max"}) is None


def test_a_trial_that_runs_or_is_not_written_to_the_last_is_not_over(store: Store) -> None:
    begun, trial = start(store), Trial(study().cells()[1], 8, "data")
    begun.tracker.begun(trial)
    begun.tracker.mark(trial, {"search.1": "1"})
    begun.write(one_by_one=True)
    assert read(store, trial).state == "running"
    assert read(store, trial).marks == {"search.1": "1"}
    store.client.set_tag(begun.ledger.entries[trial.key].run_id, "state", "finished")  # its status is still to come
    assert read(store, trial).state == "running"


def test_trials_of_another_version_of_the_model_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, trial = start(store), Trial(study().cells()[2], 9, "data")
    finish(begun, trial)
    begun.write()
    assert read(store, trial)
    monkeypatch.setattr(trials, "MODEL_VERSION", trials.MODEL_VERSION + 1)
    assert past.of_study(store) == []


def test_trials_of_other_studies_are_those_of_the_same_data_that_have_finished(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mine = writable("mine", uri, tmp_path)
    assert past.elsewhere(mine, "data") == []
    for name, data in (("one", "data"), ("two", "data"), ("three", "other")):
        begun = Start(writable(name, uri, tmp_path))
        begun.tracker.shared_tags = {"data_fingerprint": data}
        for cell, state in zip(study().cells(), ("finished", "pruned", "failed"), strict=False):
            finish(begun, Trial(cell, 0, data), state)
        begun.write()
    found = past.elsewhere(mine, "data")
    assert [one.trial.parameters for one in found] == [study().cells()[0]] * 2
    assert past.elsewhere(writable("one", uri, tmp_path), "data") == found[:1]


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(["nb_hidden", "reset", "seed", "lr"]), st.text(max_size=30), max_size=4),
    st.text(max_size=30),
)
@pytest.mark.parametrize("history", ["5", "{}", "[1, null]", "[[]]", '"x"', "[" * 5000, "[1,", "null"])
def test_a_run_that_someone_has_tampered_with_is_left_out(history: str, params: dict[str, str], key: str) -> None:
    trial = study().trials("data")[0]
    values = {name: str(value) for name, value in trial.parameters.model_dump().items()} | {"seed": "0"}
    run = whole(values | params, {"key": key or trial.key, "data_fingerprint": "data", "valid_history": history})
    assert past.finding(run) is None or past.finding(run).history == []


@pytest.mark.parametrize(
    "text", ["(" * 6000, "-" * 6000 + "1", "[" * 6000, "__import__('os')", "1 if 1 else 2", "\x00"]
)
def test_no_value_is_too_odd_to_be_read(text: str) -> None:
    trial = study().trials("data")[0]
    values = {name: str(value) for name, value in trial.parameters.model_dump().items()} | {"seed": "0"}
    tags = {"key": trial.key, "data_fingerprint": "data", "state": "finished"}
    assert past.finding(whole(values, tags)).trial == trial
    assert past.finding(whole(values | {"nb_hidden": text}, tags)) is None
    assert past.finding(whole(values | {"reset": text}, tags)) is None


def whole(params: dict[str, str], tags: dict[str, str]) -> Run:
    data = RunData([], [Param(*one) for one in params.items()], [RunTag(*one) for one in tags.items()])
    return Run(RunInfo("id", "1", "me", "FINISHED", 1, 2, "active"), data)
