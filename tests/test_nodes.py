"""The machines of a cluster are asked: who does not see the storage, lacks the code or has another is named."""

import os
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import standin
from ray import cloudpickle
from ray.cluster_utils import Cluster
from s3server import S3, s3
from small import TABLES, study

from snn_tune import Study, nodes, own_data, search
from snn_tune.cluster import Cluster as Joined
from snn_tune.errors import UserError
from snn_tune.nodes import agreed, differences
from snn_tune.storage import Folder, at

__all__ = ["s3"]
cloudpickle.register_pickle_by_value(standin)
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == "snn_tune":
            raise ModuleNotFoundError("No module named 'snn_tune'", name=name)
sys.meta_path.insert(0, Blocked())
"""
NEWER = """
import importlib.metadata
version = importlib.metadata.version
importlib.metadata.version = lambda name: "99.0" if name == "snn_tune" else version(name)
"""
STRANGER = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "") | {
    "AWS_CONFIG_FILE": "/none",
    "AWS_SHARED_CREDENTIALS_FILE": "/none",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # to the bucket
PATCHED = "import platform; platform.python_version = lambda: '3.99.1'"


def test_what_differs_is_told_with_who_has_what() -> None:
    first, second = {"Python": "3.11.9", "commit": "abc"}, {"Python": "3.11.4", "commit": "abc"}
    assert differences({}) == differences({"a": first, "b": first}) == ""
    assert differences({"a": first, "b": second, "c": first}) == "Python 3.11.9 on a, c, 3.11.4 on b"
    many = {str(number): first for number in range(8)}
    told = "Python 3.11.9 on 0, 1, 2, 3, 4 and 3 more, 3.11.4 on x; commit abc on 0, 1, 2, 3, 4 and 3 more, def on x"
    assert differences(many | {"x": second | {"commit": "def"}}) == told


def test_on_this_machine_nothing_is_asked(tmp_path: Path) -> None:
    with agreed(Folder(tmp_path / "small"), None, print) as machines:
        assert machines.ticket is None
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cluster(s3: S3) -> Iterator[Cluster]:
    """Its head has no cores, and a bucket to see."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield made
    made.shutdown()


@pytest.mark.slow
def test_each_node_is_asked_before_anything_starts(cluster: Cluster, s3: S3, tmp_path: Path) -> None:
    storage, said = at(s3.uri) / "trials" / "small", []
    (storage.parent / nodes.PASSES / "small" / "old").write(b"of a command that was killed")

    def ask(other: dict[str, str]) -> None:
        node = cluster.add_node(num_cpus=1, env_vars=other)
        cluster.wait_for_nodes()
        try:
            with closing(Joined(cluster.address)), agreed(storage, cluster.address, said.append) as machines:
                assert s3.objects() == [f"prefix/trials/.passes/small/{machines.ticket.name}"]
        finally:
            cluster.remove_node(node)
            assert s3.objects() == []

    def patched(code: str) -> dict[str, str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(code)
        return {"PYTHONPATH": f"{folder}:{Path(nodes.__file__).parent.parent}"}

    ask({})
    assert said == []
    ask(patched(PATCHED))
    assert re.fullmatch(r"the machines differ, and results may: Python 3.* on this command, .*, 3.99.1 on .*", said[0])
    with pytest.raises(
        UserError, match=r"^on [^,]*: snn_tune cannot be imported \(ModuleNotFoundError: .*; install it"
    ):
        ask(patched(BLOCKED))
    with pytest.raises(UserError, match=r"^on [^,]*: snn_tune 99.0 .* runs there, and the command is of snn_tune"):
        ask(patched(NEWER))
    with pytest.raises(UserError, match=r"^on [^,]*: the storage s3://snn/.* is not seen .*--storage s3:"):
        ask(STRANGER)


@pytest.mark.slow
def test_a_machine_that_comes_late_and_does_not_see_the_storage_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("SNN_TUNE_UNFIT_S", "0.1")
    one = study(grid={"nb_hidden": [5], "nb_steps": [20]})  # it is tried four times, each in a new process
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    monkeypatch.setattr(nodes, "_ask", lambda ticket: at(ticket).delete() or {})  # none is there yet; then none sees it
    options = search.Options(root=tmp_path, address=made.address)
    try:
        assert search.run(one, options, fit=standin.fit) == 1
    finally:
        made.shutdown()
    said = capfd.readouterr()
    assert f"cannot run on {socket.gethostname()}: the storage {tmp_path / 'trials'} is not seen" in said.out
    assert "Traceback" not in said.out + said.err
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as store:
        reasons = [value for (value,) in store.execute("SELECT value FROM tags WHERE key = 'reason'")]
    (reason,) = filter(None, reasons)
    assert reason.startswith(f"the storage {tmp_path / 'trials'} is not seen")


PIDS = "SNN_TUNE_TEST_PIDS"  # names a file


def spikes() -> dict[str, object]:
    """Two classes of one spike; tells which process asked."""
    with Path(os.environ[PIDS]).open("a") as file:
        print(os.getpid(), file=file)
    label = np.arange(10) % 2
    return dict.fromkeys(("train", "valid", "test"), ((np.arange(10), label / 2, label), label))


@pytest.mark.slow
def test_the_data_is_read_by_the_command_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PIDS, str(tmp_path / "pids"))
    data = own_data(spikes, nb_inputs=2, nb_classes=2)
    what = Study("mine", data=data, base=TABLES["base"], space=TABLES["grid"], nb_epochs=2)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    made.wait_for_nodes()
    options = search.Options(root=tmp_path, address=made.address, data_dir=tmp_path / "none")
    try:
        assert search.run(what, options, fit=standin.fit) == 0
    finally:
        made.shutdown()
    assert set((tmp_path / "pids").read_text().split()) == {str(os.getpid())}
    assert not (tmp_path / "none").exists()
