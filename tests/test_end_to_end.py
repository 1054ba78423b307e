"""The command as a user types it, in processes of its own: real training, Ray, MLflow, on small files and real data."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from writers import write_braille, write_fashion, write_shd

pytestmark = pytest.mark.slow

SMALL = {
    "fashion_mnist": (write_fashion, {"train": 90, "valid": 10, "test": 20}, "80"),
    "shd": (write_shd, {"train": 12, "valid": 12, "test": 12}, "50"),
    "tbl": (write_braille, {"train": 189, "valid": 27, "test": 54}, "152"),
}
TEST_FILE = {"fashion_mnist": "t10k-images", "shd": "shd_test", "tbl": "pkl"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "snn_tune.run", *map(str, arguments)]


def run(*arguments: object) -> str:
    """Run to the end; what it printed."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def cell(**settings: object) -> list[str]:
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def trials(root: Path, study: str) -> tuple[MlflowClient, list[Run]]:
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(study)
    return client, list(client.search_runs([experiment.experiment_id], "tags.role = 'trial'"))


@pytest.mark.parametrize("name", SMALL)
def test_small_files_in_the_real_formats(name: str, tmp_path: Path) -> None:
    write: Callable[[Path], object]
    write, samples, nb_steps = SMALL[name]
    data, root = tmp_path / "data", tmp_path / "runs"
    write(data)
    before = sorted(data.rglob("*"))
    chosen = cell(nb_hidden=20, nb_steps=nb_steps, scale=20.0, regularizer="1e-6,1e-5")
    printed = run(name, "--data-dir", data, "--root", root, "--epochs", 2, *chosen)
    assert "2/2 done" in printed
    assert "marginal means" in printed
    client, found = trials(root, name)
    assert [run.info.status for run in found] == ["FINISHED"] * 2
    for one in found:
        assert len(client.get_metric_history(one.info.run_id, "train_loss")) == 2
        assert json.loads(one.data.tags["samples"]) == {f"nb_{part}": number for part, number in samples.items()}
    report = json.loads((root / "reports" / name / "optimum.json").read_text())
    assert report["trials"]["finished"] == 2
    best = root / "reports" / name
    assert f"best network: {best}/best.pt and best.nir" in printed
    file = next(path for path in before if TEST_FILE[name] in path.name)
    said = [
        subprocess.run(
            [sys.executable, "-m", "snn_tune.predict", best / model, file], capture_output=True, text=True, timeout=100
        ).stdout
        for model in ("best.pt", "best.nir")
    ]
    assert said[0] == said[1]
    assert "accuracy: " in said[0]
    assert sorted(data.rglob("*")) == before  # nothing was written beside the data


@pytest.mark.skipif(not os.environ.get("SNN_TUNE_DATA"), reason="SNN_TUNE_DATA names no folder of real data")
@pytest.mark.parametrize(
    ("name", "nb_steps", "epochs", "better_than"),
    [("fashion_mnist", 80, 1, 0.6), ("shd", 80, 4, 0.1), ("tbl", 76, 1, 0.08)],  # chance: 0.1, 0.05, 0.04
)
def test_real_data_learns_within_a_few_epochs(
    name: str, nb_steps: int, epochs: int, better_than: float, tmp_path: Path
) -> None:
    chosen = cell(nb_hidden=50, nb_steps=nb_steps, scale=20.0, regularizer="1e-6", lr="2e-3")
    run(name, "--root", tmp_path, "--epochs", epochs, *chosen)
    (only,) = trials(tmp_path, name)[1]
    assert only.data.metrics["best_test_accuracy"] > better_than
    assert json.loads(only.data.tags["data_files"])


def test_the_same_trial_in_two_stores_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    results = []
    for root, nb_steps in ((tmp_path / "a", "25,40"), (tmp_path / "b", "40,25")):
        chosen = cell(nb_hidden="20,30", nb_steps=nb_steps, scale=10.0, regularizer="1e-5")
        run("randman", "--root", root, "--epochs", 3, *chosen)
        client, found = trials(root, "randman")
        results.append({one.data.tags["key"]: outcome(client, one) for one in found})
    assert len(results[0]) == 4
    assert results[0] == results[1]


def outcome(client: MlflowClient, run: Run) -> tuple[object, ...]:
    """All that a trial found, but for its times."""
    path = client.download_artifacts(run.info.run_id, "model.pt")
    weights = torch.load(path, weights_only=True)["weights"]
    metrics = {name: value for name, value in run.data.metrics.items() if "time" not in name}
    return metrics, {name: array.tolist() for name, array in weights.items()}


def test_a_reader_that_leaves_stops_nothing_and_a_failed_trial_shows_in_the_status(tmp_path: Path) -> None:
    chosen = cell(nb_hidden="20,30", nb_steps=25, scale=10.0, regularizer="1e-5", lr="1e38")
    line = " ".join(command("randman", "--root", tmp_path, "--epochs", 1, *chosen))
    done = subprocess.run(
        f"set -o pipefail; {line} | head -1", shell=True, executable="/bin/bash", capture_output=True, text=True
    )
    assert done.stdout.startswith("randman runs on this machine")
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert [run.data.tags["state"] for run in trials(tmp_path, "randman")[1]] == ["failed"] * 2
