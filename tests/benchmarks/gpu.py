"""The gpu kernel on a real card, against SpyTorch's loop on the same card: `python tests/benchmarks/gpu.py`.

A training step (forward, loss, backward, Adamax), and an epoch of as many samples as the real data set has, drawn from
32 batches of random input. Ways alternate, run after run; what is shown are medians by the device's own clock, after a
warm-up. The loop gets its batch dense and made ready; its epoch is its step times the number of batches.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from statistics import median
from typing import Any

import numpy as np
import torch
from step import loop_step
from torch import Tensor
from workloads import Workload, fashion_mnist, shd

from snn_tune.datasets.dataset import Dataset, Part
from snn_tune.datasets.events import EventBatch, Events
from snn_tune.network_settings import network_settings
from snn_tune.parameters import Parameters
from snn_tune.provenance import device_name, versions
from snn_tune.snn import SpikingNetwork
from snn_tune.snn.cuda_graph import recorded
from snn_tune.training_step import TrainingStep, train_epoch

WARM_UP = 5  # calls of each way
BATCHES = 32  # of random input; an epoch takes them over and over
Way = Callable[[], object]


def joined(batches: list[EventBatch]) -> Events:
    """Batches of all samples of their events, as one data set."""
    parts = [batch.events for batch in batches]
    starts = np.cumsum([0, *(len(part.unit) for part in parts)])
    bags = [parts[0].bags[:1], *(part.bags[1:] + int(start) for part, start in zip(parts, starts, strict=False))]
    unit, count = torch.cat([part.unit for part in parts]), torch.cat([part.count for part in parts])
    return Events(unit, count, torch.cat(bags), parts[0].nb_steps, parts[0].nb_units)


def dataset(works: list[Workload], nb_samples: int) -> Dataset:
    source, labels = joined([work.inputs for work in works]), torch.cat([work.labels for work in works])
    samples = torch.arange(nb_samples) % len(source)
    train, few = Part(source, samples, labels[samples]), Part(source, samples[:1], labels[:1])
    nb_classes = works[0].parameters.w2.shape[1]
    return Dataset(train, few, few, source.nb_units, nb_classes, source.nb_steps, fingerprint="")


def our_step(work: Workload, data: Dataset, device: str, precision: str, graph: bool) -> TrainingStep:
    """A training step whose network starts with the workload's weights."""
    (nb_hidden, _), batch = work.parameters.w2.shape, len(work.labels)
    parameters = Parameters(
        nb_hidden=nb_hidden, nb_steps=data.nb_steps, scale=work.model.scale, regularizer=work.strength, lr=work.lr,
        nb_epochs=1, batch_size=batch, tau_mem=10e-3, tau_syn=5e-3, recurrent=work.parameters.v is not None,
        precision=precision,
    )  # fmt: skip
    network = SpikingNetwork(network_settings(parameters, data), kernel="gpu")
    for name in ("w1", "v", "w2"):
        if getattr(network, name) is not None:
            getattr(network, name).data.copy_(getattr(work.parameters, name))
    step = TrainingStep(network.to(device), parameters, data)
    if graph:
        step.recorded = recorded(step, network, step.optimizer, batch)
    return step


def milliseconds(ways: dict[str, Way], runs: int) -> dict[str, float]:
    """Medians over alternating runs, by events on the device."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(-WARM_UP, runs):
        for name, way in ways.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            way()
            end.record()
            end.synchronize()
            if run >= 0:
                times[name].append(start.elapsed_time(end))
    return {name: median(each) for name, each in times.items()}


def on(device: str, work: Workload) -> Workload:
    parameters = type(work.parameters)(*(None if each is None else each.to(device) for each in work.parameters))
    return replace(work, dense=work.dense.to(device), labels=work.labels.to(device), parameters=parameters)


def gradient_error(
    ours: TrainingStep, inputs: Any, labels: Tensor, loop: Callable[[], tuple[float, list[Tensor]]]
) -> float:
    """Norm of the difference over the norm, of the worst parameter; before either way has made a step."""
    ours.gradients(inputs, labels)
    weights = ours.network
    found = [each.grad for each in (weights.w1, weights.v, weights.w2) if each is not None]
    return max(float((a - b).norm() / b.norm()) for a, b in zip(found, loop()[1], strict=True))


def compare(draw: Callable[[], Workload], nb_samples: int, runs: int, device: str = "cuda") -> None:
    works = [draw() for _ in range(BATCHES)]
    data, work = dataset(works, nb_samples).to(device), on(device, works[0])
    size = len(work.labels)
    first = data.train.source.batch(torch.arange(size, device=device))
    loops = {"loop": loop_step(work, False), "loop, unbind": loop_step(work, True)}
    steps = {
        "gpu kernel": our_step(work, data, device, "exact", graph=False),
        "gpu kernel, CUDA graph": our_step(work, data, device, "exact", graph=True),
        "gpu kernel, bf16": our_step(work, data, device, "bf16", graph=False),
    }
    error = gradient_error(steps["gpu kernel"], first, work.labels, loops["loop, unbind"])
    source = data.train.source
    resident = source.nbytes + sum(each.nbytes for each in source.by_unit)
    events = len(source.unit) // len(source)
    print(f"\n{work.name}: {nb_samples:,} samples, B {size}, T {data.nb_steps}, {events} events each")
    print(f"gradients within {error:.0e} of the loop's; {resident / 1e6:.0f} MB of events on the card")

    ours: dict[str, Way] = {name: lambda step=step: step.run(first, work.labels) for name, step in steps.items()}
    step_ms = milliseconds(loops | ours, runs)
    epochs: dict[str, Way] = {name: lambda step=step: train_epoch(step, data, 0, 1) for name, step in steps.items()}
    epoch_ms = milliseconds(epochs, max(3, runs // 5))
    print(f"{'':24}{'ms a step':>12}{'s an epoch':>12}{'against loop':>14}{'unbind':>8}")
    for name, ms in step_ms.items():
        epoch = epoch_ms.get(name, ms * ceil(nb_samples / size)) / 1e3
        ratios = step_ms["loop"] / ms, step_ms["loop, unbind"] / ms
        print(f"{name:24}{ms:12.3f}{epoch:12.3f}{ratios[0]:12.1f} x{ratios[1]:6.1f} x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=25)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU that PyTorch can use: nothing to measure")
        return
    print(f"{device_name('cuda')}; {versions()}")
    torch.manual_seed(0)
    compare(shd, 8156, options.runs)
    compare(fashion_mnist, 54_000, options.runs)


if __name__ == "__main__":
    main()
