"""Checkpoints: the furthest good one is taken, a bad one is said and harmless, and few are kept."""

import errno
import hashlib
import logging
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import study

from snn_tune import checkpoint
from snn_tune.checkpoint import DIGEST, Checkpoints, lineages, reached
from snn_tune.storage import Folder
from snn_tune.trial import Trial

TRIAL, OTHER, *_ = study(budget={"nb_epochs": 9}).trials("data")
LONGER = Trial(TRIAL.parameters.model_copy(update={"nb_epochs": 20}), TRIAL.seed, TRIAL.data)


def state(epoch: int) -> dict[str, Any]:
    return {"epochs": [{"epoch": number} for number in range(1, epoch + 1)], "weights": torch.arange(4) / epoch}


def saved(folder: Path, *epochs: int, trial: Trial = TRIAL) -> Checkpoints:
    checkpoints = Checkpoints(trial, Folder(folder))
    for epoch in epochs:
        checkpoints.save(state(epoch))
    return checkpoints


def found(checkpoints: Checkpoints) -> list[int]:
    return [len(state["epochs"]) for state in checkpoints.states()]


def names(folder: Path) -> set[str]:
    return {path.name.partition("-")[2] for path in folder.iterdir()}


def test_what_is_saved_is_found_the_furthest_first(tmp_path: Path) -> None:
    assert found(Checkpoints(TRIAL, Folder(tmp_path / "nothing"))) == []
    first = next(saved(tmp_path, 3, 5).states())
    assert first["epochs"] == state(5)["epochs"]
    assert torch.equal(first["weights"], state(5)["weights"])
    assert found(saved(tmp_path)) == [5, 3]


def test_two_are_kept_while_it_runs_and_one_at_the_end(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 3, 10)
    assert names(tmp_path) == {"3.checkpoint", "10.checkpoint"}
    checkpoints.close()
    assert names(tmp_path) == {"10.checkpoint"}


def test_one_that_ends_before_it_saves_keeps_what_it_began_with(tmp_path: Path) -> None:
    saved(tmp_path, 2, 7)
    Checkpoints(TRIAL, Folder(tmp_path)).close()  # it ended before it looked
    assert names(tmp_path) == {"2.checkpoint", "7.checkpoint"}
    next(tmp_path.glob("*-7.checkpoint")).write_bytes(b"garbage")
    checkpoints = Checkpoints(TRIAL, Folder(tmp_path))
    next(checkpoints.states())
    checkpoints.close()
    assert names(tmp_path) == {"2.checkpoint"}


def test_how_far_it_has_come_is_told_by_names(tmp_path: Path) -> None:
    saved(tmp_path / TRIAL.key, 4, 9)
    saved(tmp_path / LONGER.key, 15, trial=LONGER)
    files = lineages(Folder(tmp_path))[TRIAL.lineage]
    assert [reached(trial, files) for trial in (TRIAL, LONGER)] == [9, 15]
    assert reached(OTHER, ()) == 0


def test_one_that_was_damaged_gives_way_though_it_was_further(tmp_path: Path) -> None:
    saved(tmp_path, 2, 7)
    next(tmp_path.glob("*-7.checkpoint")).write_bytes(b"garbage")
    checkpoints = Checkpoints(TRIAL, Folder(tmp_path))
    assert found(checkpoints) == [2]
    checkpoints.save(state(3))
    assert names(tmp_path) == {"2.checkpoint", "3.checkpoint"}


def test_a_longer_trial_takes_the_shorter_ones_and_never_the_other_way(tmp_path: Path) -> None:
    saved(tmp_path / TRIAL.key, 9)
    saved(tmp_path / LONGER.key, 4, 15, trial=LONGER)
    saved(tmp_path / OTHER.key, 8, trial=OTHER)
    holders = {lineage: {file.parent for file in files} for lineage, files in lineages(Folder(tmp_path)).items()}
    short, long, other = (Folder(tmp_path / trial.key) for trial in (TRIAL, LONGER, OTHER))
    assert holders == {TRIAL.lineage: {short, long}, OTHER.lineage: {other}}
    assert found(Checkpoints(LONGER, long, holders[LONGER.lineage])) == [15, 9, 4]
    assert found(Checkpoints(TRIAL, short, holders[TRIAL.lineage])) == [9, 4]


