"""A cluster of machines with networks and disks of their own: a study on it, who may reach it, and what it bears.

The tests share the cluster, and are in an order: the last one takes the head away.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import scan
from mlflow.tracking import MlflowClient
from premises import ADDRESSES, EXEC, PATIENCE_S, RUN, WAIT, Cluster

MACHINES = [ADDRESSES[name] for name in ("head", "one", "two")]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_a_study_runs_on_all_machines_with_the_laptop_closed_and_strangers_find_ssh_alone(cluster: Cluster) -> None:
    cluster.study(f"{WAIT} --epochs 50")
    cluster.laptop.link(False)
    try:
        cluster.wait_for_trials("one", "two")
        looked = f"python - {' '.join(MACHINES)} <<'END'\n{Path(scan.__file__).read_text()}\nEND"
        found = cluster.network["stranger"].shell(looked, timeout=PATIENCE_S).stdout
        said = cluster.wait_for("status ")
    finally:
        cluster.laptop.link(True)
    assert found.splitlines() == [f"{address} 22" for address in MACHINES]
    for name in ("head", "one", "two"):
        assert len(cluster.network[name].shell("ss -ltnH").stdout.splitlines()) > 5  # there was something to find
    assert said.startswith("small runs on cluster 10.77.0.1:6379 (3 nodes, ")
    assert "trials finished: 4/4" in said
    assert said.endswith("status 0\n")
    check(cluster, "head", range(5, 9), nb_epochs=50)
    assert len(list((cluster.network.shared / "trials/small").glob("*/"))) == 4
    assert not (cluster.head.folder / "root/runs").exists()


def test_what_listens_needs_the_token(cluster: Cluster) -> None:
    one = cluster.network["one"]
    join = "ray start --address=10.77.0.1:6379 --temp-dir=/tmp/other"
    for mode in ("RAY_AUTH_MODE=token RAY_AUTH_TOKEN=wrong", "RAY_AUTH_MODE=disabled"):
        refused = one.shell(f"{mode} timeout 300 {join} 2>&1", check=False, timeout=PATIENCE_S)
        assert refused.returncode != 0
        assert "oken" in refused.stdout
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8265/api/jobs/').status)"
    assert "401" in cluster.head.shell(f'python -c "{ask}" 2>&1', check=False).stdout


def test_ray_job_submit_needs_no_more_options_either(cluster: Cluster) -> None:
    pytest.importorskip("aiohttp_cors", reason="the dashboard that takes jobs comes with ray[default]")
    said = cluster.laptop.shell(f"{EXEC} 'ray job submit -- {RUN}'", timeout=PATIENCE_S).stdout
    assert "small runs on cluster 10.77.0.1:6379 (3 nodes, " in said
    assert "trials finished: 4/4" in said


def test_a_folder_of_one_machine_is_refused(cluster: Cluster) -> None:
    typed = f"{RUN} --set nb_hidden=11 --storage /root/mine"
    refused = cluster.laptop.shell(f"{EXEC} '{typed}'", check=False, timeout=PATIENCE_S)
    assert refused.returncode != 0
    assert "name a folder that all machines share" in " ".join(refused.stdout.split())


def test_machines_are_cut_off_and_lose_power_and_come_back(cluster: Cluster) -> None:
    one, two = cluster.network["one"], cluster.network["two"]
    cluster.study(f"{WAIT} --set nb_hidden=20,21,22,23,24,25 --epochs 100")
    cluster.wait_for_trials("one", "two")
    two.link(False)
    wait_until(lambda: cluster.nb_nodes() == 2)
    one.end()
    two.link(True)
    one.start()
    cluster.wait_for("status 0")
    cluster.wait_for_nodes(3)
    check(cluster, "head", range(20, 26), nb_epochs=100)


def test_the_head_is_lost_and_another_one_finishes_the_study(cluster: Cluster) -> None:
    study = f"{WAIT} --set nb_hidden=30,31,32,33,34,35 --epochs 75"
    copies = cluster.network.shared / "mlflow"
    cluster.study(study)
    wait_until(lambda: nb_finished(max(copies.glob("*.db")), range(30, 36)) >= 1)
    assert "status" not in cluster.said()
    cluster.head.end()
    printed = cluster.up("two", ["one"])
    assert "mlflow answers" in printed
    cluster.study(study)
    said = cluster.wait_for("status ")
    assert "this command takes its place\nsmall runs on cluster 10.77.0.3:6379 (2 nodes, " in said
    assert "6 trials: 0 done" not in said
    assert said.endswith("status 0\n")
    check(cluster, "two", range(30, 36), nb_epochs=75)


def wait_until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.5)


def trials(database: Path, hidden: range) -> list[tuple[str, str, str]]:
    """Key, status and id of the live runs of these trials."""
    query = """SELECT k.value, r.status, r.run_uuid FROM runs r JOIN tags k USING (run_uuid)
        JOIN params p USING (run_uuid) WHERE r.lifecycle_stage = 'active' AND k.key = 'key' AND p.key = 'nb_hidden'"""
    wanted = ", ".join(f"'{size}'" for size in hidden)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        return store.execute(f"{query} AND p.value IN ({wanted})").fetchall()


def nb_finished(database: Path, hidden: range) -> int:
    return sum(status == "FINISHED" for _, status, _ in trials(database, hidden))


def check(cluster: Cluster, head: str, hidden: range, nb_epochs: int) -> None:
    """One live run for each trial, whole: each epoch once, and its artifacts in the shared folder."""
    root = cluster.network[head].folder / "root/snn_tune_runs"
    found = trials(root / "mlflow.db", hidden)
    assert len({key for key, _, _ in found}) == len(found) == len(hidden)
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    for _, status, run in found:
        assert status == "FINISHED"
        assert [metric.step for metric in client.get_metric_history(run, "train_loss")] == list(range(1, nb_epochs + 1))
        assert len(list((cluster.network.shared / "artifacts").glob(f"*/{run}/artifacts/model.pt"))) == 1
