"""The second order of events holds the same events, in runs of a sample's unit."""

import numpy as np
import pytest
import torch

from snn_tune.datasets import by_unit
from snn_tune.datasets.events import Events


@pytest.mark.parametrize("chunk", [1, 2, 256])
@pytest.mark.parametrize(("steps", "units", "kind"), [(9, 6, torch.uint8), (1, 3, torch.uint8), (300, 1, torch.uint16)])
def test_each_unit_has_its_events_in_order(
    steps: int, units: int, kind: torch.dtype, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_unit, "CHUNK", chunk)
    dense = np.random.default_rng(0).poisson(0.3, (5, steps, units))
    dense[2] = 0  # a sample without an event
    bag, unit = dense.reshape(-1, units).nonzero()
    bags = torch.from_numpy(np.searchsorted(bag, np.arange(5 * steps + 1)))
    count = torch.from_numpy(dense[dense > 0].astype(np.uint8))
    events = Events(torch.from_numpy(unit.astype(np.uint16)), count, bags, steps, units)
    found = events.by_unit
    assert (found.steps.dtype, found.counts.dtype, found.starts.dtype) == (kind, torch.uint8, torch.int32)
    for sample in range(5):
        for unit in range(units):
            start, end = (found.starts[sample, unit : unit + 2] + bags[sample * steps]).tolist()
            (fired,) = dense[sample, :, unit].nonzero()
            assert found.steps[start:end].tolist() == fired.tolist()
            assert found.counts[start:end].tolist() == dense[sample, fired, unit].tolist()
    assert events.by_unit is found