def test_what_belongs_to_another_training_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, 4, trial=OTHER)
    (strange,) = tmp_path.iterdir()
    assert found(Checkpoints(TRIAL, Folder(tmp_path))) == []  # in the wrong folder
    strange.rename(tmp_path / f"{TRIAL.lineage}-4.checkpoint")
    assert found(Checkpoints(TRIAL, Folder(tmp_path))) == []  # and under the wrong name
    saved(tmp_path, 5)
    (tmp_path / f"{TRIAL.lineage}-5.checkpoint").rename(tmp_path / f"{TRIAL.lineage}-6.checkpoint")
    assert found(Checkpoints(TRIAL, Folder(tmp_path))) == []
    saved(tmp_path, 7)
    monkeypatch.setattr(checkpoint, "MODEL_VERSION", -1)
    assert found(Checkpoints(TRIAL, Folder(tmp_path))) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_means_the_one_before(data: st.DataObject, tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 2, 7)
    file = tmp_path / f"{TRIAL.lineage}-7.checkpoint"
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = whole[:at] + bytes([whole[at] ^ (1 << data.draw(st.integers(0, 7)))]) + whole[at + 1 :]
    file.write_bytes(data.draw(st.sampled_from([whole[:at], flipped, whole + b"\0", b"", data.draw(st.binary())])))
    assert found(checkpoints) == [2]
    assert checkpoints.refused == [f"{file}: it is damaged"]


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("dump", [pickle.dump, torch.save])
def test_a_hostile_one_runs_no_code_even_with_the_right_digest(tmp_path: Path, dump: Any) -> None:
    mark, file = tmp_path / "mark", tmp_path / f"{TRIAL.lineage}-7.checkpoint"
    checkpoints = saved(tmp_path, 2)
    with file.open("wb") as stream:
        dump({"model": Hostile(mark)}, stream)
    body = file.read_bytes()
    file.write_bytes(hashlib.sha256(body).digest() + body)
    assert found(checkpoints) == [2]
    assert not mark.exists()
    pickle.loads(pickle.dumps(Hostile(mark)))  # it is hostile
    assert mark.exists()


@pytest.mark.parametrize("content", [[], "text", {}, {"model": 1, "lineage": TRIAL.lineage, "epoch": 7}])
def test_other_content_with_the_right_digest_is_not_taken(tmp_path: Path, content: object) -> None:
    file = tmp_path / f"{TRIAL.lineage}-7.checkpoint"
    torch.save(content, file)
    body = file.read_bytes()
    file.write_bytes(hashlib.sha256(body).digest() + body)
    assert len(body) > DIGEST
    assert found(Checkpoints(TRIAL, Folder(tmp_path))) == []


def test_what_is_no_checkpoint_is_left_alone_but_for_unfinished_ones(tmp_path: Path) -> None:
    (tmp_path / f"{TRIAL.lineage}-9.checkpoint").mkdir()
    (tmp_path / "notes.checkpoint").write_text("")
    (tmp_path / f".{TRIAL.lineage}-8.checkpoint.abc.part").write_text("")
    checkpoints = saved(tmp_path, 2)
    assert found(checkpoints) == [2]
    assert names(tmp_path) == {"9.checkpoint", "2.checkpoint", ""}


def test_a_full_disk_is_said_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = saved(tmp_path, 1)
    with monkeypatch.context() as full:
        full.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        checkpoints.save(state(2))
        checkpoints.save(state(3))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "is saved up to epoch 1 only" in caplog.text
    assert "No space left" in caplog.text
    assert found(checkpoints) == [1]
    checkpoints.save(state(4))
    assert found(checkpoints) == [4, 1]
    assert len(caplog.records) == 1


def test_a_folder_that_cannot_be_written_is_as_well(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    checkpoints = saved(tmp_path / "file" / "folder", 1, 2)
    assert found(checkpoints) == []
    assert len(caplog.records) == 1
