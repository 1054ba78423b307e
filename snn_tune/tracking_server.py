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
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import parse_qsl

from snn_tune import interrupt
from snn_tune.command import exit_status
from snn_tune.copies import Copies
from snn_tune.errors import UserError, one_line
from snn_tune.files import naming
from snn_tune.options import OptionParser, add_root

COPY_S = float(os.environ.get("SNN_TUNE_COPY_S", "60"))
READY_S = 120.0


@contextmanager
def serving(storage: str, database: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server while it is within.

    Raises:
        UserError: it does not answer.
    """
    mlflow = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    folder, _, query = storage.partition("?")
    stores = ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", f"{folder}/artifacts"]
    server = subprocess.Popen([*mlflow, *stores], env=os.environ | of_bucket(query), start_new_session=True)
    try:
        ends = time.monotonic() + READY_S
        while not answers(port):
            if server.poll() is not None or time.monotonic() > ends:
                raise UserError(f"MLflow's server does not answer on port {port}; what it said is above")
            time.sleep(0.5)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def of_bucket(query: str) -> dict[str, str]:
    """The options of a bucket's URI as MLflow takes them: from the environment. Only the server opens the bucket."""
    options = dict(parse_qsl(query))
    environment = {}
    if endpoint := options.get("endpoint_override"):
        environment["MLFLOW_S3_ENDPOINT_URL"] = (
            endpoint if "://" in endpoint else f"{options.get('scheme', 'https')}://{endpoint}"
        )
    if region := options.get("region"):
        environment["AWS_DEFAULT_REGION"] = region
    return environment


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except (OSError, HTTPException):
        return False


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped, or while a command runs: returns its exit status then, 2 for something to mend."""
    interrupt.ready()  # until `_watch`, where a signal goes on to what runs
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _serve(options))


def _serve(options: argparse.Namespace) -> int:
    database = options.root.resolve() / "mlflow.db"
    if answers(options.port):
        raise UserError(f"port {options.port} is taken; name another --port, or end what listens there")
    with naming(database.parent):
        database.parent.mkdir(parents=True, exist_ok=True)
    copies = Copies(options.storage, database)
    print(copies.restore(), flush=True)
    with serving(options.storage, database, options.port) as server:
        status = _watch(options.command, server, copies, options.port)
    _save(copies)
    return status


def _watch(command: list[str], server: subprocess.Popen[bytes], copies: Copies, port: int) -> int:
    """Save copies until the command or the server ends. A signal ends the server, or is the command's to answer."""
    waited = _started(command, port) if command else server
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda kind, _: waited.send_signal(kind))
    print(f"mlflow answers on http://127.0.0.1:{port}", flush=True)  # after that, a signal leaves a copy
    lost = False
    while True:
        with suppress(subprocess.TimeoutExpired):
            waited.wait(COPY_S)
        if command and not lost and server.poll() is not None:
            lost = True
            print(
                f"mlflow has ended, with status {server.returncode}; it may say why above", file=sys.stderr, flush=True
            )
        if waited.returncode is not None:
            return waited.returncode
        _save(copies)


def _started(command: list[str], port: int) -> subprocess.Popen[bytes]:
    """The command, in a process group of its own: else Ctrl-C would reach it twice, which means "stop now"."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    try:
        return subprocess.Popen(command, env=environment, process_group=0)
    except OSError as error:
        raise UserError(f"-- {command[0]}: cannot be run ({error.strerror})") from None


def _save(copies: Copies) -> None:
    try:
        copies.save()
    except (UserError, OSError, sqlite3.Error) as error:
        print(f"{copies.database}: not copied this time: {one_line(error)}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser("python -m snn_tune.tracking_server", "MLflow's server on a cluster's head.")
    add = parser.add_argument
    add(
        "--storage",
        required=True,
        metavar="URI",
        help="folder or bucket of the artifacts, and of the database's copies",
    )
    add_root(parser)
    add("--port", type=int, default=5000, help="on this machine's loopback address (default: 5000)")
    add("command", nargs="*", metavar="-- COMMAND", help="serve while this runs, and end with it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
