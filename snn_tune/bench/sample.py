"""A few batches of a data set, small enough to hand to another process."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from snn_tune.datasets.dataset import Analog, Dataset, Part
from snn_tune.datasets.events import EventBatch, Events
from snn_tune.network_settings import network_settings
from snn_tune.parameters import Parameters
from snn_tune.snn import SpikingNetwork


def sample(data: Dataset, batch_size: int, nb_batches: int) -> Dataset:
    """Some batches to train on and one to score, drawn by a fixed seed; less where there is less."""
    one = _some(data.valid, batch_size)
    return replace(data, train=_some(data.train, batch_size * nb_batches), valid=one, test=one)


def input_spikes(data: Dataset, parameters: Parameters) -> float:
    """Spikes into the hidden layer for each sample; of analog data, those of the encoder as it starts."""
    inputs, labels = next(data.train.batches(parameters.batch_size))
    if isinstance(inputs, EventBatch):
        return float(inputs.bags().counts.sum()) / len(labels)
    network = SpikingNetwork(network_settings(parameters, data))
    return float(network.encode(inputs).detach().sum()) / len(labels)


def _some(part: Part, size: int) -> Part:
    """So many of its samples, or all of them, in a source of their own."""
    where = torch.from_numpy(np.random.default_rng(0).permutation(len(part))[:size])
    return Part(_cut(part.source, part.samples[where]), torch.arange(len(where)), part.labels[where])


def _cut(source: Events | Analog, samples: Tensor) -> Events | Analog:
    if isinstance(source, Analog):
        return replace(source, values=source.values[samples])
    unit, count, offsets = source.batch(samples).bags()
    return replace(source, unit=unit.to(source.unit.dtype), count=count.to(source.count.dtype), bags=offsets.long())
