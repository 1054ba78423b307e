"""What a study found, on its run in MLflow, read back with MLflow's client; and what becomes of an earlier report."""

from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.tracking import MlflowClient
from server import Server
from small import study
from test_describe import TAGS
from test_model import DATA, PARAMETERS, trained

from snn_tune import model
from snn_tune.predict import predict
from snn_tune.tracking.describe import NOTE, describe_study
from snn_tune.tracking.publish import Outcome, publish
from snn_tune.tracking.store import Store, writable


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file as a study's report has it."""
    path = tmp_path_factory.mktemp("models") / "best.pt"
    torch.save(trained(PARAMETERS, DATA.load(30, Path()))[0].model, path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return begun(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)


def begun(uri: str, root: Path) -> Store:
    """A store of a study that has begun."""
    store = writable("small", uri, root / "artifacts")
    run_id = store.client.create_run(store.experiment_id, tags={"role": "study"}).info.run_id
    describe_study(store, run_id, study(), TAGS)
    return store


def outcome(folder: Path, best: Path | None, key: str = "k1", **files: str) -> Outcome:
    """Of a report with these files."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    folder.mkdir(exist_ok=True)
    (folder / "best.pt").unlink(missing_ok=True)
    if best:
        (folder / "best.pt").write_bytes(best.read_bytes())
    accuracies = {"best_valid_accuracy": 0.75, "best_test_accuracy": 0.5}
    return Outcome(study(), "the table", accuracies, key, {"finished": 3, "failed": 1}, folder)


def files(store: Store, path: str | None = None) -> set[str]:
    client, parent = MlflowClient(store.uri), store.parent()
    found = client.list_artifacts(parent.info.run_id, path)
    return {file.path for file in found if not file.is_dir}.union(
        *(files(store, file.path) for file in found if file.is_dir)
    )


def test_the_table_the_report_and_few_metrics_are_on_the_study_s_run(store: Store, tmp_path: Path, best: Path) -> None:
    first = outcome(tmp_path / "r", best, index_html="<p>", figures__a_svg="<svg>", figures__b_svg="<svg>")
    (tmp_path / "r" / ".hidden.part").write_text("half")
    (tmp_path / "r" / "other").mkdir()
    assert publish(first, store.uri) == []
    assert files(store) == {"report/index.html", "report/best.pt", "report/figures/a.svg", "report/figures/b.svg"}
    run = store.parent()
    assert run.data.tags[NOTE].startswith("the table\n")
    counts = {"trials_finished": 3.0, "trials_failed": 1.0}
    assert run.data.metrics == {"best_valid_accuracy": 0.75, "best_test_accuracy": 0.5} | counts

    (tmp_path / "r" / "figures" / "b.svg").unlink()
    again = replace(first, best={"best_valid_accuracy": 0.7}, counts={"finished": 2, "failed": 0})
    assert publish(again, store.uri) == []
    assert files(store) == {"report/index.html", "report/best.pt", "report/figures/a.svg"}
    metrics = store.parent().data.metrics  # the last start's, also where they are lower
    assert (metrics["best_valid_accuracy"], metrics["trials_finished"], metrics["trials_failed"]) == (0.7, 2.0, 0.0)


@pytest.mark.slow
def test_a_server_takes_it_too(tmp_path: Path, best: Path) -> None:
    server = Server(tmp_path / "server")
    try:
        store = begun(f"http://127.0.0.1:{server.port}", tmp_path)
        first = outcome(tmp_path / "r", best, index_html="<p>", figures__b_svg="<svg>")
        assert publish(first, store.uri) == []
        (tmp_path / "r" / "figures" / "b.svg").unlink()
        assert publish(replace(first, best_key="k2"), store.uri) == []
        assert files(store) == {"report/index.html", "report/best.pt"}
        (logged,) = store.client.search_logged_models([store.experiment_id])
        assert (logged.status, logged.tags["key"]) == ("READY", "k2")
    finally:
        server.stop()


def test_mlflow_loads_the_best_network_and_it_predicts_what_the_command_does(
    store: Store, tmp_path: Path, best: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish(outcome(tmp_path / "r", best), store.uri) == []
    (logged,) = store.client.search_logged_models([store.experiment_id])
    run_id = store.parent().info.run_id
    assert (logged.source_run_id, logged.tags["key"]) == (run_id, "k1")
    assert {metric.key: (metric.value, metric.dataset_name) for metric in logged.metrics} == {
        "best_valid_accuracy": (0.75, "randman"),
        "best_test_accuracy": (0.5, "randman"),
    }
    one, two = (spikes(tmp_path / f"{name}.npz", name) for name in (5, 6))
    expected = [{"file": place, **row} for place, file in enumerate((one, two)) for row in rows(best, file)]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    for address in (f"models:/{logged.model_id}", f"runs:/{run_id}/best"):
        loaded = mlflow.pyfunc.load_model(address)
        found = loaded.predict(pd.DataFrame([{"name": file.name, "content": file.read_bytes()} for file in (one, two)]))
        assert found.to_dict("records") == expected
    assert len({row["class"] for row in expected}) > 1
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{logged.model_id}"))
    assert not list(folder.rglob("*.pkl"))


def spikes(path: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    np.savez(path, sample=np.repeat(np.arange(40), 20), time=rng.random(800), unit=np.tile(np.arange(20), 40))
    return path


def rows(best: Path, file: Path) -> list[dict]:
    return predict(model.read(best), file).rows()


def test_a_model_that_is_the_same_stays_and_another_takes_its_place(store: Store, tmp_path: Path, best: Path) -> None:
    def ids() -> list[str]:
        return [one.model_id for one in store.client.search_logged_models([store.experiment_id])]

    for _ in range(2):
        publish(outcome(tmp_path / "r", best), store.uri)
    first = ids()
    publish(outcome(tmp_path / "r", best, key="k2"), store.uri)
    second = ids()
    assert len(first) == len(second) == 1
    assert first != second
    publish(outcome(tmp_path / "r", None), store.uri)
    assert ids() == []


def test_a_store_that_takes_nothing_is_a_line(
    store: Store, tmp_path: Path, best: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = outcome(tmp_path / "r", best)
    (line,) = publish(told, "http://user:secret@127.0.0.1:9")
    assert line.startswith("the report is not complete in http://***@127.0.0.1:9 (")
    assert line.endswith(": the same command puts it there")

    def fails(*_: object) -> None:
        raise ConnectionError("gone")

    with monkeypatch.context() as away:
        away.setattr(MlflowClient, "log_model_artifacts", fails)
        assert "(gone)" in publish(told, store.uri)[0]
    assert publish(told, store.uri) == []
    (kept,) = store.client.search_logged_models([store.experiment_id])  # nothing is left of the one that failed
    assert kept.status == "READY"
