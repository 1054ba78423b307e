"""Real driver processes with a stand-in for training, and what must be in the store whatever was done to them.

`python harness.py ROOT [URI [EPOCHS [SAMPLES]]]` is such a driver, of a grid or, with SAMPLES, of a search.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import standin
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from ray import cloudpickle
from small import study

from snn_tune import search
from snn_tune.errors import UserError
from snn_tune.finding import DIGITS
from snn_tune.study import Study
from snn_tune.study_tables import override
from snn_tune.tracking import delivery, lease
from snn_tune.tracking.past import finding

NB_TRIALS, EPOCH_S = 24, float(os.environ.get("SNN_TUNE_TEST_EPOCH_S", "0.02"))


def grid(nb_epochs: int = 3) -> Study:
    """24 trials of three epochs, 60 ms each unless told otherwise."""
    axes = {"nb_hidden": list(range(1, NB_TRIALS + 1)), "nb_steps": [20]}
    return study(base={"lr": EPOCH_S}, grid=axes, budget={"nb_epochs": nb_epochs})


def searched(samples: int) -> Study:
    """A search that prunes, of nine epochs, 0.2 s, a trial; the best two again with two other seeds."""
    short = study(base={"lr": EPOCH_S}, grid={"nb_steps": [20]}, budget={"nb_epochs": 9})
    settings = {"method": "optuna", "scheduler": "asha", "samples": samples, "confirm": 2, "confirm_seeds": 2}
    return override(short, {"nb_hidden": "int(1, 1000)", "recurrent": [True, False]}, search=settings)


def database(root: Path) -> str:
    return f"sqlite:///{root / 'mlflow.db'}"


def driver(root: Path, uri: str = "", nb_epochs: int = 3, samples: int = 0) -> subprocess.Popen:
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, __file__, str(root), uri, str(nb_epochs), str(samples)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def finish(root: Path, uri: str = "", nb_epochs: int = 3, samples: int = 0) -> str:
    """Run to the end; what it printed."""
    process = driver(root, uri, nb_epochs, samples)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    return printed


def descendants(pid: int, named: str) -> list[int]:
    """Processes that this one started, or that those started, whose command line begins so."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            parents[int(folder.name)] = parent, (folder / "cmdline").read_text()

    def is_ours(child: int) -> bool:
        parent = parents.get(child, (0, ""))[0]
        return parent == pid or (parent > 1 and is_ours(parent))

    return [child for child, (_, words) in parents.items() if words.startswith(named) and is_ours(child)]


def check_whole(uri: str, *studies: Study) -> None:
    """One live FINISHED run for each key of the grids and no other, each epoch once, results as if undisturbed."""
    client = MlflowClient(uri)
    runs = list(client.search_runs([client.get_experiment_by_name("small").experiment_id], max_results=5000))
    assert [run.info.status for run in runs if run.data.tags["role"] == "study"] == ["FINISHED"]
    trials = {run.data.tags["key"]: run for run in runs if run.data.tags["role"] == "trial"}
    assert len(trials) == len(runs) - 1
    data = next(iter(trials.values())).data.tags["data_fingerprint"]
    wanted = {trial.key: trial for what in studies or [grid()] for trial in what.trials(data)}
    assert trials.keys() == wanted.keys()
    for key, run in trials.items():
        parameters, seed = wanted[key].parameters, wanted[key].seed
        values = [standin.accuracy(parameters, seed, epoch) for epoch in range(1, parameters.nb_epochs + 1)]
        for name in ("train_loss", "valid_accuracy", "epoch_time_s"):
            history = client.get_metric_history(run.info.run_id, name)
            assert [(metric.step, metric.value) for metric in history] == list(enumerate(values, start=1))
        assert len(client.get_metric_history(run.info.run_id, "best_epoch")) == 1
        assert (run.info.status, run.data.tags["state"]) == ("FINISHED", "finished")
        assert run.data.metrics["best_test_accuracy"] == values[-1]
        assert run.data.params["nb_hidden"] == str(parameters.nb_hidden)
        assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"model.pt", "evidence.npz"}


def check_searched(uri: str, what: Study) -> None:
    """As many samples as were asked for, each one live run that is over, each epoch of it once; and the best again."""
    client = MlflowClient(uri)
    runs = list(client.search_runs([client.get_experiment_by_name("small").experiment_id], max_results=5000))
    assert [run.info.status for run in runs if run.data.tags["role"] == "study"] == ["FINISHED"]
    trials = [run for run in runs if run.data.tags["role"] == "trial"]
    assert len({run.data.tags["key"] for run in trials}) == len(trials)
    mine = [run for run in trials if what.search_mark in run.data.tags]
    again = [run for run in trials if what.confirm_mark in run.data.tags]
    places = sorted(int(run.data.tags[what.search_mark]) for run in mine)
    assert places == list(range(1, what.search.samples + 1))
    for run in trials:
        check_run(client, run)
    finished = [run for run in mine if run.data.tags["state"] == "finished"]
    best = sorted(finished, key=lambda run: -run.data.metrics["best_valid_accuracy"])[: what.search.confirm]
    expected = {(run.data.params["nb_hidden"], run.data.params["recurrent"]) for run in best}
    assert {(run.data.params["nb_hidden"], run.data.params["recurrent"]) for run in again} == expected
    assert sorted(run.data.params["seed"] for run in again) == sorted(["1", "2"] * len(best))


def check_run(client: MlflowClient, run: Run) -> None:
    """A trial that is over: its epochs once, those that it reached, with the results of an undisturbed training."""
    found = finding(run)
    assert found is not None
    history = client.get_metric_history(run.info.run_id, "valid_accuracy")
    values = [standin.accuracy(found.trial.parameters, found.trial.seed, 1 + epoch) for epoch in range(len(history))]
    assert [(metric.step, metric.value) for metric in history] == list(enumerate(values, start=1))
    assert found.history == [round(value, DIGITS) for value in values]
    assert run.info.status == "FINISHED"
    scored = {name for name in run.data.metrics if name.startswith(("best_", "test_", "run_time"))}
    if run.data.tags["state"] == "finished":
        assert len(history) == found.trial.parameters.nb_epochs
        assert len(scored) == 6
        assert "reason" not in run.data.tags or not run.data.tags["reason"]
    else:
        assert run.data.tags["state"] == "pruned"
        assert run.data.tags["reason"].startswith(f"judged at epoch {len(history)}: ")
        assert 0 < len(history) < found.trial.parameters.nb_epochs
        assert not scored


def main(root: str, uri: str = "", nb_epochs: str = "3", samples: str = "0") -> int:
    cloudpickle.register_pickle_by_value(standin)
    if patience := os.environ.get("SNN_TUNE_TEST_PATIENCE_S"):
        lease.EXPIRY_S = delivery.PATIENCE_S = float(patience)
    try:
        address, storage = (
            os.environ.get("RAY_ADDRESS"),
            os.environ.get("SNN_TUNE_STORAGE"),
        )
        options = search.Options(root=Path(root), tracking_uri=uri or None, address=address, storage=storage)
        what = searched(int(samples)) if int(samples) else grid(int(nb_epochs))
        return search.run(what, options, fit=standin.fit)
    except UserError as error:
        print(f"error: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
