"""Copies of a tracking server's database in the storage: its machine may be gone tomorrow."""

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from snn_tune.files import write_whole
from snn_tune.storage import at as storage_at

KEPT = 3


class Copies:
    """Copies of a database in the storage, each named after the time of its last change, in nanoseconds.

    Raises:
        UserError: the storage does not answer.
    """

    def __init__(self, storage: str, database: Path) -> None:
        self.database, self.folder = database, storage_at(storage) / "mlflow"
        self.folder.make()

    def changed(self) -> int:
        """When the database last changed; 0 without one."""
        both = (self.database, self.database.with_name(f"{self.database.name}-wal"))
        return max((path.stat().st_mtime_ns for path in both if path.exists()), default=0)

    def times(self) -> list[int]:
        """Those of the copies, the newest first."""
        names = [file.name for file in self.folder.files()]
        return sorted((int(name[:-3]) for name in names if name[:-3].isdigit() and name.endswith(".db")), reverse=True)

    def restore(self) -> str:
        """Take the newest copy, where the database is older or absent. Returns what it did, in words."""
        newest = max(self.times(), default=0)
        if newest <= self.changed():
            return f"mlflow: {self.database}" if self.changed() else f"mlflow: a new database, {self.database}"
        for old in self.database.parent.glob(f"{self.database.name}*"):
            old.rename(old.with_name(f"before-{newest}-{old.name}"))
        write_whole(self.database, [(self.folder / f"{newest}.db").read()])
        os.utime(self.database, ns=(newest, newest))
        return f"mlflow: the database of {time.strftime('%F %T', time.localtime(newest / 1e9))}, from {self.folder}"

    def save(self) -> None:
        """Add a copy, where the newest is older than the database, and remove the oldest."""
        changed, times = self.changed(), self.times()
        if changed <= max(times, default=0):
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, self.database.name)
            with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            (self.folder / f"{changed}.db").write(copy.read_bytes())
        for old in times[KEPT - 1 :]:
            (self.folder / f"{old}.db").delete()
