"""What a worker does with a trial: reports, checkpoints, files, endings. Ray is left out, time is made short."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import standin
import torch
from small import study

from snn_tune import trainable, trial_reports
from snn_tune.checkpoint import Checkpoints, lineages
from snn_tune.course import State, Trained
from snn_tune.storage import Folder
from snn_tune.trial import Ending, Epoch, Trial
from snn_tune.trial_reports import Job, reports

DATA = SimpleNamespace(train=SimpleNamespace(source=SimpleNamespace(unit=torch.zeros(1))))
TRIAL, *_ = study(budget={"nb_epochs": 5}).trials("data")


@pytest.fixture(autouse=True)
def _every_epoch_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_reports, "REPORT_EVERY_S", -1.0)
    monkeypatch.setattr(trial_reports.ray, "get", lambda reference: reference)
    monkeypatch.setattr(trial_reports.ray, "get_gpu_ids", list)


def job(folder: Path, fit: Callable[..., Any] = standin.fit, trial: Trial = TRIAL) -> Job:
    where = Folder(folder)
    return Job({trial.parameters.nb_steps: DATA}, fit, where, "auto", 1, 1, lineages=lineages(where))


def longer(nb_epochs: int) -> Trial:
    return Trial(TRIAL.parameters.model_copy(update={"nb_epochs": nb_epochs}), TRIAL.seed, TRIAL.data)


def begun(starts: list[int], *arguments: Any, start: State | None = None, **options: Any) -> Iterator[Any]:
    """The stand-in; notes how many epochs it starts from."""
    starts.append(len(start["epochs"]) if start else 0)
    return standin.fit(*arguments, start=start, **options)


def told(course: Iterator[dict[str, Any]]) -> tuple[list[Epoch], Ending]:
    """All that a trial reports until its end."""
    *some, last = course
    assert last["done"]
    return [epoch for report in [*some, last] for epoch in report["epochs"]], last["ending"]


def kept(folder: Path) -> list[int]:
    return sorted(int(path.stem.partition("-")[2]) for path in (folder / TRIAL.key).glob("*.checkpoint"))


def test_each_epoch_is_reported_once_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    epochs, ending = told(reports(TRIAL, job(tmp_path)))
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5]
    assert ending.state == "finished"
    assert {Path(file).name for file in ending.files} == {"model.pt", "evidence.npz"}
    assert kept(tmp_path) == [5]


def test_a_trial_reports_at_the_rungs_but_its_last_epoch_comes_with_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_reports, "REPORT_EVERY_S", 1000.0)
    rungs = replace(job(tmp_path), rungs=frozenset({1, 3, 5}))
    course = [[epoch.epoch for epoch in report["epochs"]] for report in reports(TRIAL, rungs)]
    assert course == [[], [1], [2, 3], [4, 5]]


def test_the_first_report_comes_before_any_work(tmp_path: Path) -> None:
    course = reports(TRIAL, job(tmp_path, fit=None))
    assert next(course) == {"epochs": []}
    course.close()
    assert not list(tmp_path.iterdir())


def test_stopped_it_leaves_a_checkpoint_and_goes_on_from_there(tmp_path: Path) -> None:
    course = reports(TRIAL, job(tmp_path))
    before = [epoch for _ in range(4) for epoch in next(course)["epochs"]]
    course.close()
    assert kept(tmp_path) == [3]
    starts: list[int] = []
    epochs, ending = told(reports(TRIAL, job(tmp_path, partial(begun, starts))))
    assert starts == [3]
    assert epochs[:3] == before
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5]
    assert ending.state == "finished"


def test_few_checkpoints_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(Checkpoints, "save", lambda _, state, keep=2: written.append(len(state["epochs"])))
    told(reports(TRIAL, job(tmp_path)))
    assert written == [5]
    monkeypatch.setattr(trial_reports, "CHECKPOINT_EVERY_S", -1.0)
    told(reports(TRIAL, job(tmp_path)))
    assert written == [5, 1, 2, 3, 4, 5]


def test_a_longer_trial_starts_where_the_shorter_one_ended(tmp_path: Path) -> None:
    told(reports(TRIAL, job(tmp_path)))
    long, starts = longer(8), []
    epochs, _ = told(reports(long, job(tmp_path, partial(begun, starts), long)))
    assert starts == [5]
    assert [epoch.epoch for epoch in epochs] == list(range(1, 9))
    short = longer(4)
    told(reports(short, job(tmp_path, partial(begun, starts), short)))
    assert starts == [5, 0]


def test_a_checkpoint_that_fit_refuses_means_the_one_before_or_a_fresh_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(TRIAL, Folder(tmp_path / TRIAL.key))
    checkpoints.save({"epochs": ["no epoch"]})
    checkpoints.save({"epochs": ["no", "epochs"]})
    starts: list[int] = []
    epochs, ending = told(reports(TRIAL, job(tmp_path, partial(begun, starts))))
    assert starts == [2, 1, 0]
    assert (len(epochs), ending.state) == (5, "finished")
    (record,) = caplog.records
    assert f"trial {TRIAL.key} starts anew: not used are the one of epoch 2: " in record.getMessage()
    assert "; the one of epoch 1: " in record.getMessage()
    assert kept(tmp_path) == [5]


@pytest.mark.parametrize(("regularizer", "state"), [(13.0, "failed"), (14.0, "diverged")])
def test_one_checkpoint_stays_of_a_trial_that_ends_early(tmp_path: Path, regularizer: float, state: str) -> None:
    parameters = TRIAL.parameters.model_copy(update={"regularizer": regularizer})
    trial = Trial(parameters, TRIAL.seed, TRIAL.data)
    checkpoints = Checkpoints(trial, Folder(tmp_path / trial.key))
    for number in (1, 2):  # of an earlier start that was killed
        checkpoints.save({"epochs": [asdict(Epoch(epoch, {})) for epoch in range(1, number + 1)]})
    epochs, ending = told(reports(trial, job(tmp_path, trial=trial)))
    assert ([epoch.epoch for epoch in epochs], ending.state) == ([1, 2], state)
    assert [path.name for path in (tmp_path / trial.key).glob("*.checkpoint")] == [f"{trial.lineage}-2.checkpoint"]


def out_of_memory(*_: Any, **__: Any) -> Iterator[Trained]:
    raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")


def test_out_of_memory_is_named_with_what_to_lower(tmp_path: Path) -> None:
    _, ending = told(reports(TRIAL, job(tmp_path, out_of_memory)))
    assert ending.state == "failed"
    assert ending.reason.startswith("out of memory; lower batch_size, nb_hidden or --max-concurrent (RuntimeError: ")
    assert [Path(file).name for file in ending.files] == ["error.txt"]


def test_a_worker_reuses_itself_and_what_it_logs_goes_with_the_reports(tmp_path: Path) -> None:
    worker = trainable.TrialTrainable.__new__(trainable.TrialTrainable)
    worker.setup({"trial": TRIAL}, job(tmp_path))
    try:
        for _ in range(3):
            worker.step()
        assert worker.reset_config({"trial": TRIAL})
        assert kept(tmp_path) == [2]
        (file,) = (tmp_path / TRIAL.key).glob("*-2.checkpoint")
        file.write_bytes(b"")
        assert worker.step()["said"] == []
        (line,) = worker.step()["said"]
        assert line == f"trial {TRIAL.key} starts anew: not used are {file}: it is damaged"
        assert worker.step()["said"] == []
        worker.cleanup()
    finally:
        trainable.log.removeHandler(worker.said)
