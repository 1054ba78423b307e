"""The leaky readout, its maximum over time, and the way back."""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from snn_tune.snn.kernels.cpu import Model
from snn_tune.snn.kernels.gpu.launch import blocks, full_float32
from snn_tune.snn.kernels.gpu.units import own_units


class Peaks(NamedTuple):
    """Of each sample and class: the maximum over time, and the first frame that has it; (B, O)."""

    value: Tensor
    frame: Tensor


@triton.jit(do_not_specialize=["nb_samples", "nb_steps"])
def integrate(
    current, value, frame, alpha, beta, gain, nb_samples, nb_steps,
    nb_classes, SAMPLES: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Peaks of currents (B, T + 1, O) whose frame t + 1 holds s(t) w2. A last state that is not finite makes them NaN.

    out(t+1) = beta out(t) + gain flt(t)                   out(0) = flt(0) = 0
    flt(t+1) = alpha flt(t) + s(t) w2
    """
    samples, classes, valid_samples, valid_classes = own_units(nb_samples, nb_classes, SAMPLES, CLASSES)
    valid = valid_samples & valid_classes
    out = tl.zeros((SAMPLES, CLASSES), tl.float32)
    flt = tl.zeros((SAMPLES, CLASSES), tl.float32)
    top = tl.zeros((SAMPLES, CLASSES), tl.float32)
    top_frame = tl.zeros((SAMPLES, CLASSES), tl.int32)
    at = samples * (nb_steps + 1) * nb_classes + classes
    for t in tl.range(1, nb_steps + 1, loop_unroll_factor=4):  # nothing is stored: four loads are under way at once
        out = beta * out + gain * flt
        flt = alpha * flt + tl.load(current + at + t * nb_classes, mask=valid, other=0.0)
        top_frame = tl.where(out > top, t, top_frame)
        top = tl.where(out > top, out, top)
    tl.store(value + samples * nb_classes + classes, top + ((out - out) + (flt - flt)), mask=valid)
    tl.store(frame + samples * nb_classes + classes, top_frame, mask=valid)


@triton.jit(do_not_specialize=["nb_samples", "nb_steps"])
def integrate_back(
    frame, grad, rows, stride, alpha, beta, gain, nb_samples, nb_steps,
    nb_classes, SAMPLES: tl.constexpr, CLASSES: tl.constexpr,
):  # fmt: skip
    """Gradient of flt(t), the filtered spikes, into the first columns of frame t of `rows` (B, T + 1, stride).

    d flt(t) = alpha d flt(t+1) + gain d out(t+1)
    d out(t) = beta d out(t+1) + (d logit at the frame of its peak)

    So the gradient of the readout's frames is a recurrence of two numbers with one kick, and is never stored.
    """
    samples, classes, valid_samples, valid_classes = own_units(nb_samples, nb_classes, SAMPLES, CLASSES)
    valid = valid_samples & valid_classes
    peak = tl.load(frame + samples * nb_classes + classes, mask=valid, other=0)
    kick = tl.load(grad + samples * nb_classes + classes, mask=valid, other=0.0)
    out = tl.zeros((SAMPLES, CLASSES), tl.float32)
    flt = tl.zeros((SAMPLES, CLASSES), tl.float32)
    at = samples * (nb_steps + 1) * stride + classes
    for i in range(nb_steps):
        t = nb_steps - i
        flt = alpha * flt + gain * out
        out = beta * out + tl.where(peak == t, kick, 0.0)
        tl.store(rows + at + t * stride, flt, mask=valid)
    tl.store(rows + at, tl.zeros((SAMPLES, CLASSES), tl.float32), mask=valid)  # no spike comes before frame 0


def peaks(spikes: Tensor, w2: Tensor, model: Model) -> Peaks:
    """Peaks of spikes (B, T + 1, H), frame 0 zero, through the weights (H, O)."""
    nb_samples, nb_frames, _ = spikes.shape
    nb_classes = w2.shape[1]
    with full_float32():
        current = spikes @ w2
    value = current.new_empty(nb_samples, nb_classes)
    found = Peaks(value, torch.empty_like(value, dtype=torch.int32))
    block = blocks(nb_samples, nb_classes, w2.device, together=False)
    integrate[block.grid(nb_samples, nb_classes)](
        current, *found, model.alpha, model.beta, model.input_gain,
        nb_samples, nb_frames - 1, nb_classes, block.samples, block.units, num_warps=1,
    )  # fmt: skip
    return found


def peaks_back(frame: Tensor, grad: Tensor, rows: Tensor, model: Model) -> None:
    """Fill the first O columns of `rows` (B, T + 1, columns) from the gradient of the peaks, (B, O)."""
    nb_samples, nb_classes = grad.shape
    block = blocks(nb_samples, nb_classes, grad.device, together=False)
    integrate_back[block.grid(nb_samples, nb_classes)](
        frame, grad, rows, rows.shape[2], model.alpha, model.beta, model.input_gain,
        nb_samples, rows.shape[1] - 1, nb_classes, block.samples, block.units, num_warps=1,
    )  # fmt: skip
