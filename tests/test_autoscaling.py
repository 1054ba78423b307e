"""What a cluster may grow to, from the file that `ray up` leaves on its head."""

from pathlib import Path

import pytest
import yaml
from test_cluster import cluster

from snn_tune.autoscaling import to_come
from snn_tune.cluster import PerTrial
from snn_tune.errors import UserError

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
