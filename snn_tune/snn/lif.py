"""The spiking layer: current-based leaky integrate-and-fire units, feed-forward or recurrent."""

from typing import Literal

from torch import Tensor

from snn_tune.snn import kernels
from snn_tune.snn.arguments import check

Reset = Literal["zero", "subtract"]


def cuba_lif(
    current: Tensor,
    v: Tensor | None = None,
    *,
    alpha: float | Tensor,
    beta: float | Tensor,
    scale: float,
    reset: Reset = "zero",
    input_gain: float | Tensor = 1.0,
    kernel: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Spikes and membranes of a layer of current-based LIF units (equations: `kernels/reference.py`).

    Args:
        current: feed-forward input, (B, T, H): batch, time steps, units; floats. Tensors are of its type and device.
        v: recurrent weights, (H, H), `v[j, i]` from unit j to unit i; None for a feed-forward layer.
        alpha: decay of the synaptic current in one step, `exp(-dt / tau_syn)`; a float or (H,).
        beta: decay of the membrane in one step, `exp(-dt / tau_mem)`; a float or (H,).
        scale: slope of the surrogate gradient, a float above 0.
        reset: "zero" sets a unit to rest after a spike, "subtract" takes the threshold off; both detached.
        input_gain: factor of the synaptic current in the membrane; a float or (H,).
        kernel: how it is computed; see `snn_tune.snn.kernels`.

    Returns:
        spikes (0 or 1) and membrane, (B, T, H); the membrane as it stood when the spike was decided.

    Raises:
        ValueError: a shape, a type, a device, the reset or the scale is impossible; it names the argument.
        UserError: no kernel has that name.
    """
    check(current, "units", v, alpha=alpha, beta=beta, input_gain=input_gain)
    kernels.check_units(reset, scale)
    chosen = kernels.load(kernels.choose(kernel, current, v, alpha, beta, input_gain))
    return chosen.cuba_lif(current, v, alpha=alpha, beta=beta, scale=scale, reset=reset, input_gain=input_gain)
