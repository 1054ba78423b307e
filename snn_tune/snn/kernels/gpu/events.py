"""Events to input currents of all steps at once, and the gradient of their weights.

Both read the data set's events where they lie, by the samples of the batch: no shape depends on how many there are.
"""

import triton
import triton.language as tl
from torch import Tensor

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels.gpu.launch import INTERPRETED, SEPARATE

LANES = 8  # runs of events that a program follows side by side; with more, fewer programs find registers beside it
PROGRAMS = 2048  # among which a gradient's events are shared, at least; few units have many events each


@triton.jit
def add_rows(total, index, count, first, size, rows, stride, columns, valid_columns):
    """total + the sum of count[e] rows[index[e]] over the `size` events from `first` on, in each lane over its own.

    A lane adds one event after the other, in their order, and rests when it has no more.
    """
    for i in tl.range(0, tl.max(size), loop_unroll_factor=2):  # two events' loads are under way at once
        there = i < size
        row = tl.load(index + first + i, mask=there, other=0).to(tl.int64)
        times = tl.load(count + first + i, mask=there, other=0).to(tl.float32)
        total += times * tl.load(rows + row * stride + columns, mask=there & valid_columns, other=0.0)
    return total


@triton.jit(do_not_specialize=["nb_bags"])
def sum_bags(
    unit, count, bags, samples, w1, currents, nb_bags, nb_steps, width,
    LANES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """current(b, t) = sum of count[e] w1[unit[e]] over the events e of sample samples[b] and step t: a bag a lane."""
    bag = (tl.program_id(0) * LANES + tl.arange(0, LANES)[:, None]).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    valid, valid_columns = bag < nb_bags, columns < width
    at = bags + tl.load(samples + bag // nb_steps, mask=valid, other=0) * nb_steps + bag % nb_steps
    first = tl.load(at, mask=valid, other=0)
    size = tl.load(at + 1, mask=valid, other=0) - first
    total = tl.zeros((LANES, COLUMNS), tl.float32)
    total = add_rows(total, unit, count, first, size, w1, width, columns, valid_columns)
    tl.store(currents + bag * width + columns, total, mask=valid & valid_columns)


@triton.jit(do_not_specialize=["nb_samples"])
def sum_units(
    step, count, starts, bags, samples, grad_current, stride, sums, nb_samples, nb_steps, width,
    LANES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """sums[p, n] = sum of count[e] grad_current(b, step[e]) over the events e of unit n in part p of the batch.

    A sample a lane, T + 1 rows of `grad_current` for each; `step`, `count` and `starts`: the order by sample and unit.
    """
    unit, part, nb_units = tl.program_id(0), tl.program_id(2), tl.num_programs(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    valid_columns = columns < width
    total = tl.zeros((LANES, COLUMNS), tl.float32)
    for lane in range(part * LANES, nb_samples, tl.num_programs(2) * LANES):
        b = (lane + tl.arange(0, LANES)[:, None]).to(tl.int64)
        valid = b < nb_samples
        sample = tl.load(samples + b, mask=valid, other=0)
        at = starts + sample * (nb_units + 1) + unit
        start = tl.load(at, mask=valid, other=0)
        size = tl.load(at + 1, mask=valid, other=0) - start
        first = tl.load(bags + sample * nb_steps, mask=valid, other=0) + start
        rows = grad_current + b * (nb_steps + 1) * stride
        total = add_rows(total, step, count, first, size, rows, stride, columns, valid_columns)
    out = sums + (part * nb_units + unit) * width
    tl.store(out + columns, tl.sum(total, axis=0)[None, :], mask=valid_columns)


def project(batch: EventBatch, w1: Tensor) -> Tensor:
    """Currents (B, T, H): of each sample and step, the sum over its events of count w1[unit]."""
    events, (_, width) = batch.events, w1.shape
    currents = w1.new_empty(len(batch), batch.nb_steps, width)
    nb_bags, lanes, columns = len(batch) * batch.nb_steps, _lanes(len(batch) * batch.nb_steps), _columns(width)
    sum_bags[triton.cdiv(nb_bags, lanes), triton.cdiv(width, columns)](
        events.unit, events.count, events.bags, batch.samples, w1.contiguous(), currents,
        nb_bags, batch.nb_steps, width, lanes, columns,
    )  # fmt: skip
    return currents


def weight_gradient(batch: EventBatch, grad_current: Tensor, nb_inputs: int) -> Tensor:
    """Gradient of w1 (N, H): for each unit, the sum over its events of count grad_current(sample, step).

    No atomic operation: the parts of the batch are added up in their order, always to the same bits.

    Args:
        grad_current: (B, T, H), a view into rows of T + 1 frames a sample.
    """
    sample_stride, stride, _ = grad_current.stride()
    width = grad_current.shape[2]
    assert sample_stride == (batch.nb_steps + 1) * stride
    lanes, columns = _lanes(len(batch)), _columns(width)
    parts = 1 if INTERPRETED else min(triton.cdiv(PROGRAMS, nb_inputs), triton.cdiv(len(batch), lanes))
    sums = grad_current.new_empty(parts, nb_inputs, width)
    sum_units[nb_inputs, triton.cdiv(width, columns), parts](
        *batch.events.by_unit, batch.events.bags, batch.samples, grad_current, stride, sums,
        len(batch), batch.nb_steps, width, lanes, columns,
    )  # fmt: skip
    return sums.sum(0)


def _lanes(most: int) -> int:
    """An interpreted program costs the same for one lane as for many."""
    return min(1024, triton.next_power_of_2(most)) if INTERPRETED else LANES


def _columns(width: int) -> int:
    return min(SEPARATE, triton.next_power_of_2(width))
