"""A machine of the cluster goes: its trials go on elsewhere, from their checkpoints."""

import threading
import time
from pathlib import Path

import pytest
import standin
from harness import check_whole, database
from mlflow.tracking import MlflowClient
from ray import cloudpickle
from ray.cluster_utils import Cluster
from small import study

from snn_tune import search

pytestmark = pytest.mark.slow

cloudpickle.register_pickle_by_value(standin)


def test_a_node_is_lost(tmp_path: Path) -> None:
    what = study(base={"lr": 0.2}, grid={"nb_hidden": list(range(1, 9)), "nb_steps": [20]}, budget={"nb_epochs": 10})
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    lost = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()

    def lose() -> None:
        while nb_begun(tmp_path) < 3:
            time.sleep(0.2)
        cluster.remove_node(lost, allow_graceful=False)

    killer = threading.Thread(target=lose, daemon=True)
    killer.start()
    try:
        assert search.run(what, search.Options(root=tmp_path, address=cluster.address), fit=standin.fit) == 0
    finally:
        cluster.shutdown()
    killer.join(timeout=10)
    assert not killer.is_alive()
    check_whole(database(tmp_path), what)


def nb_begun(root: Path) -> int:
    """Trials that have a run; 0 until there is a database, which looking for would make."""
    if not (root / "mlflow.db").exists():
        return 0
    client = MlflowClient(database(root))
    experiment = client.get_experiment_by_name("small")
    return len(client.search_runs([experiment.experiment_id], "tags.role = 'trial'")) if experiment else 0
