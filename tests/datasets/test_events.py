"""Packed spikes against the dense array that they stand for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snn_tune.datasets.events import EventBatch, Events, Packer


def dense(batch: EventBatch, nb_units: int) -> torch.Tensor:
    """(B, T, units) spike counts, by the definition of bags."""
    counts = torch.zeros(len(batch) * batch.nb_steps, nb_units)
    found = batch.bags()
    for bag in range(len(counts)):
        for event in range(int(found.offsets[bag]), int(found.offsets[bag + 1])):
            counts[bag, found.units[event]] += found.counts[event]
    return counts.view(len(batch), batch.nb_steps, nb_units)


def pack(raw: NDArray[np.int64], nb_samples: int, nb_steps: int, nb_units: int, chunk: int) -> Events:
    packer = Packer(nb_steps, nb_units)
    for start in range(0, nb_samples, chunk):
        here = raw[(raw[:, 0] >= start) & (raw[:, 0] < start + chunk)]
        packer.add(min(chunk, nb_samples - start), here[:, 0] - start, here[:, 1], here[:, 2])
    return packer.events()


@st.composite
def spikes(draw: st.DrawFn) -> tuple[NDArray[np.int64], int, int, int]:
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 7)))
    spike = st.tuples(*(st.integers(0, size - 1) for size in shape))
    rows = draw(st.lists(spike, max_size=60))
    return np.array(rows, dtype=np.int64).reshape(-1, 3), *shape


@settings(deadline=None)
@given(spikes(), st.integers(1, 6), st.data())
def test_batch_is_the_dense_array(
    drawn: tuple[NDArray[np.int64], int, int, int], chunk: int, data: st.DataObject
) -> None:
    raw, nb_samples, nb_steps, nb_units = drawn
    expected = torch.zeros(nb_samples, nb_steps, nb_units)
    for sample, step, unit in raw:
        expected[sample, step, unit] += 1
    events = pack(raw, nb_samples, nb_steps, nb_units, chunk)
    which = torch.tensor(data.draw(st.lists(st.integers(0, nb_samples - 1), min_size=1, max_size=8)))
    assert torch.equal(dense(events.batch(which), nb_units), expected[which])


@given(spikes(), st.integers(1, 6))
def test_events_are_ordered_and_distinct(drawn: tuple[NDArray[np.int64], int, int, int], chunk: int) -> None:
    events = pack(*drawn, chunk)
    bag = np.repeat(np.arange(len(events) * events.nb_steps), events.bags.diff())
    assert (np.diff(bag * events.nb_units + events.unit.numpy()) > 0).all()
    assert events.count.sum() == len(drawn[0])
    assert (events.count >= 1).all()


@pytest.mark.parametrize(("size", "dtype"), [(65_536, torch.uint16), (65_537, torch.int32)])
def test_units_are_as_narrow_as_they_can_be(size: int, dtype: torch.dtype) -> None:
    packer = Packer(1, size)
    packer.add(1, np.array([0]), np.array([0]), np.array([size - 1]))
    events = packer.events()
    assert events.unit.dtype == dtype
    assert events.unit.tolist() == [size - 1]


@pytest.mark.parametrize(("count", "dtype"), [(255, torch.uint8), (256, torch.float32)])
def test_a_count_beyond_one_byte(count: int, dtype: torch.dtype) -> None:
    packer = Packer(2, 2)
    packer.add(1, *np.broadcast_to([[0], [1], [1]], (3, count)))
    packer.add(1, np.array([0]), np.array([0]), np.array([0]))
    events = packer.events()
    assert events.count.dtype == dtype
    assert events.count.tolist() == [count, 1]
    assert events.bags.tolist() == [0, 0, 1, 2, 2]


def test_events_that_do_not_fit_each_other_are_refused() -> None:
    unit, count = torch.tensor([0, 3], dtype=torch.uint16), torch.ones(2, dtype=torch.uint8)
    bags = torch.tensor([0, 1, 2])

    def fails(match: str, *arrays: torch.Tensor, nb_steps: int = 2, nb_units: int = 4) -> None:
        with pytest.raises(ValueError, match=match):
            Events(*arrays, nb_steps, nb_units)

    Events(unit, count, bags, 2, 4)
    fails("unit must be 0 to 2; it is 0 to 3", unit, count, bags, nb_units=3)
    fails("unit must be 0 to 3; it is -1 to 0", torch.tensor([0, -1], dtype=torch.int32), count, bags)
    fails("bags must rise from 0", unit, count, torch.tensor([0, 2, 1]))
    fails("bags must rise from 0", unit, count, torch.tensor([1, 1, 2]))
    fails("bags must rise from 0", unit, count[:1], bags)
    fails("bags must be a multiple of nb_steps = 3, and one", unit, count, bags, nb_steps=3)
    fails("must be of", unit.int(), count.int(), bags)
    fails("must be contiguous", unit, count[:1].expand(2), bags)
    fails("must be contiguous", unit, count, torch.arange(6)[::2])
    fails("must be contiguous", unit[:, None], count, bags)
    fails("bags must be a multiple", unit, count, bags[:0], nb_steps=1)
    wraps = torch.tensor([0, 2**63 - 1, -(2**63) + 5, 2])  # whose differences overflow to positive numbers
    fails("bags must rise from 0", unit, count, wraps, nb_steps=3)
