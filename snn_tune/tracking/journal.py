"""The journal: results on their way to the tracking store, in a file, so that no kill and no outage loses any."""

import errno
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snn_tune.files import naming

Record = dict[str, Any]

FIELDS = {  # what a record of an event has, beside the trial's key
    "begun": {"time", "name", "tags", "params"},
    "epochs": {"epochs"},
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
        others = self.path.parent.glob(f"*{self.path.suffixes[-2]}.jsonl")
        return sorted(path for path in others if path != self.path)

    def close(self) -> None:
        """Stop writing; the file stays only where something waits."""
        with self._lock:
            self._file.close()
            if not self.pending:
                self.path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, list[Record]]:
    """A journal's records by trial. A line that is not whole, the last one of a killed start, is none.

    Raises:
        UserError: the file cannot be read.
    """
    records: dict[str, list[Record]] = {}
    with naming(path):
        for record in _whole(path.read_bytes().splitlines()):
            records.setdefault(record["key"], []).append(record)
    return records


def _whole(lines: list[bytes]) -> Iterator[Record]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("key"), str) and _is_event(record):
            yield record


def _is_event(record: Record) -> bool:
    return record.keys() >= FIELDS.get(str(record.get("event")), {"none such"})
