"""The command that classifies a file."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from snn_tune.datasets.braille import Braille
from snn_tune.datasets.randman import Randman
from snn_tune.model import read, write
from snn_tune.parameters import Parameters
from snn_tune.predict import main
from snn_tune.training import Outcome, fit

DATA = Randman(name="randman", nb_inputs=20, nb_classes=3, dim_manifold=1, nb_train=120, nb_valid=40, nb_test=40)
PARAMETERS = Parameters(
    nb_hidden=20, nb_steps=30, scale=10, regularizer=1e-5, lr=1e-2, nb_epochs=12, batch_size=25,
    tau_mem=1e-2, tau_syn=5e-3, init_scale=0.8,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in both forms, the spikes of its test part, and what training scored on them."""
    folder = tmp_path_factory.mktemp("predict")
    *_, outcome = fit(PARAMETERS, 0, DATA.load(30, Path()))
    assert isinstance(outcome, Outcome)
    torch.save(outcome.model, folder / "best.pt")
    write(read(folder / "best.pt"), folder / "best.nir")
    times, labels = DATA._samples()
    sample, unit, _ = np.indices(times[-40:].shape)
    arrays = {"sample": sample.ravel(), "unit": unit.ravel(), "time": times[-40:].ravel()}
    np.savez(folder / "test.npz", **arrays, label=labels[-40:])
    np.savez(folder / "unknown.npz", **arrays)
    (folder / "accuracy").write_text(str(outcome.metrics["best_test_accuracy"]))
    return folder


@pytest.mark.parametrize("kernel", ["auto", "reference"])
@pytest.mark.parametrize("name", ["best.pt", "best.nir"])
def test_the_accuracy_is_the_one_that_training_scored(
    name: str, kernel: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder / name), str(folder / "test.npz"), "--json", "--kernel", kernel]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == float((folder / "accuracy").read_text()) > 0.6
    assert len(found["samples"]) == 40
    assert all(1 / 3 <= row["probability"] <= 1 for row in found["samples"])
    right = [row["class"] == row["label"] for row in found["samples"]]
    assert np.mean(right) == found["accuracy"]


def test_many_samples_are_summed_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "best.nir"), str(folder / "test.npz")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 23
    assert lines[20] == "and 20 more samples: --json prints all"
    assert lines[22].startswith("accuracy: ")
    assert main([str(folder / "best.nir"), str(folder / "unknown.npz")]) == 0
    assert "accuracy" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["best.pr", "test.npz"], "did you mean 'best.pt'?"),
        (["best.pt", "tets.npz"], "did you mean 'test.npz'?"),
        (["best.pt", "best.nir"], "not an .npz file of spikes"),
        (["test.npz", "best.pt"], "not a model file"),
        (["best.pt", "test.npz", "--kernel", "cup"], "did you mean 'cpu'?"),
        (["best.pt", "test.npz", "--kernel", "gpu"], "this computes on the CPU"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str],
    complaint: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_real_recordings_are_classified_as_in_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = os.environ.get("SNN_TUNE_DATA")
    if not real:
        pytest.skip("SNN_TUNE_DATA names no folder of real data")
    data = Braille(name="tbl").load(76, Path(real))
    parameters = PARAMETERS.model_copy(update={"nb_hidden": 50, "nb_steps": 76, "nb_epochs": 5, "init_scale": 0.2})
    *_, outcome = fit(parameters, 0, data)
    assert isinstance(outcome, Outcome)
    torch.save(outcome.model, tmp_path / "best.pt")
    write(read(tmp_path / "best.pt"), tmp_path / "best.nir")
    file = next(Path(real, "braille").glob("*.pkl.gz"))
    parts = [len(part) for part in (data.train, data.valid, data.test)]
    scores = [outcome.metrics[f"best_{part}_accuracy"] for part in ("train", "valid", "test")]
    for name in ("best.pt", "best.nir"):
        assert main([str(tmp_path / name), str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(
            np.average(scores, weights=parts), abs=1e-9
        )
