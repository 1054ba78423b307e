"""How the time of a whole training step grows with steps, hidden units, batch and input density.

One of them varies at a time, the others stay as in SHD: 100 steps, 200 hidden units, recurrent, a batch of 256, spikes
in 7 % of all 700 units and steps, here spread evenly. Weights fall as the input gets denser, so that the hidden units
go on spiking alike. Kernel and loop (SpyTorch's, mended by `unbind`) alternate on one thread; shown are medians, and
`^` is the power by which the time grew since the row above.
"""

import argparse
import os
import time
from math import exp, log
from statistics import median

import torch
from step import kernel_step, loop_step
from workloads import Workload, pack, weights

from snn_tune.provenance import device_name
from snn_tune.snn.kernels import cpu
from snn_tune.snn.kernels.cpu import Model, Parameters

SHD = {"steps": 100, "hidden": 200, "batch": 256, "density": 0.07}
AXES: dict[str, list[float]] = {
    "steps": [25, 50, 100, 200, 400],
    "hidden": [25, 50, 100, 200, 400, 800],
    "batch": [16, 64, 256, 1024],
    "density": [0.005, 0.02, 0.07, 0.28],
}


def workload(steps: int, hidden: int, batch: int, density: float) -> Workload:
    torch.manual_seed(0)
    dense = (torch.rand(batch, steps, 700) < density).float()
    scale = 0.4 * (SHD["density"] / density) ** 0.5
    p = Parameters(*weights(700, hidden, 20, scale=scale, recurrent=0.2))
    labels = torch.randint(0, 20, (batch,))
    return Workload("", pack(dense), dense, labels, p, Model(exp(-1 / 5), exp(-1 / 10), 100.0), 2e-6, "sum", 2e-4)


def measure(work: Workload, runs: int) -> tuple[float, float, float]:
    """Milliseconds of kernel and loop, and the median ratio of a run."""
    ways = kernel_step(work, 1), loop_step(work, True)
    times: list[list[float]] = [[], []]
    for run in range(runs + 1):
        for way, each in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            if run:  # the first warms up
                each.append((time.perf_counter() - start) * 1e3)
    kernel, loop = times
    return median(kernel), median(loop), median(slow / fast for fast, slow in zip(kernel, loop, strict=True))


def spikes_per_unit(work: Workload) -> float:
    found = cpu.evaluate(work.inputs, work.labels, work.parameters, work.model)
    return float(found.spike_counts.sum()) / len(work.labels) / work.parameters.w1.shape[1]


def sweep(axis: str, runs: int) -> None:
    print(f"\n{axis:>9}{'kernel':>11}{'^':>6}{'loop':>13}{'^':>6}{'ratio':>9}{'spikes of a unit':>19}")
    before: tuple[float, float, float] | None = None
    for value in AXES[axis]:
        work = workload(**SHD | {axis: value})  # type: ignore[arg-type]
        kernel, loop, ratio = measure(work, runs)
        powers = ["", ""]
        if before:
            powers = [
                f"{log(now / then) / log(value / before[0]):.2f}"
                for now, then in zip((kernel, loop), before[1:], strict=True)
            ]
        spikes = spikes_per_unit(work)
        print(
            f"{value:>9}{kernel:>8.1f} ms{powers[0]:>6}{loop:>10.1f} ms{powers[1]:>6}{ratio:>7.1f} x{spikes:>19.1f}",
            flush=True,
        )
        before = value, kernel, loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", choices=AXES, action="append", help="sweep this alone; may be repeated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = f"load {os.getloadavg()[0]:.1f}"
    print(
        f"{device_name('cpu')}, {os.cpu_count()} cores, {load}; one thread; medians of {options.runs} alternating runs"
    )
    for axis in options.only or AXES:
        sweep(axis, options.runs)


if __name__ == "__main__":
    main()
