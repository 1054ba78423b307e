"""How many GPUs one driver feeds: what a trial costs the driver, MLflow's server and Ray's head, and where that ends.

    python tests/benchmarks/cluster_scale.py --gpus 1 10

Nodes with GPUs that are not there, in one real Ray; trials that wait instead of training, with the real driver,
reports, checkpoints, artifacts and MLflow server. Counted is processor time, which other work on the machine changes
little, and of it the part that grows with the trials. The rows beyond are computed from it, and say so.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ray import cloudpickle
from ray.cluster_utils import Cluster

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
import standin
from server import free_port
from small import study

from snn_tune import search
from snn_tune.provenance import device_name
from snn_tune.tracking_server import serving

import psutil  # isort: skip (Ray brings it)

PER_NODE, EPOCHS = 4, 20
SHORT_S, LONG_S = 2.0, 10.0  # a trial
PARTS = ("driver", "MLflow server", "Ray head (GCS)", "Ray node (raylet)")
BEYOND = (1, 10, 100, 1000)

cloudpickle.register_pickle_by_value(standin)


@dataclass(frozen=True)
class Costs:
    """Processor seconds by part: of each trial, and of each second that it runs on one of so many GPUs."""

    gpus: int
    trial: dict[str, float]
    second: dict[str, float]


def seconds(server: int) -> dict[str, float]:
    """Processor seconds so far, by part, of this process and what it started."""
    served = {server, *(child.pid for child in psutil.Process(server).children(recursive=True))}
    parts = dict.fromkeys(PARTS, 0.0) | {"driver": time.process_time()}
    for process in psutil.Process().children(recursive=True):
        of_ray = {"gcs_server": PARTS[2], "raylet": PARTS[3]}.get(process.name())
        if part := "MLflow server" if process.pid in served else of_ray:
            times = process.cpu_times()
            parts[part] += times.user + times.system
    return parts


@contextmanager
def cluster_of(gpus: int) -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0})
    for first in range(0, gpus, PER_NODE):
        here = min(PER_NODE, gpus - first)
        cluster.add_node(num_cpus=here, num_gpus=here, object_store_memory=100 * 2**20)
    cluster.wait_for_nodes()
    try:
        yield cluster
    finally:
        cluster.shutdown()


def measure(gpus: int) -> Costs:
    """Of a start with trials that take SHORT_S, of one with three times as many, and of one whose trials take LONG_S.

    What the three have in common, the start itself, falls out of their differences.
    """
    nb = max(8, 4 * gpus)
    with tempfile.TemporaryDirectory() as folder:
        root, port = Path(folder), free_port()
        with serving(str(root), root / "mlflow.db", port) as server, cluster_of(gpus) as cluster:
            uri = f"http://127.0.0.1:{port}"
            options = search.Options(root=root, address=cluster.address, tracking_uri=uri, gpus_per_trial=1)

            def spent(nb_trials: int, trial_s: float) -> dict[str, float]:
                before = seconds(server.pid)
                axes = {"nb_hidden": list(range(1, nb_trials + 1)), "nb_steps": [20]}
                what = study(base={"lr": trial_s / EPOCHS}, grid=axes, budget={"nb_epochs": EPOCHS})
                assert search.run(what, replace(options, fresh=True), fit=standin.fit) == 0
                after = seconds(server.pid)
                return {part: after[part] - before[part] for part in PARTS}

            spent(gpus, SHORT_S)  # what is done once
            few, many, long = spent(nb, SHORT_S), spent(3 * nb, SHORT_S), spent(nb, LONG_S)
    second = {part: (long[part] - few[part]) / nb / (LONG_S - SHORT_S) for part in PARTS}
    trial = {part: (many[part] - few[part]) / (2 * nb) - SHORT_S * second[part] for part in PARTS}
    return Costs(gpus, trial, second)


def share(part: str, few: Costs, many: Costs, gpus: int, trial_s: float) -> float:
    """Of one core, with a trial at a time on each GPU.

    A second costs so much whatever runs, w, and so much for each trial, s: measured is w / gpus + s.
    """
    each = (many.gpus * many.second[part] - few.gpus * few.second[part]) / (many.gpus - few.gpus)
    always = few.gpus * (few.second[part] - each)
    return max(0.0, always) + gpus * (max(0.0, many.trial[part]) / trial_s + max(0.0, each))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 10], help="two numbers at least")
    parser.add_argument("--trials", type=float, nargs="+", default=[25.0, 600.0], help="seconds, for the rows beyond")
    options = parser.parse_args()
    print(f"{device_name('cpu')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f} before")
    print(f"\nprocessor milliseconds, measured: a trial of {EPOCHS} epochs + each second that it runs\n")
    print(f"| GPUs | {' | '.join(PARTS)} |\n|---{'|---' * len(PARTS)}|")
    costs = []
    for gpus in options.gpus:
        costs.append(measure(gpus))
        cells = [f"{1000 * costs[-1].trial[part]:.0f} + {1000 * costs[-1].second[part]:.1f}" for part in PARTS]
        print(f"| {gpus} | {' | '.join(cells)} |", flush=True)
    print("\nof one core, computed from the first and the last row, with a trial at a time on each GPU\n")
    print(f"| GPUs | trial | {' | '.join(PARTS[:3])} |\n|---|---|---|---|---|")
    for trial_s in options.trials:
        for gpus in BEYOND:
            shares = [f"{100 * share(part, costs[0], costs[-1], gpus, trial_s):.0f} %" for part in PARTS[:3]]
            print(f"| {gpus:,} | {trial_s:g} s | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
