"""Random networks and batches on which float32 and float64 must fire the same spikes."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch, Events
from snn_tune.snn import spike_penalty, weighted_nll
from snn_tune.snn.kernels import reference
from snn_tune.snn.kernels.cpu import Model, Outcome, Parameters

LEARNED = 1e-9  # a loss below which PyTorch's softmax, in float64, has few digits left for its gradient
CLEARANCE = 1e-4  # of every membrane from the threshold; rounding moves one by about 1e-6


@dataclass
class LayerCase:
    """A layer and its input, float32."""

    current: Tensor
    v: Tensor | None
    alpha: Tensor | float
    beta: Tensor | float
    gain: Tensor | float
    scale: float
    reset: str


def clear(current: Tensor, v: Tensor | None, alpha: Tensor, beta: Tensor, gain: Tensor, reset: str) -> Tensor:
    """What to add to `current` (B, T, H; float64) so that no membrane comes near the threshold; mostly zeros.

    The membrane of step t + 2 is the first that current(t) moves: where it would lie too close, current(t) gets a
    push, and nothing before it changes.
    """
    push = torch.zeros_like(current)
    syn, mem, before = (torch.zeros_like(current[:, 0]) for _ in range(3))
    for t in range(current.shape[1]):
        fired = (mem > 1).to(mem.dtype)
        leaked = beta * mem + gain * syn
        mem = leaked * (1 - fired) if reset == "zero" else leaked - fired
        next_fired = (mem > 1).to(mem.dtype)
        syn = alpha * syn + current[:, t] + (0 if v is None else before @ v)
        after = beta * mem + gain * syn
        after = after * (1 - next_fired) if reset == "zero" else after - next_fired
        room = CLEARANCE * (1 + gain * syn.abs())
        close = ((after - 1).abs() < room) & ~((reset == "zero") & (next_fired > 0))
        push[:, t] = torch.where(close, 2.5 * room / gain, 0.0).float()
        syn = syn + push[:, t]
        before = fired
    return push


def draw_layer(
    seed: int, batch: int, steps: int, hidden: int, *, recurrent: bool, reset: str, drive: float, per_unit: bool
) -> LayerCase:
    """A layer whose units fire the more the higher `drive`: never at -1, as often as they can at 3."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(hidden if per_unit else 1, generator=generator) * (high - low) + low
        return drawn.expand(hidden).contiguous()

    alpha, beta, gain = uniform(0.5, 0.95), uniform(0.6, 0.98), uniform(0.1, 1.2)
    noise = torch.randn(batch, steps, hidden, generator=generator)
    current = (noise + drive) * (1 - alpha) * (1 - beta) / gain * 2
    v = torch.randn(hidden, hidden, generator=generator) * 0.3 / hidden**0.5 if recurrent else None
    wide = (tensor.double() for tensor in (alpha, beta, gain))
    current = current + clear(current.double(), None if v is None else v.double(), *wide, reset).float()
    constants = (alpha, beta, gain) if per_unit else (float(alpha[0]), float(beta[0]), float(gain[0]))
    scale = float(torch.empty(1).uniform_(1, 120, generator=generator))
    return LayerCase(current, v, *constants, scale, reset)


@dataclass
class NetworkCase:
    """A network and a batch, float32; `dense` (B, T, N) holds the counts of `inputs`, or the analog input itself."""

    inputs: EventBatch | Tensor
    dense: Tensor
    labels: Tensor
    parameters: Parameters
    model: Model
    strength: float
    reduction: str
    class_weights: Tensor | None = None


def pack(dense: Tensor) -> EventBatch:
    """The events of counts (B, T, N), by sample, step and unit."""
    batch, steps, units = dense.shape
    bag, unit = dense.reshape(batch * steps, units).nonzero(as_tuple=True)
    bags = torch.zeros(batch * steps + 1, dtype=torch.int64)
    bags[1:] = torch.bincount(bag, minlength=batch * steps).cumsum(0)
    count = dense.reshape(batch * steps, units)[bag, unit].float()
    return Events(unit.to(torch.uint16), count, bags, steps, units).batch(torch.arange(batch))


