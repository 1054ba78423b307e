"""The arrays that the compiled code works on: rows padded to whole vectors, each on its own cache lines."""

from math import lcm, prod

import numpy as np
import torch
from torch import Tensor

from snn_tune.snn.kernels.cpu.encoder import Encoder
from snn_tune.snn.kernels.cpu.network import Block, Weights
from snn_tune.snn.kernels.cpu.readout import Peaks
from snn_tune.snn.kernels.cpu.sparse import ByUnit, Floats, Trains
from snn_tune.snn.kernels.cpu.units import Units
from snn_tune.snn.kernels.cpu.vector import LANES

CACHED = 1 << 20  # bytes of weights for the way back that stay in L2, beside a block's rows
ROOM = 1 << 24  # bytes of rows that a block may take
LINE = 16  # floats


def aligned(*shape: int) -> Floats:
    """Zeros that start on a cache line: a vector that straddles two costs two reads."""
    size = prod(shape)
    room = np.zeros(size + LINE, np.float32)
    start = -room.ctypes.data // room.itemsize % LINE
    return room[start : start + size].reshape(shape)


def samples_of_block(back: Floats, steps: int) -> int:
    """A multiple of dense.ROWS: few, so that the rows of a block stay in L2; more where the weights do not anyway.

    A step of SHD takes with 200 hidden units 38.7 ms in blocks of 4 or 8, 42.5 of 16; with 800 it takes 730 ms in
    blocks of 4, 540 of 16, 470 of 32.
    """
    return 4 if back.nbytes <= CACHED else min(32, max(1, ROOM // (16 * steps * back.shape[1])) * 4)


def padded(width: int) -> int:
    """`width`, or the next multiple of a vector."""
    return -(-width // LANES) * LANES


def matrix(values: Tensor, *, in_front: bool = False) -> Floats:
    """A copy with its columns padded by zeros, behind them or in front."""
    rows, width = values.shape
    copy = aligned(rows, padded(width))
    copy[:, slice(-width, None) if in_front else slice(width)] = values.detach().numpy()
    return copy


def units(
    width: int, alpha: float | Tensor, beta: float | Tensor, gain: float | Tensor, reset: str, scale: float
) -> Units:
    """The constants of `width` units, each a float or a tensor of one value for each unit."""

    def each(value: float | Tensor) -> Floats:
        values = aligned(padded(width))
        values[:width] = value.detach().numpy() if isinstance(value, Tensor) else value
        return values

    return Units(each(alpha), each(beta), each(gain), np.float32(reset == "subtract"), np.float32(scale))


def readout_units(alpha: float, beta: float, gain: float, classes: int) -> Units:
    """The constants of the readout, for its padding as well, whose weights are zero."""
    return units(padded(classes), alpha, beta, gain, "zero", 1.0)


def network_weights(
    w1: Tensor, v: Tensor | None, w2: Tensor, reach: np.float32, hidden: Units, readout: Units
) -> Weights:
    back = w2.detach().T if v is None else torch.cat([w2.detach().T, v.detach().T])
    recurrent = matrix(w1.new_zeros(0, w1.shape[1]) if v is None else v)
    return Weights(matrix(w1), recurrent, matrix(w2, in_front=True), matrix(back), reach, hidden, readout)


def trains(nb_events: int, nb_bags: int) -> Trains:
    """Room for spike trains; a spike counts once."""
    return Trains(np.empty(nb_events, np.int32), np.ones(nb_events, np.float32), np.zeros(nb_bags + 1, np.int32))


def network_block(samples: int, steps: int, nb_inputs: int, nb_hidden: int, nb_classes: int, nb_events: int) -> Block:
    """Room for a block of samples; `nb_events`: the most that a block takes in."""
    hidden, classes = padded(nb_hidden), padded(nb_classes)
    nb_spikes = samples * steps * hidden
    stride = hidden + classes
    if stride // LINE % 2 == 0:
        stride += LINE  # an odd number of lines: the same columns of all steps then spread over all of the cache
    return Block(
        aligned(samples * (steps + 1), stride),
        aligned(samples, hidden),
        aligned(samples, hidden),
        aligned(samples, hidden),
        aligned(samples),
        aligned(samples),
        np.arange(samples) * steps,
        np.arange(samples) * steps,
        trains(nb_spikes, samples * steps),
        by_unit(nb_events, nb_inputs),
        by_unit(nb_spikes, nb_hidden),
        Peaks(aligned(samples, classes), aligned(samples, classes), aligned(samples, classes)),
        aligned(nb_hidden, classes),
        aligned(hidden),
    )


def by_unit(nb_events: int, nb_units: int) -> ByUnit:
    """Room for events in the order of their units."""
    pair = np.empty(nb_events + 1, np.uint64)  # one more, for a view that starts at the second half of the first
    row, counts = pair.view(np.int32), pair.view(np.float32)[1:]
    return ByUnit(pair, row, counts, np.zeros(nb_units, np.int32), np.zeros(nb_units + 1, np.int32))


def encoder(
    gain: Tensor, bias: Tensor, beta: float, scale: float, w1: Tensor, samples: int, steps: int, channels: int
) -> Encoder:
    """The encoder's parameters and its room for a block of samples."""
    nb_units = padded(len(gain))
    return Encoder(
        matrix(gain[None])[0],
        matrix(bias[None])[0],
        np.float32(beta),
        np.float32(scale),
        matrix(w1.detach().T),
        aligned(samples * steps, nb_units),
        aligned(samples * (steps + 1), nb_units),
        aligned(steps, lcm(channels, LANES)),
        trains(samples * steps * nb_units, samples * steps),
    )
