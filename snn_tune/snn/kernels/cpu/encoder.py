"""The encoder: analog channels to spikes, a block of samples at a time, and its gradients; sixteen units at a time."""

from typing import Any, NamedTuple

import numpy as np

from snn_tune.compiled import inlined
from snn_tune.snn.kernels.cpu.dense import product
from snn_tune.snn.kernels.cpu.sparse import Floats, Trains
from snn_tune.snn.kernels.cpu.units import ONE, list_spikes
from snn_tune.snn.kernels.cpu.vector import LANES, fma, lane_sum, load, magnitude, splat, store, where_above, zeros


class Encoder(NamedTuple):
    """Units padded to whole vectors; unit u reads channel `u % channels`, so `tiled` repeats after some vectors."""

    gain: Floats
    bias: Floats
    beta: np.float32
    scale: np.float32
    back: Floats  # w1 transposed, (hidden, units)
    mem: Floats  # a block's: (samples steps, units)
    grad_spikes: Floats  # (samples (steps + 1), units), as the block's rows
    tiled: Floats  # one sample's: (steps, a multiple of both channels and vectors)
    spikes: Trains


@inlined
def _tile_channels(tiled: Any, analog: Any) -> None:
    for t in range(len(analog)):
        for i in range(tiled.shape[1]):
            tiled[t, i] = analog[t, i % analog.shape[1]]


@inlined
def encode(encoder: Encoder, analog: Any, first: int, samples: int, steps: int, diverged: Any) -> None:
    """Membranes and spikes of samples `first` on; adds NaN to `diverged` where an input current is not finite.

    enc(t+1) = (beta enc(t) + (1 - beta) gain (x(t) + bias)) (1 - s(t))
    """
    units, period = encoder.mem.shape[1], encoder.tiled.shape[1]
    one, zero = splat(ONE, zeros(LANES)), zeros(LANES)
    beta, rest = splat(encoder.beta, one), splat(ONE - encoder.beta, one)
    end = 0
    for m in range(samples):
        _tile_channels(encoder.tiled, analog[first + m])
        for u in range(0, units, LANES):
            gain, bias = load(encoder.gain, u, one), load(encoder.bias, u, one)
            enc = finite = zero
            for t in range(steps):
                store(encoder.mem, (m * steps + t) * units + u, enc)
                current = gain * (load(encoder.tiled, t * period + u % period, one) + bias)
                enc = where_above(enc, one, zero, fma(beta, enc, rest * current))
                finite = finite + (current - current)
            diverged[m] += lane_sum(finite)
        for bag in range(m * steps, (m + 1) * steps):
            end = list_spikes(units, encoder.mem, bag * units, encoder.spikes.unit, end)
            encoder.spikes.bags[bag + 1] = end


@inlined
def encode_back(
    encoder: Encoder, analog: Any, first: int, samples: int, steps: int, rows: Any, column: int, grads: Any
) -> None:
    """Add the block's part to the gradients of gain and bias, the two rows of `grads`.

    d spikes  = d current of the hidden layer w1^T                       (its rows, from `column` on)
    d enc     = beta kept d enc' + d spikes / (scale |enc - 1| + 1)^2    kept = 1 where enc <= 1, else 0
    d gain    = sum (1 - beta) kept d enc' (x + bias),   d bias = sum (1 - beta) kept d enc' gain
    """
    stride, units, period = rows.shape[1], encoder.mem.shape[1], encoder.tiled.shape[1]
    one, zero = splat(ONE, zeros(LANES)), zeros(LANES)
    beta, rest, scale = splat(encoder.beta, one), splat(ONE - encoder.beta, one), splat(encoder.scale, one)
    none = np.zeros(units, np.float32)
    nb_rows = samples * (steps + 1)
    product(nb_rows, rows, column, stride, encoder.back, none, 0, 0, encoder.grad_spikes, 0, units)
    for m in range(samples):
        _tile_channels(encoder.tiled, analog[first + m])
        for u in range(0, units, LANES):
            bias = load(encoder.bias, u, one)
            grad = gain_sum = bias_sum = zero
            for t in range(steps - 1, -1, -1):
                enc = load(encoder.mem, (m * steps + t) * units + u, one)
                kept = where_above(enc, one, zero, grad)
                gain_sum = fma(kept, load(encoder.tiled, t * period + u % period, one) + bias, gain_sum)
                bias_sum = bias_sum + kept
                slope = fma(scale, magnitude(enc - one), one)
                arriving = load(encoder.grad_spikes, (m * (steps + 1) + t) * units + u, one)
                grad = fma(beta, kept, arriving / (slope * slope))
            store(grads, u, fma(rest, gain_sum, load(grads, u, one)))
            bias_sum = bias_sum * load(encoder.gain, u, one)
            store(grads, units + u, fma(rest, bias_sum, load(grads, units + u, one)))