def draw_network(
    seed: int,
    batch: int,
    steps: int,
    hidden: int,
    *,
    recurrent: bool = True,
    reset: str = "zero",
    reduction: str = "sum",
    drive: float = 1.0,
    inputs: int = 23,
    classes: int = 7,
) -> NetworkCase:
    """Events that count up to three, and for each hidden unit an input of its own that keeps it off the threshold."""
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.rand(2, generator=generator).tolist()
    model = Model(0.5 + 0.4 * low, 0.6 + 0.38 * high, 1 + 120 * low * high, reset, 0.2 + low)
    counts = torch.randint(0, 4, (batch, steps, inputs), generator=generator).float()
    busy = torch.rand(batch, 1, 1, generator=generator)  # when a sample is busiest: an even rate has many equal maxima
    rate = 0.4 * torch.exp(-8 * (torch.linspace(0, 1, steps)[:, None] - busy) ** 2)
    counts *= torch.rand(batch, steps, inputs, generator=generator) < rate
    w1 = (torch.randn(inputs, hidden, generator=generator) + drive) / inputs**0.5
    w1 *= 4 * (1 - model.alpha) * (1 - model.beta) / model.input_gain
    v = torch.randn(hidden, hidden, generator=generator) * 0.3 / hidden**0.5 if recurrent else None
    w2 = torch.randn(hidden, classes, generator=generator) / hidden**0.5
    constants = (torch.tensor(value, dtype=torch.float32).double() for value in (model.alpha, model.beta))
    gain = torch.tensor(model.input_gain, dtype=torch.float32).double()
    wide_v = None if v is None else v.double()
    push = clear(counts.double() @ w1.double(), wide_v, *constants, gain, reset)
    dense = torch.cat([counts, push.float()], dim=2)
    parameters = Parameters(torch.cat([w1, torch.eye(hidden)]), v, w2)
    labels = torch.randint(0, classes, (batch,), generator=generator)
    strength = {"sum": 1e-4, "sum_l2": 1e-5, "mean": 1e-2}[reduction]
    weights = torch.rand(classes, generator=generator) + 0.5
    return NetworkCase(pack(dense), dense, labels, parameters, model, strength, reduction, weights)


def by_reference(case: NetworkCase, dtype: torch.dtype = torch.float64) -> tuple[Outcome, float, float]:
    """The outcome by autograd, and two distances that rounding must not bridge.

    How close a membrane of encoder or hidden layer comes to the threshold; how close the second highest frame of a
    class comes to its maximum, relative to it (where all is zero, it is exactly zero, and the first frame's).
    """
    leaves = [None if p is None else p.to(dtype, copy=True).requires_grad_() for p in case.parameters]
    w1, v, w2, gain, bias = leaves
    m = case.model
    clearance, dense = float("inf"), case.dense.to(dtype)
    if gain is not None:
        tiled = dense.repeat(1, 1, len(gain) // dense.shape[2])
        dense, enc = reference.encoder(tiled, gain, bias, beta=m.beta, scale=m.scale)
        clearance = float((enc.detach() - 1).abs().min())
    spikes, membrane = reference.cuba_lif(
        dense @ w1, v, alpha=m.alpha, beta=m.beta, scale=m.scale, reset=m.reset, input_gain=m.input_gain
    )
    clearance = min(clearance, float((membrane.detach() - 1).abs().min()))
    frames = reference.leaky_readout(spikes @ w2, alpha=m.alpha, beta=m.beta, input_gain=m.input_gain)
    logits = frames.max(dim=1).values
    nll = torch.nn.functional.cross_entropy(logits, case.labels, reduction="none")
    weights = None if case.class_weights is None else case.class_weights.to(dtype)
    loss = weighted_nll(logits, case.labels, weights) + spike_penalty(spikes, case.strength, case.reduction)
    if loss.requires_grad:
        loss.backward()
    grads = Parameters(*(p if p is None else torch.zeros_like(p) if p.grad is None else p.grad for p in leaves))
    correct = int((logits.argmax(1) == case.labels).sum())
    counts = spikes.detach().sum((0, 1)).long()
    top, second = frames.detach().topk(2, dim=1).values.unbind(1)
    lead = torch.where(top == 0, torch.inf, (top - second) / top)
    outcome = Outcome(float(loss.detach()), nll.detach(), logits.detach(), correct, counts, grads)
    return outcome, clearance, float(lead.min())


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Norm of the difference over the norm of what is wanted; 0 where both are nothing."""
    difference = np.linalg.norm(found.double().numpy() - wanted.double().numpy())
    size = np.linalg.norm(wanted.double().numpy())
    return float(difference / size) if size > 0 else float(difference)
