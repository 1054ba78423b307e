"""A few batches of a data set, small enough to hand to another process."""

from dataclasses import replace

import numpy as np

from snn_tune.datasets.dataset import Analog, Dataset, Part
from snn_tune.datasets.events import EventBatch, Events, Ints
from snn_tune.snn import SpikingNetwork
from snn_tune.training import network_settings
from snn_tune.trial import Parameters


def sample(data: Dataset, batch_size: int, nb_batches: int) -> Dataset:
    """Some batches to train on and one to score, drawn by a fixed seed; less where there is less."""
    one = _some(data.valid, batch_size)
    return replace(data, train=_some(data.train, batch_size * nb_batches), valid=one, test=one)


def input_spikes(data: Dataset, parameters: Parameters) -> float:
    """Spikes into the hidden layer for each sample; of analog data, those of the encoder as it starts."""
    inputs, labels = data.train.batch(np.arange(min(len(data.train), parameters.batch_size)))
    if isinstance(inputs, EventBatch):
        return float(inputs.count.sum()) / len(labels)
    network = SpikingNetwork(network_settings(parameters, data))
    return float(network.encode(inputs).detach().sum()) / len(labels)


def _some(part: Part, size: int) -> Part:
    """So many of its samples, or all of them, in a source of their own."""
    where = np.random.default_rng(0).permutation(len(part))[:size]
    return Part(_cut(part.source, part.samples[where]), np.arange(len(where)), part.labels[where])


def _cut(source: Events | Analog, samples: Ints) -> Events | Analog:
    if isinstance(source, Analog):
        return replace(source, values=source.values[samples])
    starts, stops = source.offsets[samples], source.offsets[samples + 1]
    events = np.concatenate([np.arange(start, stop) for start, stop in zip(starts, stops, strict=True)])
    offsets = np.concatenate([[0], (stops - starts).cumsum()])
    return replace(
        source, offsets=offsets, step=source.step[events], unit=source.unit[events], count=source.count[events]
    )
