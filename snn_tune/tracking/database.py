"""The database in a folder of results: SQLite, made and read by MLflow."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from mlflow.tracking import MlflowClient

from snn_tune.errors import UserError
from snn_tune.files import naming
from snn_tune.tracking.addresses import readdress
from snn_tune.tracking.question import RESTORE, ask

SQLITE = "sqlite:///"
DATABASE, ARTIFACTS = "mlflow.db", "artifacts"  # in a folder of results


def database_uri(root: Path) -> str:
    """Of the database under the root folder.

    Raises:
        UserError: the root's path cannot be part of a database's address.
    """
    path = str(root.resolve() / DATABASE)
    if set(path) & set("?%"):
        raise UserError(f"--root {root}: a path with ? or % cannot be part of a database's address; take another")
    return SQLITE + path


def check(path: Path) -> None:
    """MLflow would make one of a file that is not there, or empty, and see nothing wrong."""
    if not path.exists():
        raise UserError(f"there is no tracking database {path}; name another --root or --tracking-uri")
    if not path.is_file():
        raise UserError(f"the tracking database {path} is a folder; move it aside, or name another --root")
    if not path.stat().st_size:
        raise UserError(f"the tracking store {SQLITE}{path} cannot be used (it is an empty file): {RESTORE}")
    if not _is_mlflows(path):
        raise UserError(f"the tracking store {SQLITE}{path} cannot be used (another program's database): {RESTORE}")


def _is_mlflows(path: Path) -> bool:
    """MLflow would add its tables to another program's database. True of what is no database, which it says itself."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchall())
    except sqlite3.Error:
        return True


def make(path: Path) -> None:
    """Whole or not at all: MLflow fills a new database in many steps, and cannot go on from half of them."""
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    with naming(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        ask(SQLITE + str(path), lambda: MlflowClient(SQLITE + str(part)).search_experiments())
        with naming(path.parent), suppress(FileExistsError):  # where another driver was faster
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def move_artifacts(path: Path, old: str, new: str) -> None:
    """What lay at the address `old` lies at `new`."""
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        readdress(connection, old, new)
