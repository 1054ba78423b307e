"""A training step of two recurrent layers: what products by events and micro-batches save.

`python tests/benchmarks/layers.py`. The ways alternate on one thread; shown are medians of forward, loss and backward,
and how often the last way's time the others take.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from unittest import mock

import torch
from extras import settings
from workloads import Workload, fashion_mnist, shd

from snn_tune.provenance import device_name
from snn_tune.snn import SpikingNetwork, micro_batches, train_step

UNITS = [50, 100, 200, 400]
WHOLE = 10**12  # floats
WAYS: dict[str, tuple[bool, int]] = {
    "dense, whole": (True, WHOLE),
    "events, whole": (False, WHOLE),
    "events, micro-batches": (False, micro_batches.FLOATS),
}


def dense(_: SpikingNetwork, spikes: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return spikes @ w


def milliseconds(work: Workload, trained: SpikingNetwork, by_dense: bool, floats: int) -> float:
    product: Callable[..., torch.Tensor] = dense if by_dense else SpikingNetwork._currents
    with mock.patch.object(SpikingNetwork, "_currents", product), mock.patch.object(micro_batches, "FLOATS", floats):
        start = time.perf_counter()
        train_step(trained, work.inputs, work.labels, strength=work.strength, reduction=work.reduction)
        return (time.perf_counter() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{device_name('cpu')}; one thread; medians of {options.runs} alternating runs")
    for work in (shd(), fashion_mnist()):
        for units in UNITS:
            torch.manual_seed(0)
            trained = SpikingNetwork(settings(work, nb_hidden=(units, units), recurrent=True, init_scale=1.0))
            runs = [[milliseconds(work, trained, *way) for way in WAYS.values()] for _ in range(options.runs + 1)]
            times = [median(way) for way in zip(*runs[1:], strict=True)]  # the first warms up
            shown = [f"{name} {ms:.0f} ms ({ms / times[-1]:.1f})" for name, ms in zip(WAYS, times, strict=True)]
            print(f"{work.name:16}2 x {units:<5}" + ", ".join(shown), flush=True)


if __name__ == "__main__":
    main()
