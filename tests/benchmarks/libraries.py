"""A whole training step (forward, loss, backward, Adamax) in other libraries, and here.

The ways alternate, run after run, in one process, or in several that take each step at the same moment (`--processes
2`: how a study runs). Shown are medians, and the median of each run's ratio. Needs `pip install -e '.[bench]'`.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from importlib.metadata import version
from statistics import median
from typing import Any

import torch
from rivals import Norse, SnnTorch, SpikingJelly
from step import kernel_step, loop_step
from torch import nn
from workloads import Workload, all_workloads

from snn_tune.provenance import device_name
from snn_tune.snn import spike_penalty, weighted_nll

OURS = "snn_tune, cpu kernel"
RIVALS: dict[str, tuple[str, Callable[[Workload], nn.Module], str]] = {
    "snnTorch": (
        "snntorch", SnnTorch,
        "RSynaptic or Synaptic: a recurrent bias, the current of this step not the last, reset by subtraction (its "
        "default; by zero it computes the step twice)",
    ),
    "Norse": (
        "norse.torch", Norse,
        "LIFRecurrent or LIF: first-order decays, the current of this step, surrogate of slope 1 whatever is asked for",
    ),
    "SpikingJelly": (
        "spikingjelly.activation_based.neuron", SpikingJelly,
        "CUBALIFNode in LinearRecurrentContainer, which maps the input current by a second matrix of hidden x hidden; "
        "readout without a synapse; surrogate of slope 1",
    ),
}  # fmt: skip

_barrier: Any = None


def rival_step(network: nn.Module, work: Workload) -> Callable[[], object]:
    inputs = work.dense.transpose(0, 1).contiguous()
    optimizer = torch.optim.Adamax(network.parameters(), lr=work.lr)

    def step() -> None:
        frames, spikes = network(inputs)
        loss = weighted_nll(frames.max(dim=0).values, work.labels)
        loss = loss + spike_penalty(spikes.transpose(0, 1), work.strength, work.reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def missing(name: str) -> str:
    """Why a library cannot be measured here, or ""."""
    try:
        import_module(RIVALS[name][0])
    except ImportError as error:
        return f"{name} is left out: {error} (pip install -e '.[bench]')"
    return ""


def measure(case: str, runs: int, threads: int) -> dict[str, list[float]]:
    """Milliseconds of each run of each way."""
    torch.set_num_threads(threads)
    (work,) = (work for work in all_workloads() if work.name == case)
    ways: dict[str, Callable[[], object]] = {
        "SpyTorch, as published": loop_step(work, False),
        "SpyTorch, unbind": loop_step(work, True),
        **{name: rival_step(build(work), work) for name, (_, build, _) in RIVALS.items() if not missing(name)},
        OURS: kernel_step(work, threads),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, way in ways.items():
            if _barrier is not None:
                _barrier.wait(600)
            start = time.perf_counter()
            way()
            if run:  # the first warms up
                times[name].append((time.perf_counter() - start) * 1e3)
    return times


def _begin(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def in_processes(case: str, runs: int, threads: int, processes: int) -> dict[str, list[float]]:
    """The same in each of several processes at once; of each run, the slowest."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (context.Barrier(processes),)) as pool:
        found = [each.result() for each in [pool.submit(measure, case, runs, threads) for _ in range(processes)]]
    return {name: list(map(max, *(each[name] for each in found))) for name in found[0]}


def show(case: str, times: dict[str, list[float]]) -> None:
    print(f"\n{case:28}{'ms':>8}{'quartiles':>16}{'against ours':>14}")
    for name, each in times.items():
        ordered = sorted(each)
        quartiles = f"{ordered[len(each) // 4]:.1f}-{ordered[3 * len(each) // 4]:.1f}"
        ratio = median(slow / fast for slow, fast in zip(each, times[OURS], strict=True))
        print(f"  {name:26}{median(each):8.1f}{quartiles:>16}{ratio:12.1f} x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--processes", type=int, default=1, help="that train at the same time")
    parser.add_argument("--only", default="", help="part of a case's name")
    options = parser.parse_args()
    here = [name for name in RIVALS if not missing(name)]
    versions = ", ".join(f"{name} {version(name)}" for name in here)
    print(f"{device_name('cpu')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"torch {torch.__version__}, {versions}")
    print(
        f"{options.processes} at once, threads of each: {options.threads}; medians of {options.runs} alternating runs"
    )
    for case in [work.name for work in all_workloads() if options.only in work.name]:
        sizes = options.runs, options.threads
        show(case, in_processes(case, *sizes, options.processes) if options.processes > 1 else measure(case, *sizes))
    print()
    for name in RIVALS:
        print(missing(name) or f"{name}: {RIVALS[name][2]}")


if __name__ == "__main__":
    main()
