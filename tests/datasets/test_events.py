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
    for bag in range(len(counts)):
        for event in range(int(batch.bags[bag]), int(batch.bags[bag + 1])):
            counts[bag, batch.unit[event]] += batch.count[event]
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
    which = np.array(data.draw(st.lists(st.integers(0, nb_samples - 1), min_size=1, max_size=8)))
    assert torch.equal(dense(events.batch(which), nb_units), expected[which])


@given(spikes(), st.integers(1, 6))
def test_events_are_ordered_and_distinct(drawn: tuple[NDArray[np.int64], int, int, int], chunk: int) -> None:
    events = pack(*drawn, chunk)
    sample = np.repeat(np.arange(len(events)), np.diff(events.offsets))
    cell = (sample * events.nb_steps + events.step) * events.nb_units + events.unit
    assert (np.diff(cell) > 0).all()
    assert events.count.sum() == len(drawn[0])
    assert (events.count >= 1).all()


@pytest.mark.parametrize(("size", "dtype"), [(256, np.uint8), (257, np.uint16), (70_000, np.uint32)])
def test_smallest_types(size: int, dtype: type[np.unsignedinteger]) -> None:
    packer = Packer(size, 1)
    packer.add(1, np.array([0]), np.array([size - 1]), np.array([0]))
    events = packer.events()
    assert events.step.dtype == dtype
    assert events.step.tolist() == [size - 1]


def test_a_count_beyond_one_byte() -> None:
    packer = Packer(2, 2)
    packer.add(1, np.zeros(300, int), np.ones(300, int), np.ones(300, int))
    batch = packer.events().batch(np.array([0]))
    assert batch.count.tolist() == [300.0]
    assert batch.bags.tolist() == [0, 0, 1]


def test_types_of_a_batch() -> None:
    batch = pack(np.array([[0, 0, 0], [1, 2, 1]]), 2, 3, 2, 1).batch(np.array([1, 0]))
    assert (batch.unit.dtype, batch.count.dtype, batch.bags.dtype) == (torch.int32, torch.float32, torch.int32)
    assert len(batch) == 2
    assert batch.unit.tolist() == [1, 0]


@pytest.mark.parametrize("sample", [-1, 3])
def test_a_sample_that_is_not_there_is_refused(sample: int) -> None:
    packer = Packer(5, 4)
    packer.add(3, *(np.array([1]) for _ in range(3)))
    with pytest.raises(IndexError, match="samples must be 0 to 2"):
        packer.events().batch(np.array([0, sample]))
