"""The journal: what waits survives a kill and an unwritable disk; what is delivered leaves nothing."""

import os
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.tracking.journal import Journal, read

A1, A2, B1, C1 = (
    {"key": key, "event": "epochs", "epochs": [value]} for key, value in (("a", 1), ("a", 2), ("b", 3), ("c", 4))
)
C0 = {"key": "c", "event": "begun", "time": 1, "name": "c", "tags": {}, "params": {}}


def test_records_wait_by_trial_until_they_are_delivered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "parent")
    assert journal.first() == ("", [])
    for record in (A1, B1, A2):
        journal.append(record)
    assert journal.first() == ("a", [A1, A2])
    assert read(journal.path) == ({"a": [A1, A2], "b": [B1]}, 0)
    journal.delivered("a", 1)
    assert journal.first() == ("b", [B1])
    journal.delivered("b", 1)
    assert journal.first() == ("a", [A2])
    journal.delivered("a", 1)
    assert journal.path.read_bytes() == b""
    journal.append(B1)
    assert read(journal.path) == ({"b": [B1]}, 0)


def test_the_file_stays_only_where_something_waits(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "parent")
    journal.append(A1)
    journal.close()
    later = Journal(tmp_path, "parent")
    assert later.earlier() == [journal.path]
    other = Journal(tmp_path, "another")
    assert (other.earlier(), other.foreign()) == ([], [journal.path])  # of another store; the empty one is nobody's
    assert later.foreign() == []
    later.close()
    assert not later.path.exists()


@pytest.mark.parametrize("torn", [b"", b'{"key": "b", "val', b"\x00\x00"])
def test_what_a_kill_left_of_the_last_line_is_no_damage(tmp_path: Path, torn: bytes) -> None:
    journal = Journal(tmp_path, "parent")
    journal.append(A1)
    with journal.path.open("ab") as file:
        file.write(torn)
    assert read(journal.path) == ({"a": [A1]}, 0)


@pytest.mark.parametrize(
    "line",
    [b"\x00\x00", b"\xff\xfe", b"[1]", b"", b'{"key": [1]}', b'{"key": "x"}', b'{"key": "x", "event": "ended"}',
     b'{"key": "x", "event": ["begun"]}', b"[" * 100_000],
)  # fmt: skip
def test_after_a_damaged_line_only_trials_are_read_that_begin_there(tmp_path: Path, line: bytes) -> None:
    journal = Journal(tmp_path, "parent")
    journal.append(A1)
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    journal._file.seek(0, os.SEEK_END)
    for record in (A2, B1, C0, C1):  # the damaged line may have been of a or b
        journal.append(record)
    assert read(journal.path) == ({"a": [A1], "c": [C0, C1]}, 1)


def test_a_full_disk_is_named_and_the_record_still_waits_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "parent")
    journal.append(A1)

    class Full:
        """Takes half of what it is given."""

        def __init__(self) -> None:
            self.file = journal._file

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

        def write(self, line: bytes) -> int:
            return self.file.write(line[: len(line) // 2])

    monkeypatch.setattr(journal, "_file", Full())
    with pytest.raises(UserError, match=r"jsonl: No space left on device; free some space"):
        journal.append(A2)
    monkeypatch.undo()
    journal.append(B1)
    assert journal.pending == {"a": [A1, A2], "b": [B1]}
    assert read(journal.path) == ({"a": [A1], "b": [B1]}, 0)
