"""Events to input currents of all steps at once, and the gradient of their weights."""

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels.gpu.launch import INTERPRETED, SEPARATE

EVENTS = 16  # rows under way at once
PROGRAMS = 2048  # among which the events are shared, at least; few units have many events each


def project(events: EventBatch, w1: Tensor) -> Tensor:
    """Currents (B, T, H): of each sample and step, the sum over its events of count w1[unit].

    PyTorch's own: one launch, each sum in the order of the events.
    """
    units, counts, offsets = events.bags()
    currents = functional.embedding_bag(
        units, w1, offsets, mode="sum", per_sample_weights=counts, include_last_offset=True
    )
    return currents.view(len(events), events.nb_steps, -1)


@triton.jit
def sum_rows(
    rows, stride, row, count, starts, sums, width,
    EVENTS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """sums[p, n] = sum of count[e] rows[row[e]] over part p of the events of unit n, starts[n] to starts[n + 1]."""
    unit, part = tl.program_id(0), tl.program_id(2)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    valid_columns = columns < width
    first, last = tl.load(starts + unit), tl.load(starts + unit + 1)
    size = tl.cdiv(last - first, tl.num_programs(2))
    begin = first + part * size
    end = tl.minimum(begin + size, last)
    total = tl.zeros((EVENTS, COLUMNS), tl.float32)
    for e in range(begin, end, EVENTS):
        event = e + tl.arange(0, EVENTS)[:, None]
        at = tl.load(row + event, mask=event < end, other=0).to(tl.int64)
        times = tl.load(count + event, mask=event < end, other=0.0)
        total += times * tl.load(rows + at * stride + columns, mask=(event < end) & valid_columns, other=0.0)
    out = sums + (part * tl.num_programs(0) + unit) * width
    tl.store(out + columns, tl.sum(total, axis=0)[None, :], mask=valid_columns)


def weight_gradient(events: EventBatch, grad_current: Tensor, nb_inputs: int) -> Tensor:
    """Gradient of w1 (N, H): for each unit, the sum over its events of count grad_current[sample, step].

    The events are sorted by unit, in their own order within one: sums without atomic operations, always the same bits.

    Args:
        grad_current: (B, T, H), a view into rows of T + 1 frames a sample.
    """
    sample_stride, stride, _ = grad_current.stride()
    width = grad_current.shape[2]
    assert sample_stride == (events.nb_steps + 1) * stride
    units, counts, offsets = events.bags()
    unit, order = torch.sort(units, stable=True)
    starts = torch.searchsorted(unit, torch.arange(nb_inputs + 1, dtype=unit.dtype, device=unit.device))
    bag = torch.repeat_interleave(offsets.diff(), output_size=len(unit))[order]
    row = bag + bag // events.nb_steps  # each sample has one frame more than steps
    count = counts[order]
    parts = 1 if INTERPRETED else triton.cdiv(PROGRAMS, nb_inputs)
    columns = min(SEPARATE, triton.next_power_of_2(width))
    sums = grad_current.new_empty(parts, nb_inputs, width)
    sum_rows[nb_inputs, triton.cdiv(width, columns), parts](
        grad_current, stride, row, count, starts, sums, width, EVENTS, columns
    )
    return sums.sum(0)
