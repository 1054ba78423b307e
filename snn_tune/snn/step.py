"""A batch by one call, on whichever kernel is fastest: the gradients of its loss, or its scores alone."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_tune.datasets.events import EventBatch
from snn_tune.snn import micro_batches
from snn_tune.snn.kernels import Shape, by_one_call, choose, load
from snn_tune.snn.kernels.cpu import Model, Parameters
from snn_tune.snn.loss import weighted_nll
from snn_tune.snn.network import SpikingNetwork
from snn_tune.snn.regularizer import spike_penalty


class Scores(NamedTuple):
    """What a batch did: logits (B, O); nll of each sample, unweighted, (B,); spikes of each hidden unit, (H,).

    Those of several layers follow each other.
    """

    logits: Tensor
    nll: Tensor
    spike_counts: Tensor


def train_step(
    network: nn.Module,
    inputs: EventBatch | Tensor,
    labels: Tensor,
    *,
    strength: float = 0.0,
    reduction: str = "sum",
    class_weights: Tensor | None = None,
    rng: np.random.Generator | None = None,
) -> Scores:
    """Put the gradient of the loss into the `grad` of each of the network's parameters.

    Args:
        inputs: events, or analog input (B, T, channels), on the network's device.
        labels: (B,), classes as int64.
        strength, reduction: of the penalty on hidden spikes, see `spike_penalty`.
        class_weights: (O,), see `weighted_nll`.
        rng: draws whom dropout silences; without it, nobody is.
    """
    kernel = kernel_of(network)
    if kernel != "reference":
        assert isinstance(network, SpikingNetwork)
        found = load(kernel).train_step(
            inputs,
            labels,
            _parameters(network),
            _model(network),
            strength=strength,
            reduction=reduction,
            class_weights=class_weights,
            **_dropout(network, len(labels), rng),
        )
        for parameter, gradient in zip(_parameters(network), found.gradients or (), strict=True):
            if parameter is not None:
                parameter.grad = gradient
        return Scores(found.logits, found.nll, found.spike_counts)
    network.zero_grad()
    found = []
    for part, activity in micro_batches.forward(network, inputs, reduction, rng):
        penalty = spike_penalty(activity.spikes, strength, reduction)
        if reduction == "mean":
            penalty = penalty * (len(activity.logits) / len(labels))
        (weighted_nll(activity.logits, labels[part], class_weights, whole=labels) + penalty).backward()
        found.append(_scores(activity.logits.detach(), labels[part], activity.spikes.detach()))
    return _together(found)


def score(network: nn.Module, inputs: EventBatch | Tensor, labels: Tensor) -> Scores:
    """The same without gradients."""
    kernel = kernel_of(network, trains=False)
    if kernel != "reference":
        assert isinstance(network, SpikingNetwork)
        found = load(kernel).evaluate(inputs, labels, _parameters(network), _model(network))
        return Scores(found.logits, found.nll, found.spike_counts)
    with torch.no_grad():
        every = micro_batches.forward(network, inputs)
        found = [_scores(activity.logits, labels[part], activity.spikes) for part, activity in every]
    return _together(found)


def kernel_of(network: nn.Module, *, trains: bool = True) -> str:
    """Which kernel computes a batch by one call, where the network is: see `kernels.choose`.

    "reference" also stands for a network whose layers are computed one by one, each by a kernel of its own choice, and
    for one of another class.
    """
    if type(network) is not SpikingNetwork:  # a subclass may compute something else
        return "reference"
    s = network.settings
    kernel = choose(network.kernel, network.w1, network.v, precision=s.precision)
    shape = Shape(s.hidden, s.recurrent, s.precision, s.time_constants, trains and s.dropout > 0)
    return kernel if kernel == "reference" or by_one_call(kernel, shape) else "reference"


def _scores(logits: Tensor, labels: Tensor, spikes: Tensor) -> Scores:
    return Scores(logits, functional.cross_entropy(logits, labels, reduction="none"), spikes.sum(dim=(0, 1)))


def _together(found: list[Scores]) -> Scores:
    logits, nll, spike_counts = zip(*found, strict=True)
    return Scores(torch.cat(logits), torch.cat(nll), sum(spike_counts))


def _parameters(network: SpikingNetwork) -> Parameters:
    own = (network.encoder.gain, network.encoder.bias) if network.encoder else (None, None)
    return Parameters(network.w1, network.v, network.w2, *own)


def _model(network: SpikingNetwork) -> Model:
    s = network.settings
    hidden = None if s.time_constants == "shared" else network.layers[0].constants
    return Model(s.alpha, s.beta, s.scale, s.reset, s.input_gain, s.precision, hidden)


def _dropout(network: SpikingNetwork, nb_samples: int, rng: np.random.Generator | None) -> dict[str, Tensor]:
    kept = network.kept(nb_samples, rng)[0]
    return {} if kept is None else {"kept": kept.float()}
