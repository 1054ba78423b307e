"""What a cluster may grow to, from the file that `ray up` leaves on its head."""

import threading
from pathlib import Path

import pytest
import standin
import yaml
from ray import cloudpickle
from ray._raylet import GcsClient
from ray.autoscaler.v2.sdk import get_cluster_resource_state
from ray.cluster_utils import Cluster
from small import study
from test_cluster import cluster

from snn_tune import search
from snn_tune.autoscaling import to_come
from snn_tune.cluster import PerTrial
from snn_tune.errors import UserError

cloudpickle.register_pickle_by_value(standin)
CONFIG = {
    "max_workers": 5,
    "head_node_type": "head",
    "available_node_types": {
        "head": {"resources": {"CPU": 0}, "max_workers": 0},
        "gpu": {"resources": {"CPU": 48, "GPU": 4, "accelerator_type:T4": 1}, "max_workers": 3, "node_config": {}},
        "unknown": {"resources": {}, "max_workers": 9},
    },
}


def written(folder: Path, config: object) -> Path:
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def test_each_worker_that_there_may_be_counts(tmp_path: Path) -> None:
    assert to_come(written(tmp_path, CONFIG)) == [{"CPU": 48.0, "GPU": 4.0}] * 3
    assert to_come(written(tmp_path, CONFIG | {"max_workers": 2})) == [{"CPU": 48.0, "GPU": 4.0}] * 2


@pytest.mark.parametrize("config", [None, [], "text", {}, {"available_node_types": {"a": None}, "head_node_type": "b"}])
def test_a_file_that_does_not_say_it_tells_nothing(config: object, tmp_path: Path) -> None:
    assert to_come(written(tmp_path, config)) == []
    assert to_come(tmp_path / "none") == []


def test_a_head_alone_waits_for_the_gpus_that_may_come(tmp_path: Path) -> None:
    head = cluster({"CPU": 0.0})
    with pytest.raises(UserError, match="1 cores and 0 GPUs, but the largest machine here has 0 and 0"):
        head.per_trial(None, None)
    head.most = [*head.nodes, *to_come(written(tmp_path, CONFIG))]
    assert str(head) == "cluster host:1 (1 nodes, 0 cores, no GPU; may grow to 4 nodes, 144 cores, 12 GPUs)"
    assert head.per_trial(None, None, bytes_each=10**9, card=16 * 10**9) == PerTrial(1.0, 0.0833)
    assert head.slots(PerTrial(1.0, 0.0833)) == [48, 48, 48]


@pytest.mark.slow
def test_an_autoscaler_sees_all_trials_that_wait_and_none_after_the_end(tmp_path: Path) -> None:
    what = study(base={"lr": 0.3}, grid={"nb_hidden": list(range(1, 9)), "nb_steps": [20]}, budget={"nb_epochs": 10})
    made, seen = Cluster(initialize_head=True, head_node_args={"num_cpus": 1}), []
    over, demand = threading.Event(), GcsClient(address=made.address)

    def waiting() -> int:
        return sum(len(gang.requests) for gang in get_cluster_resource_state(demand).pending_gang_resource_requests)

    def watch() -> None:
        while not over.wait(timeout=1):
            seen.append(waiting())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        assert search.run(what, search.Options(root=tmp_path, address=made.address), fit=standin.fit) == 0
        assert waiting() == 0
    finally:
        over.set()
        watcher.join(timeout=10)
        made.shutdown()
    assert max(seen) == 7
