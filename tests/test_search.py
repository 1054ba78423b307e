"""A study from start to end through Ray and MLflow, with a stand-in for training; the store read by MLflow's client."""

import json
from pathlib import Path

import numpy as np
import pytest
import standin
from mlflow.tracking import MlflowClient
from ray import cloudpickle
from server import Server
from small import study

from snn_tune import analysis, search
from snn_tune.errors import UserError
from snn_tune.study import Study
from snn_tune.study_tables import override

cloudpickle.register_pickle_by_value(standin)


def store(root: Path) -> tuple[MlflowClient, list]:
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    return client, list(client.search_runs([experiment.experiment_id]))


def start(root: Path, what: Study, **options: object) -> None:
    search.run(what, search.Options(root=root, **options), fit=standin.fit)


@pytest.mark.slow
def test_a_study_is_kept_whole_and_typed_again_runs_what_is_missing(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    faulty = override(study(), {"regularizer": [0.0, 13.0, 14.0]})
    start(tmp_path, faulty)
    client, runs = store(tmp_path)
    (parent,) = [run for run in runs if run.data.tags["role"] == "study"]
    trials = [run for run in runs if run.data.tags["role"] == "trial"]
    assert parent.info.status == "FINISHED"
    assert json.loads(parent.data.tags["study"]) == faulty.tables()
    assert len(trials) == len({run.data.tags["key"] for run in trials}) == 12
    states = [(run.data.tags["state"], run.info.status) for run in trials]
    assert (
        sorted(states) == [("diverged", "FINISHED")] * 4 + [("failed", "FAILED")] * 4 + [("finished", "FINISHED")] * 4
    )
    for run in trials:
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        check(client, run)
    screen = capfd.readouterr().out
    assert "12 trials: 0 done; to run: 12 new" in screen
    assert screen.count("RuntimeError: no luck at all") == 4
    assert not any(word in screen for word in ("Tuner", "raylet", "Trial status", "alembic"))

    start(tmp_path, faulty)
    assert "12 trials: 8 done; to run: 4 tried again" in capfd.readouterr().out
    _, again = store(tmp_path)
    assert len([run for run in again if run.data.tags["role"] == "study"]) == 1
    assert {run.info.run_id for run in again if run.data.tags.get("state") == "finished"} == {
        run.info.run_id for run in trials if run.data.tags["state"] == "finished"
    }
    assert len(again) == 13

    start(tmp_path, study(), fresh=True)
    assert "4 trials: 0 done; to run: 4 new" in capfd.readouterr().out
    client, again = store(tmp_path)
    assert len(again) == 5
    for run in again:
        if run.data.tags["role"] == "trial":  # from the first epoch on
            assert np.load(client.download_artifacts(run.info.run_id, "evidence.npz"))["trained"] == 3
    assert analysis.analyse("small", f"sqlite:///{tmp_path / 'mlflow.db'}").tables.counts["finished"] == 4


def check(client: MlflowClient, run: object) -> None:
    """A trial's run: one value for each epoch, scores, parameters, artifacts."""
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    history = client.get_metric_history(run.info.run_id, "valid_accuracy")
    assert run.data.params["seed"] == "0"
    assert float(run.data.params["beta"]) == pytest.approx(np.exp(-0.1))
    if run.data.tags["state"] == "finished":
        assert [metric.step for metric in history] == [1, 2, 3]
        assert files == {"model.pt", "evidence.npz"}
        assert run.data.metrics["best_valid_accuracy"] == history[-1].value
        assert run.data.tags["kernel"] == "cpu"
        assert run.data.tags["data_fingerprint"]
    elif run.data.tags["state"] == "failed":
        assert files == {"error.txt"}
        assert run.data.tags["reason"] == "RuntimeError: no luck at all"
    else:
        assert run.data.tags["reason"] == "loss not finite in epoch 1"
        assert history == []


@pytest.mark.slow
def test_a_tracking_server_keeps_the_trials_and_their_files(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    uri = f"http://127.0.0.1:{server.port}"
    try:
        start(tmp_path / "root", study(), tracking_uri=uri)
        client = MlflowClient(uri)
        found = client.search_runs([client.get_experiment_by_name("small").experiment_id], "tags.role = 'trial'")
        assert [run.info.status for run in found] == ["FINISHED"] * 4
        for run in found:
            check(client, run)
        assert analysis.analyse("small", uri).tables.counts["finished"] == 4
        assert not (tmp_path / "root" / "mlflow.db").exists()
    finally:
        server.stop()


@pytest.mark.slow
def test_trials_of_a_machine_share_one_copy_of_the_data_and_few_workers(tmp_path: Path) -> None:
    start(tmp_path, study(grid={"nb_hidden": list(range(1, 13)), "nb_steps": [20]}))
    client, runs = store(tmp_path)
    evidence = [
        np.load(client.download_artifacts(run.info.run_id, "evidence.npz"))
        for run in runs
        if run.data.tags["role"] == "trial"
    ]
    workers = {int(found["pid"]) for found in evidence}
    assert len(evidence) == 12
    assert len(workers) < 12  # reused
    for worker in workers:  # a view of the store's pages: the address is the same in each trial of a worker
        assert len({int(found["address"]) for found in evidence if found["pid"] == worker}) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"address": "127.0.0.1:1"}, "no Ray cluster answers at 127.0.0.1:1"),
        ({"address": "nonsense"}, "must be HOST:PORT"),
        ({"address": "ray://127.0.0.1:10001"}, "type the command on the cluster itself"),
        ({"kernel": "cpuu"}, "kernel 'cpuu' is not known"),
    ],
)
def test_what_cannot_start_is_refused_at_once(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        start(tmp_path, study(), **options)
