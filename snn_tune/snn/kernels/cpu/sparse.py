"""Sums of matrix rows picked by events: every product of the network but one has this form.

An event names a row and how often it counts. Forward, events are spikes and rows are weights; backward, events of one
unit name the steps at which it fired, and rows are gradients at those steps.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn_tune.compiled import inlined
from snn_tune.snn.kernels.cpu.vector import LANES, WIDE, fma, item, load, splat, store, zeros

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Counts = NDArray[np.int64]


class Trains(NamedTuple):
    """Spike trains as events: those of bag i, a sample's step, are at `bags[i]:bags[i + 1]`.

    Those of a data set are read where they lie, as narrow as they are: a batch is a choice of bags.
    """

    unit: NDArray[Any]
    counts: NDArray[Any]
    bags: NDArray[Any]


class ByUnit(NamedTuple):
    """The same events in the order of their units; `last[u]` is where those of unit u end.

    Row and count lie side by side, so that placing an event is one write: 2.8 -> 1.6 ms to sort the input of SHD.
    """

    pair: NDArray[np.uint64]
    row: Ints  # the lower halves of the pairs, at 0, 2, 4 ...
    counts: Floats  # the upper
    last: Ints
    active: Ints  # the units that have any


@inlined
def sum_rows(
    total: Any, matrix: Any, stride: int, rows: Any, counts: Any, apart: int, start: int, stop: int, column: int
) -> Any:
    """total + sum over events e of counts[e] matrix[rows[e]], for as many columns as `total` has lanes.

    The total stays in registers over all events: 17 -> 7.5 ms for the input of SHD. Events are `apart` elements apart.
    """
    for e in range(start * apart, stop * apart, apart):
        times = splat(np.float32(item(counts, e)), total)
        total = fma(times, load(matrix, np.int64(item(rows, e)) * stride + column, total), total)
    return total


@inlined
def wide_part(width: int) -> int:
    """How many of `width` columns are taken WIDE at a time; the rest goes by LANES."""
    return width // WIDE * WIDE


@inlined
def _bags_tile(
    zero: Any, matrix: Any, trains: Trains, first: int, last: int, out: Any, at: int, stride: int, c: int
) -> None:
    for bag in range(first, last):
        start, stop = item(trains.bags, bag), item(trains.bags, bag + 1)
        total = sum_rows(zero, matrix, matrix.shape[1], trains.unit, trains.counts, 1, start, stop, c)
        store(out, at + (bag - first) * stride + c, total)


@inlined
def sum_bags(matrix: Any, trains: Trains, first: int, last: int, out: Any, at: int, stride: int) -> None:
    """out[bag] = sum over its events of count matrix[unit], for bags first to last, rows of `out` from `at` on.

    All bags for 64 columns, then the next 64: a step's weights are still in L1 when the next step needs them, and
    coincidences are common. 11 -> 7.5 ms for the input of SHD.
    """
    wide = wide_part(matrix.shape[1])
    for c in range(0, wide, WIDE):
        _bags_tile(zeros(WIDE), matrix, trains, first, last, out, at, stride, c)
    for c in range(wide, matrix.shape[1], LANES):
        _bags_tile(zeros(LANES), matrix, trains, first, last, out, at, stride, c)


@inlined
def add_bag(matrix: Any, trains: Trains, bag: int, out: Any, at: int) -> None:
    """out[at:] += sum over the events of one bag of count matrix[unit]."""
    start, stop = item(trains.bags, bag), item(trains.bags, bag + 1)
    if start == stop:
        return
    width = matrix.shape[1]
    wide = wide_part(width)
    for c in range(0, wide, WIDE):
        total = load(out, at + c, zeros(WIDE))
        store(out, at + c, sum_rows(total, matrix, width, trains.unit, trains.counts, 1, start, stop, c))
    for c in range(wide, width, LANES):
        total = load(out, at + c, zeros(LANES))
        store(out, at + c, sum_rows(total, matrix, width, trains.unit, trains.counts, 1, start, stop, c))


@inlined
def sort_by_unit(trains: Trains, first: Any, samples: int, steps: int, shift: int, order: ByUnit) -> int:
    """Counting sort of a block's events into `order`; returns how many units are active.

    An event of step t gets the row of step t + shift, in rows of which each sample has steps + 1.

    Args:
        first: the bag of each sample's first step.
    """
    last: Any = order.last
    last[:] = 0
    for m in range(samples):
        for e in range(item(trains.bags, first[m]), item(trains.bags, first[m] + steps)):
            last[np.uint64(item(trains.unit, e))] += 1
    total = nb_active = 0
    for unit in range(len(last)):
        count = last[unit]
        last[unit] = total  # where the unit starts, until its events are placed
        total += count
        order.active[nb_active] = unit
        nb_active += count > 0
    for bag in range(samples * steps):
        m, t = bag // steps, bag % steps
        row = np.uint64(bag + m + shift)
        for e in range(item(trains.bags, first[m] + t), item(trains.bags, first[m] + t + 1)):
            of = np.uint64(item(trains.unit, e))  # an index without sign needs no test for a negative one
            place = np.uint64(last[of])
            count = np.float32(item(trains.counts, e)).view(np.uint32)
            order.pair[place] = np.uint64(count) << np.uint64(32) | row
            last[of] = place + 1
    return nb_active


@inlined
def weigh(order: ByUnit, nb_active: int, factors: Any, start: int, rows_of_sample: int) -> None:
    """Multiply the counts of a block's events by the factors of their sample and unit; `start`: the first sample."""
    first = 0
    for i in range(nb_active):
        unit = order.active[i]
        last = order.last[unit]
        for e in range(first, last):
            order.counts[2 * e] *= factors[start + order.row[2 * e] // rows_of_sample, unit]
        first = last


@inlined
def _units_tile(zero: Any, rows: Any, column: int, order: ByUnit, nb_active: int, grad: Any, c: int) -> None:
    start = 0
    for i in range(nb_active):
        unit = item(order.active, i)
        stop = item(order.last, unit)
        at = unit * grad.shape[1] + c
        total = load(grad, at, zero)
        store(grad, at, sum_rows(total, rows, rows.shape[1], order.row, order.counts, 2, start, stop, column + c))
        start = stop


@inlined
def add_weight_gradient(rows: Any, column: int, order: ByUnit, nb_active: int, grad: Any) -> None:
    """grad[unit] += sum over its events of count rows[row], of the columns of `rows` from `column` on.

    Sorted by unit, a unit's sum is in registers and the 64 columns of the rows in reach of L1: 14 -> 9 ms for SHD.
    """
    wide = wide_part(grad.shape[1])
    for c in range(0, wide, WIDE):
        _units_tile(zeros(WIDE), rows, column, order, nb_active, grad, c)
    for c in range(wide, grad.shape[1], LANES):
        _units_tile(zeros(LANES), rows, column, order, nb_active, grad, c)
