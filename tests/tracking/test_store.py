"""The store: what is said of one that cannot be used; and where its artifacts are."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.tracking.addresses import readdress
from snn_tune.tracking.store import Store, elsewhere, writable


def test_a_store_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no tracking database .*nothing.db"):
        Store("small", f"sqlite:///{tmp_path / 'nothing.db'}")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"this is no database, and long enough to be looked at" * 20)
    with pytest.raises(UserError, match="damaged.db cannot be used .*not a database.*: move the damaged file aside"):
        Store("small", f"sqlite:///{damaged}")
    with pytest.raises(UserError, match="http://127.0.0.1:9 cannot be used .*: .{,60} Connection refused.: check that"):
        Store("small", "http://127.0.0.1:9")
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(UserError, match="mlflow.db is a folder; move it aside, or name another --root"):
        writable("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)


def test_a_root_that_was_moved_takes_its_artifacts_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    store = writable("small", f"sqlite:///{old / 'mlflow.db'}", old / "artifacts")
    run_id = store.client.create_run(store.experiment_id).info.run_id
    (tmp_path / "kept.txt").write_text("kept")
    store.client.log_artifact(run_id, str(tmp_path / "kept.txt"))
    old.rename(new)
    uri = f"sqlite:///{new / 'mlflow.db'}"
    assert Store("small", uri).artifact(run_id, "kept.txt", "").read_text() == "kept"
    store = writable("small", uri, new / "artifacts")
    assert elsewhere(store, new / "artifacts") == ""
    assert store.experiment.artifact_location == (new / "artifacts" / "small").as_uri()
    assert store.client.list_artifacts(run_id)[0].path == "kept.txt"


def test_a_study_whose_name_begins_another_ones_moves_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    for name in ("tbl", "tbl_extended"):
        store = writable(name, f"sqlite:///{path}", tmp_path / "artifacts")
        store.client.create_run(store.experiment_id)
    with sqlite3.connect(path) as database:
        readdress(database, (tmp_path / "artifacts" / "tbl").as_uri(), "here")
    addresses = [run.info.artifact_uri for run in (*Store("tbl", store.uri).runs(), *store.runs())]
    assert addresses[0].startswith("here/")
    assert addresses[1].startswith((tmp_path / "artifacts" / "tbl_extended").as_uri())


def test_of_a_root_that_was_copied_it_is_told_that_artifacts_go_to_the_first(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    store = writable("small", f"sqlite:///{old / 'mlflow.db'}", old / "artifacts")
    assert elsewhere(store, old / "artifacts") == ""
    (old / "artifacts" / "small").mkdir(parents=True)
    shutil.copytree(old, new)
    store = writable("small", f"sqlite:///{new / 'mlflow.db'}", new / "artifacts")
    assert elsewhere(store, new / "artifacts").startswith(f"artifacts go to {(old / 'artifacts' / 'small').as_uri()},")


def test_a_file_that_a_run_has_not_kept_is_none(tmp_path: Path) -> None:
    store = writable("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    run_id = store.client.create_run(store.experiment_id).info.run_id
    assert store.artifact(run_id, "nothing.txt", str(tmp_path)) is None
