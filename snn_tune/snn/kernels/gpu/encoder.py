"""The encoder: analog channels to spikes through all steps in one launch, and its gradients in another."""

from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from snn_tune.snn.kernels.gpu.launch import blocks
from snn_tune.snn.kernels.gpu.units import own_units


class Encoded(NamedTuple):
    """Spikes and membranes (B, T, E); `drift` (B, E) is NaN where a unit's last state is not finite, else 0."""

    spikes: Tensor
    membrane: Tensor
    drift: Tensor


@triton.jit(do_not_specialize=["nb_samples", "nb_steps"])
def forward(
    analog, gain, bias, spikes, membrane, drift, beta, rest,
    nb_samples, nb_steps, nb_units, nb_channels, SAMPLES: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """enc(t+1) = (beta enc(t) + rest gain (x(t) + bias)) (1 - s(t)),   s(t) = 1 if enc(t) > 1 else 0

    rest = 1 - beta; unit u reads channel u % channels.
    """
    samples, units, valid_samples, valid_units = own_units(nb_samples, nb_units, SAMPLES, UNITS)
    valid = valid_samples & valid_units
    g = tl.load(gain + units, mask=valid_units, other=0.0)
    b = tl.load(bias + units, mask=valid_units, other=0.0)
    enc = tl.zeros((SAMPLES, UNITS), tl.float32)
    for t in range(nb_steps):
        step = samples * nb_steps + t
        x = tl.load(analog + step * nb_channels + units % nb_channels, mask=valid, other=0.0)
        fired = tl.where(enc > 1.0, 1.0, 0.0)
        tl.store(spikes + step * nb_units + units, fired, mask=valid)
        tl.store(membrane + step * nb_units + units, enc, mask=valid)
        enc = (beta * enc + rest * (g * (x + b))) * (1.0 - fired)
    tl.store(drift + samples * nb_units + units, enc - enc, mask=valid)


@triton.jit(do_not_specialize=["nb_samples", "nb_steps"])
def backward(
    analog, gain, bias, membrane, grad_spikes, grad_gain, grad_bias,
    beta, rest, scale, nb_samples, nb_steps, nb_units, nb_channels,
    SAMPLES: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """Each sample's part of the gradients of gain and bias, (B, E).

    d enc(t) = beta kept d enc(t+1) + d s(t) / (scale |enc(t) - 1| + 1)^2        kept = 1 - s(t)
    d gain   = sum rest kept d enc(t+1) (x(t) + bias),   d bias = sum rest kept d enc(t+1) gain
    """
    samples, units, valid_samples, valid_units = own_units(nb_samples, nb_units, SAMPLES, UNITS)
    valid = valid_samples & valid_units
    g = tl.load(gain + units, mask=valid_units, other=0.0)
    b = tl.load(bias + units, mask=valid_units, other=0.0)
    grad = tl.zeros((SAMPLES, UNITS), tl.float32)
    gain_sum = tl.zeros((SAMPLES, UNITS), tl.float32)
    bias_sum = tl.zeros((SAMPLES, UNITS), tl.float32)
    for i in tl.range(nb_steps, loop_unroll_factor=4):  # nothing is stored: four steps' loads are under way at once
        step = samples * nb_steps + (nb_steps - 1 - i)
        x = tl.load(analog + step * nb_channels + units % nb_channels, mask=valid, other=0.0)
        enc = tl.load(membrane + step * nb_units + units, mask=valid, other=0.0)
        arriving = tl.load(grad_spikes + step * nb_units + units, mask=valid, other=0.0)
        kept = tl.where(enc > 1.0, 0.0, grad)
        gain_sum += kept * (x + b)
        bias_sum += kept
        slope = scale * tl.abs(enc - 1.0) + 1.0
        grad = beta * kept + arriving / (slope * slope)
    tl.store(grad_gain + samples * nb_units + units, rest * gain_sum, mask=valid)
    tl.store(grad_bias + samples * nb_units + units, rest * bias_sum * g, mask=valid)


def encode(analog: Tensor, gain: Tensor, bias: Tensor, beta: float) -> Encoded:
    """Spikes of analog input (B, T, channels)."""
    (nb_samples, nb_steps, nb_channels), nb_units = analog.shape, len(gain)
    spikes, membrane = analog.new_empty(2, nb_samples, nb_steps, nb_units)
    found = Encoded(spikes, membrane, analog.new_empty(nb_samples, nb_units))
    block = blocks(nb_samples, nb_units, analog.device, together=False)
    forward[block.grid(nb_samples, nb_units)](
        analog, gain, bias, *found, beta, 1.0 - beta,
        nb_samples, nb_steps, nb_units, nb_channels, block.samples, block.units,
    )  # fmt: skip
    return found


def encode_back(
    analog: Tensor, gain: Tensor, bias: Tensor, beta: float, scale: float, membrane: Tensor, grad_spikes: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of gain and bias, (E,) each, from that of the spikes, (B, T, E)."""
    nb_samples, nb_steps, nb_units = membrane.shape
    grads = membrane.new_empty(2, nb_samples, nb_units)
    block = blocks(nb_samples, nb_units, analog.device, together=False)
    backward[block.grid(nb_samples, nb_units)](
        analog, gain, bias, membrane, grad_spikes, *grads, beta, 1.0 - beta, scale,
        nb_samples, nb_steps, nb_units, analog.shape[2], block.samples, block.units,
    )  # fmt: skip
    grad_gain, grad_bias = grads.sum(1)
    return grad_gain, grad_bias
