"""Kill anything, type the command again: results are those of an undisturbed run, bit for bit. In real processes."""

import io
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import standin
import torch
from mlflow.tracking import MlflowClient
from ray import cloudpickle
from small import study
from test_end_to_end import cell, command, trials
from test_search import start, store

from snn_tune.checkpoint import DIGEST

cloudpickle.register_pickle_by_value(standin)
pytestmark = pytest.mark.slow

EPOCHS = 500
CHOSEN = cell(nb_hidden="60,100", nb_steps=100, scale=10.0, regularizer="1e-5")


class Command:
    """A study of two trials in a session of its own, as a terminal has it."""

    def __init__(self, root: Path, checkpoint_s: float) -> None:
        self.root = root
        self.process = subprocess.Popen(
            command("randman", "--root", root, "--epochs", EPOCHS, *CHOSEN),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | {"SNN_TUNE_CHECKPOINT_S": str(checkpoint_s)},
        )

    def wait_for(self, epochs: int) -> None:
        """Until both trials have come that much further than they were."""
        before = Counter(checkpoints(self.root))
        for _ in range(1800):
            reached = checkpoints(self.root)
            if len(reached) == 2 and all(reached[key] >= before[key] + epochs for key in reached):
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.1)
        raise AssertionError(f"it did not come so far: {reached}")

    def ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, status: int) -> tuple[str, str]:
        printed, said = self.process.communicate(timeout=300)
        assert self.process.returncode == status, printed + said
        assert "Traceback" not in printed + said
        return printed, said


def checkpoints(root: Path) -> dict[str, int]:
    """Epoch of the furthest of each trial, by key."""
    found = [(path.parent.name, int(path.stem.partition("-")[2])) for path in root.glob("trials/*/*/*.checkpoint")]
    return {key: max(epoch for other, epoch in found if other == key) for key, _ in found}


def result(client: MlflowClient, run: Any, root: Path) -> tuple[object, ...]:
    """All that a trial leaves: metrics of each epoch and last ones, best weights, and the state that it ended in."""
    names = [name for name in run.data.metrics if "time" not in name]
    history = {
        name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        for name in names
    }
    best = torch.load(client.download_artifacts(run.info.run_id, "model.pt"), weights_only=True)["weights"]
    (file,) = (root / "trials" / "randman" / run.data.tags["key"]).iterdir()  # nothing else is left
    state = torch.load(io.BytesIO(file.read_bytes()[DIGEST:]), weights_only=True)["state"]
    del state["epochs"]  # with their times
    return history, plain(best), plain(state)


