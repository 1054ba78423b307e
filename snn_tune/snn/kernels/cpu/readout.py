"""The leaky readout, its maximum over time, the loss, and the way back; sixteen classes at a time.

Classes are padded in front, so that the last of them and the first hidden unit are neighbours in a block's rows.
"""

from math import exp, log, log1p
from typing import Any, NamedTuple

import numpy as np

from snn_tune.compiled import inlined
from snn_tune.snn.kernels.cpu.sparse import Floats, Trains, sum_rows
from snn_tune.snn.kernels.cpu.units import Units
from snn_tune.snn.kernels.cpu.vector import LANES, fma, item, load, splat, store, where_above, where_equal, zeros


class Peaks(NamedTuple):
    """Of each sample and class: the maximum over time, the first frame that has it, and the loss's gradient there."""

    value: Floats
    frame: Floats
    grad: Floats


@inlined
def integrate(units: Units, w2: Any, spikes: Trains, first_bag: int, steps: int, peaks: Peaks, at: int) -> None:
    """Peaks of one sample. A state that is not finite at the end makes its peak NaN.

    out(t+1) = beta out(t) + gain flt(t)                   out(0) = flt(0) = 0
    flt(t+1) = alpha flt(t) + s(t) w2
    """
    for o in range(0, w2.shape[1], LANES):
        out = flt = value = frame = zeros(LANES)
        alpha, beta, gain = load(units.alpha, o, out), load(units.beta, o, out), load(units.gain, o, out)
        for t in range(steps):
            out = fma(beta, out, gain * flt)
            start, stop = item(spikes.bags, first_bag + t), item(spikes.bags, first_bag + t + 1)
            flt = sum_rows(alpha * flt, w2, w2.shape[1], spikes.unit, spikes.counts, 1, start, stop, o)
            frame = where_above(out, value, splat(np.float32(t + 1), out), frame)
            value = where_above(out, value, out, value)
        store(peaks.value, at + o, value + ((out - out) + (flt - flt)))
        store(peaks.frame, at + o, frame)


@inlined
def nll(logits: Any, grad: Any, label: int, weight: float) -> float:
    """-log_softmax(logits)[label] of one sample; leaves `weight` times its gradient in `grad`.

    The classes but the label are summed apart: what a network has left to learn is the small difference from 1.
    """
    top = logits[label]
    for o in range(len(logits)):
        top = max(top, logits[o])
    others = 0.0
    for o in range(len(logits)):
        others += exp(logits[o] - top) if o != label else 0.0
    total = others + exp(logits[label] - top)
    for o in range(len(logits)):
        grad[o] = np.float32(weight * (exp(logits[o] - top) if o != label else -others) / total)
    return log1p(others) if logits[label] == top else log(total) + top - logits[label]


@inlined
def integrate_back(units: Units, peaks: Peaks, at: int, steps: int, rows: Any, first: int, stride: int) -> None:
    """Gradient of flt(t), the filtered spikes, at rows[first + t stride:] for t from 1 to steps.

    d flt(t) = alpha d flt(t+1) + gain d out(t+1)
    d out(t) = beta d out(t+1) + (d logit at the frame of its peak)

    So the readout's (B, T, O) gradient is a recurrence of two numbers with one kick, and is never stored.
    """
    for o in range(0, len(units.alpha), LANES):
        zero = zeros(LANES)
        alpha, beta, gain = load(units.alpha, o, zero), load(units.beta, o, zero), load(units.gain, o, zero)
        frame, grad = load(peaks.frame, at + o, zero), load(peaks.grad, at + o, zero)
        out = flt = zero
        for t in range(steps, 0, -1):
            flt = fma(alpha, flt, gain * out)
            kick = where_equal(frame, splat(np.float32(t), zero), grad, zero)
            out = fma(beta, out, kick)
            store(rows, first + t * stride + o, flt)
