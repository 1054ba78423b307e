"""The journal: results on their way to the tracking store, in a file, so that no kill and no outage loses any."""

import errno
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from snn_tune.files import naming

Record = dict[str, Any]

FIELDS = {  # what a record of an event has, beside the trial's key
    "begun": {"time", "name", "tags", "params"},
    "epochs": {"epochs"},
    "marked": {"tags"},
    "ended": {"time", "state", "tags", "metrics", "files"},
}


class Journal:
    """One file of JSON lines for each start of a study, and in memory what of it is still to be delivered.

    The file is emptied whenever all is delivered, and removed at the end: it holds what an outage holds up, no more.

    Args:
        folder: of this study's journals.
        study_run: the study's parent run, which tells one store from another: a journal is delivered to its own.

    Raises:
        UserError: the file cannot be written.
    """

    def __init__(self, folder: Path, study_run: str) -> None:
        self.path = folder / f"{time.time_ns()}-{os.getpid()}.{study_run}.jsonl"
        self.pending: dict[str, list[Record]] = {}
        self._lock = threading.Lock()
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb", buffering=0)

    def append(self, record: Record) -> None:
        """Keep a record of the trial record["key"].

        Raises:
            UserError: the disk is full. The record is kept in memory alone.
        """
        line = json.dumps(record).encode() + b"\n"
        with self._lock, naming(self.path):
            self.pending.setdefault(record["key"], []).append(record)
            size = self._file.tell()
            try:
                if self._file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(size)  # half a line would spoil the next one
                self._file.seek(size)
                raise

    def first(self) -> tuple[str, list[Record]]:
        """The trial that waits longest, and its records so far; ("", []) where none waits."""
        with self._lock:
            key = next(iter(self.pending), "")
            return key, list(self.pending.get(key, ()))

    def delivered(self, key: str, nb_records: int) -> None:
        """The first records of a trial are in the store."""
        with self._lock:
            rest = self.pending.pop(key)[nb_records:]
            if rest:
                self.pending[key] = rest
            if not self.pending:
                self._file.truncate(0)
                self._file.seek(0)

    def earlier(self) -> list[Path]:
        """Journals that earlier starts left, oldest first."""
        return [path for path in self._others() if path.suffixes[-2:] == self.path.suffixes[-2:]]

    def foreign(self) -> list[Path]:
        """Journals of other stores in which something waits."""
        others = [path for path in self._others() if path.suffixes[-2:] != self.path.suffixes[-2:]]
        return [path for path in others if path.stat().st_size]

    def _others(self) -> list[Path]:
        return sorted(path for path in self.path.parent.glob("*.jsonl") if path != self.path)

    def close(self) -> None:
        """Stop writing; the file stays only where something waits."""
        with self._lock:
            self._file.close()
            if not self.pending:
                self.path.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, list[Record]], int]:
    """A journal's records by trial, and how many of its lines are damaged; what a kill left of the last one is none.

    A damaged line may have been any trial's. So after it only trials are read that begin there: the others would miss
    epochs, and nobody would see.

    Raises:
        UserError: the file cannot be read.
    """
    records: dict[str, list[Record]] = {}
    whole: set[str] = set()
    nb_damaged = 0
    with naming(path):
        *lines, _ = path.read_bytes().split(b"\n")
    for record in map(_record, lines):
        if record is None:
            whole.clear()
            nb_damaged += 1
        else:
            if record["event"] == "begun":
                whole.add(record["key"])
            if not nb_damaged or record["key"] in whole:
                records.setdefault(record["key"], []).append(record)
    return records, nb_damaged


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(record, dict) and isinstance(record.get("key"), str) and _is_event(record)
    return record if is_ours else None


def _is_event(record: Record) -> bool:
    return record.keys() >= FIELDS.get(str(record.get("event")), {"none such"})
