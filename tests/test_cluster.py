"""How many trials fit where, without a cluster: its machines are given. And a stop while Ray starts."""

import subprocess
import sys

import pytest

from snn_tune.cluster import Cluster, PerTrial
from snn_tune.errors import UserError


def cluster(*nodes: dict[str, float]) -> Cluster:
    made = object.__new__(Cluster)
    made.address, made.nodes, made.most = "host:1", list(nodes), []
    return made


def test_without_a_gpu_each_core_has_a_trial() -> None:
    machine = cluster({"CPU": 8.0})
    assert machine.per_trial(None, None) == PerTrial(1.0, 0.0)
    assert machine.slots(PerTrial(1.0, 0.0)) == [8]
    assert machine.slots(PerTrial(3.0, 0.0)) == [2]
    assert machine.slots(PerTrial(0.5, 0.0)) == [16]


@pytest.mark.parametrize(
    ("cpus", "gpus", "share"), [(16, 1, 0.25), (2, 1, 0.5), (1, 1, 1.0), (64, 8, 0.25), (8, 8, 1.0)]
)
def test_small_trials_share_a_gpu_as_far_as_there_are_cores(cpus: float, gpus: float, share: float) -> None:
    machine = cluster({"CPU": cpus, "GPU": gpus})
    per_trial = machine.per_trial(None, None)
    assert per_trial == PerTrial(1.0, share)
    assert machine.slots(per_trial) == [gpus / share]


def test_a_head_without_gpus_takes_no_trial_that_needs_one() -> None:
    mixed = cluster({"CPU": 4.0}, {"CPU": 16.0, "GPU": 2.0}, {"CPU": 16.0, "GPU": 4.0})
    assert mixed.slots(mixed.per_trial(None, None)) == [16, 8]
    assert str(mixed) == "cluster host:1 (3 nodes, 36 cores, 6 GPUs)"


def test_too_much_is_refused_with_what_there_is() -> None:
    with pytest.raises(UserError, match="9 cores and 0 GPUs, but the largest machine here has 8 and 0"):
        cluster({"CPU": 8.0}, {"CPU": 4.0}).per_trial(9.0, None)
    with pytest.raises(UserError, match="1 cores and 64 GPUs, .*; lower --cpus-per-trial or --gpus-per-trial"):
        cluster({"CPU": 8.0}).per_trial(None, 64.0)


STOPPED_AS_RAY_STARTS = """
import os, signal, threading, time
from snn_tune.cluster import Cluster

ours = signal.getsignal(signal.SIGTERM)

def send():
    while signal.getsignal(signal.SIGTERM) == ours:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=send).start()
try:
    Cluster(None)
except KeyboardInterrupt:
    print("stopped", signal.getsignal(signal.SIGTERM) == ours)
"""


def test_a_sigterm_while_ray_starts_is_a_stop_too() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED_AS_RAY_STARTS], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "stopped True\n")
