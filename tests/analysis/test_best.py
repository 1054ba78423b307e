"""The best network of a study, taken out of the store."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from test_model import DATA, PARAMETERS, trained

from snn_tune.analysis.best import export
from snn_tune.datasets.dataset import Samples
from snn_tune.errors import UserError
from snn_tune.model import read
from snn_tune.tracking.store import Store, writable


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return writable("my_study", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


def trial(store: Store, tmp_path: Path, key: str, model: Any = None, state: str = "finished") -> None:
    run = store.client.create_run(store.experiment_id, tags={"key": key, "state": state})
    if model is not None:
        torch.save(model, tmp_path / "model.pt")
        store.client.log_artifact(run.info.run_id, str(tmp_path / "model.pt"))
        (tmp_path / "model.pt").unlink()


def test_it_is_written_as_it_is_and_as_nir(store: Store, tmp_path: Path) -> None:
    data = DATA.load(30, tmp_path)
    outcome, _ = trained(PARAMETERS, data)
    trial(store, tmp_path, "k1", outcome.model)
    folder = tmp_path / "reports"
    assert export("k1", "my_study", store.uri, folder) == f"best network: {folder}/best.pt and best.nir (trial k1)"
    test = Samples(data.test.source, None)
    assert torch.equal(read(folder / "best.pt").logits(test), read(folder / "best.nir").logits(test))
    assert torch.equal(read(folder / "best.pt").network.w1, outcome.model["weights"]["w1"])

    trial(store, tmp_path, "k2", {"weights": {}})
    line = "best network: not exported: its model.pt: made by an older version"
    assert export("k2", "my_study", store.uri, folder).startswith(line)
    assert not list(folder.iterdir())  # nothing of another trial stays


def test_a_trial_that_left_no_model_is_told(store: Store, tmp_path: Path) -> None:
    trial(store, tmp_path, "k1")
    trial(store, tmp_path, "k2", {"weights": {}}, state="failed")
    for key in ("k1", "k2", "k3"):
        line = f"best network: not exported: its trial {key} left no model.pt"
        assert export(key, "my_study", store.uri, tmp_path) == line


def test_an_artifact_that_cannot_be_reached_costs_a_line(store: Store, tmp_path: Path) -> None:
    trial(store, tmp_path, "k1", {"weights": {}})
    shutil.rmtree(tmp_path / "artifacts")
    (tmp_path / "artifacts").write_text("not a folder any more")
    assert export("k1", "my_study", store.uri, tmp_path).startswith("best network: not exported: ")
    assert export("k1", "my_study", "sqlite:////nowhere/mlflow.db", tmp_path).startswith("best network: not exported: ")


def test_a_folder_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "best.pt").mkdir()
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        export("k1", "my_study", store.uri, tmp_path)
