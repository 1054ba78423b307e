"""A folder and a bucket are the same to those who use them, and what goes wrong names which it was."""

import logging
from pathlib import Path

import pytest
from s3server import S3, s3
from small import study

from snn_tune.bucket import Bucket
from snn_tune.checkpoint import Checkpoints, lineages, reached
from snn_tune.errors import UserError
from snn_tune.place import Place
from snn_tune.storage import Folder, at

__all__ = ["s3"]
TRIAL, OTHER, *_ = study(budget={"nb_epochs": 9}).trials("data")


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    where = str(tmp_path / "deep" / "folder") if request.param == "folder" else request.getfixturevalue("s3").uri
    return at(where)


def test_what_is_written_is_read_listed_and_deleted(root: Place) -> None:
    assert root.files() == []
    root.make()
    file = root / "trials" / "key" / "model.pt"
    file.write(b"old")
    file.write(b"new" * 10_000)
    assert file.read() == b"new" * 10_000
    (root / "trials" / "other" / "a b?#%.pt").write(b"")
    assert {found.name for found in root.files()} == {"model.pt", "a b?#%.pt"}
    assert (root / "trials" / "key").files() == [file]
    assert file.parent == root / "trials" / "key"
    assert file.parent.name == "key"
    file.delete()
    file.delete()
    assert [found.name for found in root.files()] == ["a b?#%.pt"]
    (root / "trials").clear()
    assert root.files() == []


def test_a_place_is_made_again_of_its_name(root: Place) -> None:
    file = root / "key" / "model.pt"
    file.write(b"weights")
    assert at(str(file)) == file
    with at(str(file)).local() as copy:
        assert (copy.name, copy.read_bytes()) == ("model.pt", b"weights")
    file.delete()
    with file.local() as copy:
        assert copy is None


def test_clearing_leaves_what_lies_beside(root: Place) -> None:
    for name in ("study", "study2"):
        (root / name / "key" / "model.pt").write(b"")
    (root / "study.seen").write(b"")
    (root / "study").clear()
    assert {found.name for found in root.files()} == {"model.pt", "study.seen"}
    assert (root / "study2").files()


def test_what_is_not_there_is_named(root: Place) -> None:
    with pytest.raises(UserError) as error:
        (root / "key" / "model.pt").read()
    assert str(error.value).startswith(str(root).partition("?")[0] + "/key/model.pt")
    assert "\n" not in str(error.value)


def test_checkpoints_are_kept_few_and_a_damaged_one_gives_way(root: Place) -> None:
    folder = root / TRIAL.key
    checkpoints = Checkpoints(TRIAL, folder)
    for epoch in (1, 2, 3, 7):
        checkpoints.save({"epochs": [None] * epoch})
    assert len(folder.files()) == 2
    (folder / f"{TRIAL.lineage}-7.checkpoint").write(b"garbage")
    again = Checkpoints(TRIAL, folder)
    assert [len(state["epochs"]) for state in again.states()] == [3]
    assert again.refused == [f"{folder / f'{TRIAL.lineage}-7.checkpoint'}: it is damaged"]
    next(again.states())
    again.close()
    assert lineages(root) == {TRIAL.lineage: [folder / f"{TRIAL.lineage}-3.checkpoint"]}
    assert [reached(trial, lineages(root).get(trial.lineage, ())) for trial in (TRIAL, OTHER)] == [3, 0]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3:///x", "^--storage s3:///x: names no bucket; it must be s3://BUCKET/PREFIX"),
        ("foo://bucket/x", "^foo://bucket/x: Unrecognized filesystem type"),
        ("s3://key:secret@bucket/x", "^--storage: keys in a URI are seen by others"),
        ("abfs://bucket/x?client_id=a&Client_Key=secret", "^--storage: Client_Key in a URI is seen .* the environment"),
        ("abfs://bucket/x?account_token=secret&tenant=a", "^--storage: account_token in a URI is seen"),
        ("abfs://bucket/x?sas=secret", "^--storage: sas in a URI is seen"),
    ],
)
def test_what_no_store_has_is_refused(uri: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        at(uri)
    assert "secret" not in str(error.value)


def test_a_file_uri_is_a_folder() -> None:
    assert at("file:///shared/runs") == Folder(Path("/shared/runs"))


def test_a_bucket_that_is_not_there_is_named_with_how_to_mend_it(s3: S3) -> None:
    with pytest.raises(UserError, match="^s3://none/prefix.*not found.*; make the bucket, or name another --storage$"):
        at(s3.uri.replace("//snn/", "//none/")).make()


@pytest.mark.slow  # it is asked again and again
def test_a_store_that_does_not_answer_costs_checkpoints_but_no_trial(s3: S3, caplog: pytest.LogCaptureFixture) -> None:
    folder = at(s3.uri) / TRIAL.key
    checkpoints = Checkpoints(TRIAL, folder)
    checkpoints.save({"epochs": [None]})
    s3.stop()
    checkpoints.save({"epochs": [None] * 2})
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"trial {TRIAL.key} is saved up to epoch 1 only: s3://snn/prefix/{TRIAL.key}" in record.getMessage()
    assert "check the network, and the address" in record.getMessage()
    assert list(checkpoints.states()) == []
    assert "check the network" in checkpoints.refused[0]


def test_a_file_is_put_at_once(s3: S3) -> None:
    """In parts, a kill would leave some of them in the bucket for good."""
    (Bucket(*s3.uri.split("?")) / "model.pt").write(b"x" * 2_000_000)
    assert s3.objects() == ["prefix/model.pt"]
    assert s3.client.list_multipart_uploads(Bucket="snn").get("Uploads", []) == []
    assert "-" not in s3.client.head_object(Bucket="snn", Key="prefix/model.pt")["ETag"]  # parts have a number there
