"""The networks and batches of the three studies, with random input as dense as the real one."""

from dataclasses import dataclass
from math import exp

import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch, Events
from snn_tune.snn.kernels.cpu import Model, Parameters


@dataclass
class Workload:
    """`dense` holds the counts of `inputs`, or is the analog input itself."""

    name: str
    inputs: EventBatch | Tensor
    dense: Tensor
    labels: Tensor
    parameters: Parameters
    model: Model
    strength: float
    reduction: str
    lr: float


def pack(dense: Tensor) -> EventBatch:
    bag, unit = dense.flatten(0, 1).nonzero(as_tuple=True)
    bags = torch.zeros(dense.shape[0] * dense.shape[1] + 1, dtype=torch.int64)
    bags[1:] = torch.bincount(bag, minlength=len(bags) - 1).cumsum(0)
    count = dense.flatten(0, 1)[bag, unit].to(torch.uint8)
    events = Events(unit.to(torch.uint16), count, bags, dense.shape[1], dense.shape[2])
    return events.batch(torch.arange(len(dense)))


def weights(*widths: int, scale: float, recurrent: float | None) -> tuple[Tensor, Tensor | None, Tensor]:
    nb_inputs, hidden, classes = widths
    v = None if recurrent is None else torch.randn(hidden, hidden) * recurrent / hidden**0.5
    return (
        torch.randn(nb_inputs, hidden) * scale / nb_inputs**0.5,
        v,
        torch.randn(hidden, classes) * scale / hidden**0.5,
    )


def shd() -> Workload:
    """Four blobs in time and frequency a word, about 5,100 distinct events, 1.45 spikes each."""
    batch, steps, units = 256, 100, 700
    t, u = torch.arange(steps)[:, None], torch.arange(units)
    rate = torch.zeros(batch, steps, units)
    for _ in range(4):
        when, where = torch.rand(2, batch, 1, 1)
        rate += torch.exp(-(((t - 5 - 75 * when) / 9) ** 2) - ((u - units * where) / 60) ** 2)
    dense = torch.poisson(rate * 1.15)
    p = Parameters(*weights(units, 200, 20, scale=0.2, recurrent=0.2))
    model = Model(exp(-1 / 5), exp(-1 / 10), 100.0)
    return Workload("SHD", pack(dense), dense, torch.randint(0, 20, (batch,)), p, model, 2e-6, "sum", 2e-4)


def fashion_mnist(recurrent: bool = False) -> Workload:
    """Half of the pixels spike once, in the first 80 steps."""
    batch, steps, units = 256, 100, 784
    dense = torch.zeros(batch, steps, units)
    when = (-18 * torch.rand(batch, units).log()).long()
    sample, unit = ((when < 80) & (torch.rand(batch, units) < 0.5)).nonzero(as_tuple=True)
    dense[sample, when[sample, unit], unit] = 1.0
    p = Parameters(*weights(units, 200, 10, scale=0.6, recurrent=0.2 if recurrent else None))
    model = Model(exp(-1 / 5), exp(-1 / 10), 80.0)
    name = "Fashion-MNIST" + ", recurrent" * recurrent
    return Workload(name, pack(dense), dense, torch.randint(0, 10, (batch,)), p, model, 1e-6, "sum", 2e-4)


def braille(repeats: int) -> Workload:
    """Four slow channels of 76 frames, each shown `repeats` times, through 32 encoder units each."""
    batch, frames = 100, 76
    walk = torch.randn(batch, frames, 4).cumsum(1)
    dense = ((walk - walk.mean()) / walk.std()).repeat_interleave(repeats, 1)
    p = Parameters(*weights(128, 300, 27, scale=3.0, recurrent=0.03), torch.randn(128), torch.randn(128))
    beta = exp(-2 / 20 / repeats)
    model = Model(exp(-2 / 10 / repeats), beta, 20.0, "zero", 1 - beta)
    name = f"TBL, {frames * repeats} steps"
    return Workload(name, dense, dense, torch.randint(0, 27, (batch,)), p, model, 1e-2, "mean", 1e-2)


def all_workloads() -> list[Workload]:
    torch.manual_seed(0)
    return [shd(), fashion_mnist(), fashion_mnist(recurrent=True), braille(1), braille(3)]
