"""The head is lost with all that is on it: the same command on a new one finishes the study, from bucket and server."""

import time
from pathlib import Path

import pytest
from harness import check_whole, driver, grid
from ray.cluster_utils import Cluster
from s3server import S3, s3
from server import Server
from test_kills import trained

pytestmark = pytest.mark.slow
__all__ = ["s3"]
EPOCHS = 30


def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose head runs no trials, as the environment's address."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    made.add_node(num_cpus=2)
    made.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    return made


def test_a_new_head_goes_on_where_the_lost_one_was(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN_TUNE_STORAGE", s3.uri)
    monkeypatch.setenv("SNN_TUNE_CHECKPOINT_S", "0")
    server = Server(tmp_path / "server")
    uri, what = f"http://127.0.0.1:{server.port}", grid(EPOCHS)
    try:
        lost = two_nodes(monkeypatch)
        process = driver(tmp_path / "lost", uri, EPOCHS)
        while not any(5 < epoch < EPOCHS / 2 for epoch in saved(s3)) or EPOCHS not in saved(s3):
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        process.kill()
        lost.shutdown()
        process.communicate()
        new = two_nodes(monkeypatch)
        try:
            process = driver(tmp_path / "new", uri, EPOCHS)
            printed, _ = process.communicate(timeout=400)
        finally:
            new.shutdown()
        assert process.returncode == 0, printed
        check_whole(uri, what)
        assert min(trained(uri, what)) < EPOCHS  # one at least was not begun anew
        assert {key.rpartition(".")[2] for key in s3.objects()} == {"checkpoint"}
        assert not (tmp_path / "new" / "trials").exists()
    finally:
        server.stop()


def saved(s3: S3) -> list[int]:
    """The epochs of all checkpoints in the bucket."""
    names = [key.removesuffix(".checkpoint") for key in s3.objects() if key.endswith(".checkpoint")]
    return [int(name.rpartition("-")[2]) for name in names]