def plain(value: Any) -> Any:
    """Tensors as their bytes."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    return {name: plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def test_stopped_stopped_at_once_and_killed_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    quiet, root = tmp_path / "undisturbed", tmp_path / "disturbed"
    Command(quiet, 30.0).end(0)

    first = Command(root, 0.5)
    first.wait_for(5)
    first.ctrl_c()
    printed, said = first.end(130)
    stopped = time.time() * 1000
    assert "stopping: the running trials save their state; once more to stop now" in printed
    assert "type the same command to go on" in said
    client, found = trials(root, "randman")
    assert {(run.data.tags["state"], run.info.status) for run in found} == {("interrupted", "KILLED")}
    reported = {run.data.tags["key"]: len(client.get_metric_history(run.info.run_id, "train_loss")) for run in found}
    assert reported == checkpoints(root)  # not one epoch is lost

    second = Command(root, 0.5)
    second.wait_for(5)
    before = time.monotonic()
    second.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    second.process.send_signal(signal.SIGTERM)
    second.end(130)
    assert time.monotonic() - before < 15
    assert {run.data.tags["state"] for run in trials(root, "randman")[1]} == {"interrupted"}

    third = Command(root, 0.5)
    third.wait_for(5)
    third.process.kill()
    third.process.communicate()
    assert max(checkpoints(root).values()) < EPOCHS

    Command(root, 30.0).end(0)
    client, found = trials(root, "randman")
    for run in found:  # begun before the first stop, and never again
        first_epoch = client.get_metric_history(run.info.run_id, "train_loss")[0]
        assert (first_epoch.step, first_epoch.timestamp < stopped) == (1, True)
    calm, expected = trials(quiet, "randman")
    assert {run.data.tags["key"]: result(client, run, root) for run in found} == {
        run.data.tags["key"]: result(calm, run, quiet) for run in expected
    }


def test_a_lost_worker_goes_on_from_the_checkpoint_and_more_epochs_from_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNN_TUNE_CHECKPOINT_S", "0")
    deadly = study(base={"regularizer": 15.0}, grid={"nb_hidden": [5, 10], "nb_steps": [20]}, budget={"nb_epochs": 6})
    start(tmp_path, deadly)
    check_trained(tmp_path, epochs=6, here=6 - standin.DIES_AFTER)
    longer = study(base={"regularizer": 15.0}, grid={"nb_hidden": [5, 10], "nb_steps": [20]}, budget={"nb_epochs": 9})
    start(tmp_path, longer)
    check_trained(tmp_path, epochs=9, here=3)


def test_a_stop_waits_for_what_runs_and_begins_nothing_more(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    many = study(base={"lr": 0.05}, grid={"nb_hidden": list(range(1, 41)), "nb_steps": [20]}, budget={"nb_epochs": 60})

    def stop_amid_a_trial() -> None:
        while 60 not in checkpoints(tmp_path).values():
            time.sleep(0.1)
        time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop_amid_a_trial, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path, many)
    assert capfd.readouterr().out.count("stopping: ") == 1
    client, runs = store(tmp_path)
    states = [run.data.tags["state"] for run in runs if run.data.tags["role"] == "trial"]
    assert set(states) == {"finished", "interrupted"}
    assert states.count("interrupted") <= (os.cpu_count() or 1)
    assert {run.data.tags["key"]: last_epoch(client, run) for run in runs if "key" in run.data.tags} == checkpoints(
        tmp_path
    )


def test_a_state_that_cannot_be_saved_at_a_stop_is_told(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    one = study(base={"lr": 0.1}, grid={"nb_hidden": [5], "nb_steps": [20]}, budget={"nb_epochs": 900})
    (trial,) = one.trials(one.data.load(20, tmp_path).fingerprint)
    folder = tmp_path / "trials" / "small" / trial.key
    folder.parent.mkdir(parents=True)
    folder.write_text("no folder")

    def stop_amid_the_trial() -> None:
        while not nb_reported(tmp_path):
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop_amid_the_trial, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path, one)
    assert f"trial {trial.key} is saved up to epoch 0 only: {folder}: " in capfd.readouterr().out


def nb_reported(root: Path) -> int:
    """Epochs that the store has, of all trials."""
    if not (root / "mlflow.db").exists():
        return 0
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    runs = client.search_runs([experiment.experiment_id], "tags.role = 'trial'") if experiment else []
    return sum(len(client.get_metric_history(run.info.run_id, "train_loss")) for run in runs)


def last_epoch(client: MlflowClient, run: Any) -> int:
    return client.get_metric_history(run.info.run_id, "train_loss")[-1].step


def check_trained(root: Path, epochs: int, here: int) -> None:
    """Both trials with that many epochs are finished, and their last worker trained only so many of them."""
    client, runs = store(root)
    found = [run for run in runs if run.data.params.get("nb_epochs") == str(epochs)]
    assert [run.data.tags["state"] for run in found] == ["finished"] * 2
    for run in found:
        history = client.get_metric_history(run.info.run_id, "valid_accuracy")
        assert [point.step for point in history] == list(range(1, epochs + 1))
        evidence = np.load(client.download_artifacts(run.info.run_id, "evidence.npz"))
        assert evidence["trained"] == here
