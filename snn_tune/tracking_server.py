"""`python -m snn_tune.tracking_server`: MLflow for a cluster's head, whose database outlives that machine.

The database is a file on the head's disk. A copy of it goes to the storage, once a minute when it has changed, and at
the end; a head without the newest one takes it from there. Artifacts lie in the storage alone. It listens on loopback.
"""

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from pyarrow import ArrowInvalid, fs

from snn_tune.errors import UserError, one_line
from snn_tune.options import OptionParser

COPY_S = 60.0
READY_S = 120.0
KEPT = 3  # copies in the storage


class Copies:
    """Copies of a database in the storage, each named after the time of its last change, in nanoseconds.

    Args:
        storage: folder or bucket.

    Raises:
        UserError: there is no such storage.
    """

    def __init__(self, storage: str, database: Path) -> None:
        self.database, self.part = database, database.with_name("mlflow.db.part")
        try:
            self.files, path = fs.FileSystem.from_uri(storage)
            self.folder = f"{path}/mlflow"
            self.files.create_dir(self.folder)
        except (OSError, ArrowInvalid) as error:
            raise UserError(f"--storage {storage}: {one_line(error)}; name a folder or a bucket that is there") from None

    def changed(self) -> int:
        """When the database last changed; 0 without one."""
        both = (self.database, self.database.with_name("mlflow.db-wal"))
        return max((path.stat().st_mtime_ns for path in both if path.exists()), default=0)

    def times(self) -> list[int]:
        """Those of the copies, the newest first."""
        found = self.files.get_file_info(fs.FileSelector(self.folder))
        return sorted((int(one.base_name[:-3]) for one in found if one.base_name.endswith(".db")), reverse=True)

    def restore(self) -> str:
        """Take the newest copy, where the database is older or absent. Returns what it did, in words."""
        newest = max(self.times(), default=0)
        if newest <= self.changed():
            return f"mlflow: {self.database}" if self.changed() else f"mlflow: a new database, {self.database}"
        self._move(f"{self.folder}/{newest}.db", str(self.part), self.files, fs.LocalFileSystem())
        if self.database.exists():
            self.database.rename(self.database.with_name(f"mlflow.db.before-{newest}"))
        self.part.rename(self.database)
        os.utime(self.database, ns=(newest, newest))
        return f"mlflow: the database of {time.strftime('%F %T', time.localtime(newest / 1e9))}, from {self.folder}"

    def save(self) -> None:
        """Add a copy, where the newest is older than the database, and remove the oldest."""
        changed, times = self.changed(), self.times()
        if changed <= max(times, default=0):
            return
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(self.part)) as target:
            source.backup(target)
        part = f"{self.folder}/{changed}.part"
        self._move(str(self.part), part, fs.LocalFileSystem(), self.files)
        self.files.move(part, f"{self.folder}/{changed}.db")  # there whole or not at all
        self.part.unlink()
        for old in times[KEPT - 1 :]:
            self.files.delete_file(f"{self.folder}/{old}.db")

    @staticmethod
    def _move(source: str, target: str, here: Any, there: Any) -> None:
        fs.copy_files(source, target, source_filesystem=here, destination_filesystem=there)


@contextmanager
def serving(storage: str, database: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server while it is within.

    Raises:
        UserError: it does not answer.
    """
    mlflow = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", f"{storage}/artifacts"]
    server = subprocess.Popen([*mlflow, *stores], start_new_session=True)
    try:
        ends = time.monotonic() + READY_S
        while not answers(port):
            if server.poll() is not None or time.monotonic() > ends:
                raise UserError(f"MLflow's server does not answer on port {port}; what it said is above")
            time.sleep(0.5)
        print(f"mlflow answers on http://127.0.0.1:{port}", flush=True)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except OSError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped, or while a command runs: returns its exit status then."""
    options = _parser().parse_args(arguments)
    database = options.root.resolve() / "mlflow.db"
    if answers(options.port):
        print(f"port {options.port} is taken: is the server running already?", file=sys.stderr)
        return 2
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        copies = Copies(options.storage, database)
        print(copies.restore(), flush=True)
        with serving(options.storage, database, options.port) as server:
            status = _watch(options.command, server, copies, options.port)
        copies.save()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status


def _watch(command: list[str], server: subprocess.Popen[bytes], copies: Copies, port: int) -> int:
    """Save copies until the command or the server ends. A signal ends the server, or is the command's to answer."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    waited = subprocess.Popen(command, env=environment) if command else server
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda kind, _: waited.send_signal(kind))
    while True:
        try:
            return waited.wait(COPY_S)
        except subprocess.TimeoutExpired:
            try:
                copies.save()
            except (OSError, sqlite3.Error) as error:
                print(f"no copy of the database this time: {one_line(error)}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser("python -m snn_tune.tracking_server", "MLflow's server on a cluster's head.")
    add = parser.add_argument
    add("--storage", required=True, metavar="URI", help="folder or bucket of the artifacts, and of the database's copies")
    add("--root", type=Path, default=Path("runs"), metavar="DIR", help="folder of the database (default: runs)")
    add("--port", type=int, default=5000, help="on this machine's loopback address (default: 5000)")
    add("command", nargs="*", metavar="-- COMMAND", help="serve while this runs, and end with it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
