"""How many GPUs one driver feeds: what a trial costs the driver, MLflow's server and Ray's head, and where that ends.

    python tests/benchmarks/cluster_scale.py --gpus 1 10 100

Nodes with GPUs that are not there, in one real Ray; trials that wait instead of training, with the real driver,
reports, checkpoints, artifacts and MLflow server. Counted is processor time, which other work on the machine changes
little, and of it the part that grows with the trials. The rows beyond are computed from it, and say so.
"""

import argparse
import os
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ray import cloudpickle
from ray.cluster_utils import Cluster

sys.path.insert(0, str(Path(__file__).parents[1]))
import standin
from small import study

from snn_tune import search
from snn_tune.tracking_server import serving

import psutil  # isort: skip (Ray brings it)

PER_NODE, EPOCHS = 4, 20
PARTS = ("driver", "MLflow server", "Ray head (GCS)", "Ray node (raylet)")
BEYOND = (1, 10, 100, 1000)

cloudpickle.register_pickle_by_value(standin)


class Processes:
    """Processor seconds, by part, of what a cluster and a server of this process use."""

    def __init__(self, server: int) -> None:
        self.server = psutil.Process(server)

    def seconds(self) -> dict[str, float]:
        ours = psutil.Process().children(recursive=True)
        served = {self.server.pid, *(child.pid for child in self.server.children(recursive=True))}
        parts = dict.fromkeys(PARTS, 0.0) | {"driver": time.process_time()}
        for process in ours:
            name = process.name()
            part = "MLflow server" if process.pid in served else {"gcs_server": PARTS[2], "raylet": PARTS[3]}.get(name)
            if part:
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


def measure(gpus: int, rounds: int, epoch_s: float) -> tuple[dict[str, float], float]:
    """Processor seconds of each part for a trial, and the share of the time that the GPUs had a trial.

    Two studies, one of a round of trials and one of more, so that what a start costs falls out.
    """
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        root = Path(folder)
        with serving(str(root), root / "mlflow.db", port) as server, cluster_of(gpus) as cluster:
            uri = f"http://127.0.0.1:{port}"
            options = search.Options(root=root, address=cluster.address, tracking_uri=uri, gpus_per_trial=1)
            spent = []
            for nb_trials in (gpus, gpus * (1 + rounds)):  # the second one has those of the first already
                what = study(
                    base={"lr": epoch_s},
                    grid={"nb_hidden": list(range(1, nb_trials + 1)), "nb_steps": [20]},
                    budget={"nb_epochs": EPOCHS},
                )
                before, began = Processes(server.pid).seconds(), time.monotonic()
                assert search.run(what, options, fit=standin.fit) == 0
                after, took = Processes(server.pid).seconds(), time.monotonic() - began
                spent.append(({part: after[part] - before[part] for part in PARTS}, took))
    (first, short), (second, long) = spent
    more = gpus * (rounds - 1)
    costs = {part: (second[part] - first[part]) / more for part in PARTS}
    busy = (rounds - 1) * EPOCHS * epoch_s / max(1e-9, long - short)
    return costs, busy


def limits(costs: dict[str, float], trial_s: float) -> list[str]:
    """Share of one core that each part takes, by GPUs, with a trial at a time on each."""
    lines = []
    for gpus in BEYOND:
        shares = [f"{100 * costs[part] * gpus / trial_s:8.2f} %" for part in PARTS[:3]]
        lines.append(f"| {gpus:,} | {trial_s:g} s | {' | '.join(shares)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--rounds", type=int, default=4, help="trials on each GPU")
    parser.add_argument("--epoch", type=float, default=0.25, help=f"seconds of an epoch; a trial has {EPOCHS}")
    parser.add_argument("--trials", type=float, nargs="+", default=[25.0, 600.0], help="seconds, for the rows beyond")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before")
    print("\nprocessor seconds for a trial of 20 epochs, measured\n")
    print(f"| GPUs | {' | '.join(PARTS)} | GPUs in use |\n|---{'|---' * (len(PARTS) + 1)}|")
    for gpus in options.gpus:
        costs, busy = measure(gpus, options.rounds, options.epoch)
        print(f"| {gpus} | {' | '.join(f'{costs[part]:.3f}' for part in PARTS)} | {100 * busy:.0f} % |", flush=True)
    print("\nof one core, computed from the last row\n")
    print(f"| GPUs | trial | {' | '.join(PARTS[:3])} |\n|---|---|---|---|---|")
    for trial_s in options.trials:
        print("\n".join(limits(costs, trial_s)))
    slowest = max(PARTS[:2], key=lambda part: costs[part])
    print(f"\nfirst to be full: the {slowest}, at {1 / costs[slowest]:.0f} trials a second")


if __name__ == "__main__":
    main()
