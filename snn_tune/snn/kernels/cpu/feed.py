"""Batches of packed events: 11 -> 3 ms for 256 samples of SHD against NumPy, a quarter of a training step otherwise."""

from typing import Any

import numpy as np
import torch

from snn_tune.datasets.events import EventBatch, Events, Ints
from snn_tune.snn.kernels.cpu.compiled import entry


@entry
def _take(
    offsets: Any, step: Any, unit: Any, count: Any, samples: Any, steps: int, units: Any, counts: Any, bags: Any
) -> None:
    end = 0
    for i in range(len(samples)):
        start, stop = offsets[samples[i]], offsets[samples[i] + 1]
        for e in range(stop - start):
            units[end + e] = unit[start + e]
        for e in range(stop - start):
            counts[end + e] = count[start + e]
        t = 0  # steps whose bag has started
        for e in range(stop - start):
            while t <= step[start + e]:
                bags[i * steps + t] = end + e
                t += 1
        end += stop - start
        for later in range(t, steps):
            bags[i * steps + later] = end
    bags[-1] = end


def take(events: Events, samples: Ints) -> EventBatch:
    """`events.batch(samples)`.

    Raises:
        IndexError: there is no such sample; as compiled code tests no index, none counts from the end.
    """
    samples = np.asarray(samples, np.int64)
    if len(samples) and not 0 <= samples.min() <= samples.max() < len(events):
        raise IndexError(f"samples must be 0 to {len(events) - 1}; they are {samples.min()} to {samples.max()}")
    nb_events = int((events.offsets[samples + 1] - events.offsets[samples]).sum())
    units, counts = np.empty(nb_events, np.int32), np.empty(nb_events, np.float32)
    bags = np.empty(len(samples) * events.nb_steps + 1, np.int32)
    packed = events.offsets, events.step, events.unit, events.count
    _take(*packed, samples, events.nb_steps, units, counts, bags)
    return EventBatch(torch.from_numpy(units), torch.from_numpy(counts), torch.from_numpy(bags), events.nb_steps)
