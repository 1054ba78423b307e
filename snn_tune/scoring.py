"""Score a network on every sample of a part, the last partial batch too."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from snn_tune.datasets.dataset import Part
from snn_tune.snn import score

SILENT = 1e-3  # spikes of a unit in a sample, below which a network counts as silent
SATURATED = 0.9  # part of the highest possible rate, above which it counts as saturated


@dataclass(frozen=True)
class Score:
    """Means over the samples of a part.

    Attributes:
        loss: negative log-likelihood of the true class, without weights or penalty.
        spikes_per_neuron: spikes of a hidden unit in a sample.
        predictions: the class given to each sample, (n,).
    """

    accuracy: float
    loss: float
    spikes_per_neuron: float
    predictions: NDArray[np.int64]


def evaluate(network: nn.Module, part: Part, batch_size: int) -> Score:
    """Take the whole part, on the network's device, through it."""
    loss = spikes = torch.zeros((), dtype=torch.float64, device=part.labels.device)
    predictions = []
    for inputs, labels in part.batches(batch_size):
        scores = score(network, inputs, labels)
        loss, spikes = loss + scores.nll.sum(dtype=torch.float64), spikes + scores.spike_counts.sum()
        predictions.append(scores.logits.argmax(dim=1))
    predicted = torch.cat(predictions)
    return Score(
        accuracy=float((predicted == part.labels).double().mean()),
        loss=float(loss) / len(part),
        spikes_per_neuron=float(spikes) / len(part) / len(scores.spike_counts),
        predictions=predicted.cpu().numpy(),
    )


def activity_tag(spikes_per_neuron: float, nb_steps: int, reset: str) -> str:
    """ "silent", "saturated" or "" for a network of this mean activity.

    A unit that is set to zero rests for a step after each spike; one whose reset subtracts may fire at every step.
    """
    highest = nb_steps / 2 if reset == "zero" else nb_steps
    if spikes_per_neuron < SILENT:
        return "silent"
    return "saturated" if spikes_per_neuron > SATURATED * highest else ""
