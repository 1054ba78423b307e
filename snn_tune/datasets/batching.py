"""Batches of packed events, compiled: 11 -> 3 ms for 256 samples of SHD against NumPy, a quarter of a training step."""

from typing import Any

from snn_tune.compiled import entry


@entry
def gather(
    offsets: Any, step: Any, unit: Any, count: Any, samples: Any, steps: int, units: Any, counts: Any, bags: Any
) -> None:
    """Copy the events of these samples into `units` and `counts`, and where each sample's steps start into `bags`."""
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
