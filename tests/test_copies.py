"""A database goes to the storage, and comes back on another machine."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from s3server import S3, s3  # noqa: F401

from snn_tune.copies import KEPT, Copies


def write(database: Path, value: int) -> None:
    with closing(sqlite3.connect(database)) as store, store:
        store.execute("CREATE TABLE IF NOT EXISTS runs (value)")
        store.execute("INSERT INTO runs VALUES (?)", (value,))


def values(database: Path) -> list[int]:
    with closing(sqlite3.connect(database)) as store:
        return [value for (value,) in store.execute("SELECT value FROM runs")]


def there_and_back(storage: str, folder: Path) -> None:
    here, elsewhere = folder / "a/mlflow.db", folder / "b/mlflow.db"
    here.parent.mkdir()
    elsewhere.parent.mkdir()
    write(here, 1)
    Copies(storage, here).save()
    assert "from" in Copies(storage, elsewhere).restore()
    assert values(elsewhere) == [1]


def test_a_database_comes_back_elsewhere(tmp_path: Path) -> None:
    there_and_back(str(tmp_path / "storage"), tmp_path)


def test_a_database_comes_back_from_a_bucket(s3: S3, tmp_path: Path) -> None:  # noqa: F811
    there_and_back(s3.uri, tmp_path)


def test_the_newer_of_database_and_copy_counts(tmp_path: Path) -> None:
    storage, here, other = str(tmp_path / "storage"), tmp_path / "mlflow.db", tmp_path / "other/mlflow.db"
    write(here, 1)
    Copies(storage, here).save()
    write(here, 2)  # after the copy: a restart of the same machine keeps it
    Copies(storage, here).restore()
    assert values(here) == [1, 2]
    other.parent.mkdir()
    Copies(storage, other).restore()
    time.sleep(0.01)
    write(other, 3)
    Copies(storage, other).save()  # meanwhile another machine was the head
    Copies(storage, here).restore()
    assert values(here) == [1, 3]
    (kept,) = tmp_path.glob("before-*-mlflow.db")
    assert values(kept) == [1, 2]


def test_rows_that_are_not_in_the_main_file_yet_are_saved(tmp_path: Path) -> None:
    storage, here, elsewhere = str(tmp_path / "storage"), tmp_path / "mlflow.db", tmp_path / "b/mlflow.db"
    elsewhere.parent.mkdir()
    with closing(sqlite3.connect(here)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        write(here, 1)
        Copies(storage, here).save()
        time.sleep(0.01)
        write(here, 2)
        Copies(storage, here).save()
    Copies(storage, elsewhere).restore()
    assert values(elsewhere) == [1, 2]


def test_few_copies_are_kept_and_none_is_made_where_nothing_changed(tmp_path: Path) -> None:
    copies = Copies(str(tmp_path / "storage"), tmp_path / "mlflow.db")
    copies.save()
    assert copies.times() == []
    for value in range(KEPT + 2):
        write(copies.database, value)
        copies.save()
        copies.save()
        assert len(copies.times()) == min(value + 1, KEPT)
        time.sleep(0.01)
    assert copies.times()[0] == copies.changed()
