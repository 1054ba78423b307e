"""What dropout and time constants of each unit's own cost: forward, loss and backward, by one call and layer by layer.

`python tests/benchmarks/extras.py`. The two ways alternate on one thread; shown are medians, and how often the one
call's time the other takes. Adamax is left out, which is the same for both.
"""

import argparse
import time
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from workloads import Workload, fashion_mnist, shd

from snn_tune.provenance import device_name
from snn_tune.snn import NetworkSettings, SpikingNetwork, train_step
from snn_tune.snn.kernels import cpu

KINDS = {"plain": {}, "dropout": {"dropout": 0.3}, "drawn": {"time_constants": "drawn"}}
KINDS["both"] = KINDS["dropout"] | KINDS["drawn"]
ONE_CALL: dict[str, set[str]] = {"one call": cpu.EXTRAS, "by layer": set()}


def settings(work: Workload, **changes: object) -> NetworkSettings:
    w1, v, w2 = work.parameters[:3]
    times, scale = {"dt": 1e-3, "tau_mem": 10e-3, "tau_syn": 5e-3}, work.model.scale
    sizes = {"nb_inputs": len(w1), "nb_hidden": len(w2), "nb_classes": w2.shape[1], "units_per_channel": 0}
    start = {"init_scale": 0.2, "init_scale_recurrent": 0.2, "init_fan": "in"}
    units = {"scale": scale, "recurrent": v is not None, "reset": "zero", "scaled_input": False}
    return replace(NetworkSettings(**times, **sizes, **start, **units), **changes)


def network(work: Workload, **extras: object) -> SpikingNetwork:
    made = SpikingNetwork(settings(work, **extras))
    with torch.no_grad():
        made.w1.copy_(work.parameters.w1)
        made.w2.copy_(work.parameters.w2)
    return made


def measure(work: Workload, runs: int) -> None:
    plain = 0.0
    for kind, extras in KINDS.items():
        times: dict[str, list[float]] = {way: [] for way in ONE_CALL}
        trained = network(work, **extras)
        for run in range(runs + 1):
            for way, cpu.EXTRAS in ONE_CALL.items():
                start = time.perf_counter()
                rng = np.random.default_rng(run)
                train_step(trained, work.inputs, work.labels, strength=work.strength, reduction=work.reduction, rng=rng)
                times[way].append((time.perf_counter() - start) * 1e3)
        one, other = (median(each[1:]) for each in times.values())  # the first warms up
        plain = plain or one
        ratio = f"{other / one:5.1f} x" if extras else ""
        print(f"{work.name:20}{kind:10}{one:7.1f} ms{one / plain:6.2f} of plain{other:9.1f} ms by layer  {ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"{device_name('cpu')}; one thread; medians of {options.runs} alternating runs")
    for work in (shd(), fashion_mnist()):
        measure(work, options.runs)


if __name__ == "__main__":
    main()
