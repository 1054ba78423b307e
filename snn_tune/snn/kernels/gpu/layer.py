"""What launches the units; and `cuba_lif` on this kernel: a PyTorch function with a backward of its own."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn_tune.snn.kernels.gpu import units
from snn_tune.snn.kernels.gpu.launch import INTERPRETED, MAX_RECURRENT, blocks, each, full_float32

PRECISIONS = {"exact": torch.float32, "bf16": torch.bfloat16}  # what a matrix that each step reads is kept in


class Units(NamedTuple):
    """What the units of a layer compute; `alpha`, `beta` and `gain` of one value for each unit."""

    alpha: Tensor
    beta: Tensor
    gain: Tensor
    scale: float
    reset: str
    precision: str

    def kept(self, matrix: Tensor) -> Tensor:
        """A matrix as each step reads it. bf16 halves that; sums, states and all else are float32 in any case."""
        return matrix.to(PRECISIONS[self.precision]).contiguous()


class Trace(NamedTuple):
    """What a layer did.

    Attributes:
        spikes: (B, T + 1, H), frame 0 zero: frame t holds the spikes of step t - 1.
        membrane: (B, T, H), as it stood when the spikes were decided.
        drift: (B, H), NaN where a unit's last state is not finite, else 0.
    """

    spikes: Tensor
    membrane: Tensor
    drift: Tensor


def covers(current: Tensor, v: Tensor | None = None, *constants: float | Tensor) -> bool:
    """Whether this kernel computes it, and no gradient of alpha, beta or the gain is wanted.

    float32 on a GPU, or on the CPU where Triton interprets; recurrent layers of at most 1024 units. Tensors on "meta"
    stand for some on a GPU.
    """
    tensors = [tensor for tensor in (current, v) if tensor is not None]
    devices = "cpu" if INTERPRETED else "cuda", "meta"
    plain = all(tensor.dtype == torch.float32 and tensor.device.type in devices for tensor in tensors)
    fits = v is None or len(v) <= MAX_RECURRENT
    return plain and fits and not any(isinstance(constant, Tensor) and constant.requires_grad for constant in constants)


def cuba_lif(
    current: Tensor,
    v: Tensor | None,
    *,
    alpha: float | Tensor,
    beta: float | Tensor,
    scale: float,
    reset: str,
    input_gain: float | Tensor,
    precision: str = "exact",
) -> tuple[Tensor, Tensor]:
    """Current-based leaky integrate-and-fire units; arguments and equations as `reference.cuba_lif`.

    Args:
        precision: "exact", or "bf16" (see `snn_tune.snn.kernels.gpu`).

    Raises:
        ValueError: this kernel does not cover it.
    """
    check_precision(precision)
    if not covers(current, v, alpha, beta, input_gain):
        raise ValueError(
            f"the gpu kernel takes float32 tensors on a GPU, at most {MAX_RECURRENT} recurrent units, and gives no "
            f"gradient of alpha, beta or input_gain; current is {current.dtype} on {current.device}"
        )
    with torch.cuda.device_of(current):
        layer = units_of(current, alpha, beta, input_gain, scale, reset, precision)
        spikes, membrane = _CubaLIF.apply(current, v, layer)
    return spikes, membrane


def check_precision(precision: str) -> None:
    """Raise a ValueError, which names what there is, if this kernel has no such precision."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision of the gpu kernel must be {' or '.join(PRECISIONS)}; it is {precision!r}")


def units_of(
    like: Tensor,
    alpha: float | Tensor,
    beta: float | Tensor,
    gain: float | Tensor,
    scale: float,
    reset: str,
    precision: str = "exact",
) -> Units:
    """The constants of as many units as `like` has columns, each a float or a tensor of one value for each unit."""
    alpha, beta, gain = (each(value, like.shape[-1], like) for value in (alpha, beta, gain))
    return Units(alpha, beta, gain, float(scale), reset, precision)


def run(layer: Units, current: Tensor, v: Tensor | None, membrane: Tensor) -> Trace:
    """All steps in one launch; `membrane` (B, T, H) is filled, and may be `current` itself."""
    nb_samples, nb_steps, nb_units = current.shape
    spikes = current.new_empty(nb_samples, nb_steps + 1, nb_units)
    drift = current.new_empty(nb_samples, nb_units)
    block = blocks(nb_samples, nb_units, current.device, together=v is not None)
    units.forward[block.grid(nb_samples, nb_units)](
        current, current if v is None else layer.kept(v), *layer[:3], spikes, membrane, drift,
        nb_samples, nb_steps, nb_units, 0 if v is None else nb_units,
        layer.reset == "subtract", block.samples, block.units, block.tile, num_warps=block.warps,
    )  # fmt: skip
    return Trace(spikes, membrane, drift)


def run_back(
    layer: Units, membrane: Tensor, grad_spikes: Tensor, grad_membrane: Tensor, rows: Tensor, back: Tensor,
    *, recurrent: bool,
) -> None:  # fmt: skip
    """Fill the last H columns of `rows` (B, T + 1, columns), all steps in one launch.

    Args:
        grad_spikes, grad_membrane: (B, T, H), of any strides.
        back: what takes rows of a step to the spikes of the step before, (columns, H); without recurrence, the
            columns that are there already.
    """
    nb_samples, nb_steps, nb_units = membrane.shape
    block = blocks(nb_samples, nb_units, membrane.device, together=recurrent)
    back = layer.kept(back) if recurrent else back
    units.backward[block.grid(nb_samples, nb_units)](
        membrane, grad_spikes, *grad_spikes.stride(), grad_membrane, *grad_membrane.stride(),
        rows, rows.shape[2], rows.shape[2] - nb_units, back, len(back), *layer[:3], layer.scale,
        nb_samples, nb_steps, nb_units,
        layer.reset == "subtract", block.samples, block.units, block.tile, num_warps=block.warps,
    )  # fmt: skip


class _CubaLIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, v: Tensor | None, layer: Units) -> tuple[Tensor, Tensor]:
        trace = run(layer, current.contiguous(), v, torch.empty_like(current, memory_format=torch.contiguous_format))
        ctx.save_for_backward(trace.spikes, trace.membrane, v)
        ctx.layer = layer
        return trace.spikes[:, 1:], trace.membrane

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        spikes, membrane, v = ctx.saved_tensors
        rows = torch.empty_like(spikes)
        back = spikes.new_empty(0, spikes.shape[2]) if v is None else v.T.contiguous()
        run_back(ctx.layer, membrane, grads[0], grads[1], rows, back, recurrent=v is not None)
        return rows[:, :-1], None if v is None else weight_gradient(spikes, rows), None


def weight_gradient(spikes: Tensor, rows: Tensor) -> Tensor:
    """Sum over samples and frames of spikes(t)^T rows(t): one product, outside the loop over time."""
    with full_float32():
        return spikes.flatten(0, 1).T @ rows.flatten(0, 1)
