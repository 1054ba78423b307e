"""Where a local database says that a study's artifacts are: MLflow keeps their first address when files are moved."""

import sqlite3
from pathlib import Path

from mlflow.utils.file_utils import local_file_uri_to_path

COLUMNS = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))


def is_local(address: str) -> bool:
    """Whether it is a whole path of some machine: neither a server's or a bucket's, nor one in a copy of results."""
    return address.startswith("file:") or Path(address).is_absolute()


def gone(address: str) -> bool:
    """Whether nothing is there any more: a folder that is not there, or an address in a copy of results."""
    if is_local(address):
        return not Path(local_file_uri_to_path(address)).is_dir()
    return "://" not in address and not address.startswith("mlflow-artifacts:")


def readdress(database: sqlite3.Connection, old: str, new: str) -> None:
    """All that lay at the address `old`, or below it, lies at `new`. The caller commits."""
    for table, column in COLUMNS:
        database.execute(
            f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1)"
            f" WHERE {column} = :old OR substr({column}, 1, length(:old) + 1) = :old || '/'",
            {"old": old, "new": new},
        )
