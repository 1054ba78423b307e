"""The database: made whole or not at all; and what is said of one that is damaged, or held."""

import sqlite3
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.tracking.store import Store, writable


def make(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "runs" / "mlflow.db"
    uri = f"sqlite:///{path}"
    writable("small", uri, tmp_path / "artifacts")
    return path, uri


def test_a_new_database_leaves_no_parts(tmp_path: Path) -> None:
    path, uri = make(tmp_path)
    assert list(path.parent.iterdir()) == [path]
    assert Store("small", uri).experiment.artifact_location == (tmp_path / "artifacts" / "small").as_uri()
    assert writable("small", uri, tmp_path / "artifacts").experiment_id == Store("small", uri).experiment_id


@pytest.mark.slow  # MLflow asks again and again
def test_a_database_that_another_program_holds_is_named(tmp_path: Path) -> None:
    path, uri = make(tmp_path)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UserError, match="is locked.*: wait, or stop the other program that holds it"):
        Store("small", uri)
    other.close()


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_database_is_named(tmp_path: Path, part: float) -> None:
    path, _ = make(tmp_path)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(UserError, match="damaged.db cannot be used .*: move the damaged file aside"):
        list(writable("small", f"sqlite:///{damaged}", tmp_path).runs())
