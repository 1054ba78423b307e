"""The spiking layer: current-based leaky integrate-and-fire units, feed-forward or recurrent."""

from typing import Literal

from torch import Tensor

from snn_tune.snn import kernels

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
        current: feed-forward input, (B, T, H): batch, time steps, units.
        v: recurrent weights, (H, H), `v[j, i]` from unit j to unit i; None for a feed-forward layer.
        alpha: decay of the synaptic current in one step, `exp(-dt / tau_syn)`; a float or (H,).
        beta: decay of the membrane in one step, `exp(-dt / tau_mem)`; a float or (H,).
        scale: slope of the surrogate gradient.
        reset: "zero" sets a unit to rest after a spike, "subtract" takes the threshold off; both detached.
        input_gain: factor of the synaptic current in the membrane; a float or (H,).
        kernel: how it is computed; see `snn_tune.snn.kernels`.

    Returns:
        spikes (0 or 1) and membrane, (B, T, H); the membrane as it stood when the spike was decided.

    Raises:
        ValueError: a shape, a type, the reset or the scale is impossible.
        UserError: no kernel has that name.
    """
    if current.ndim != 3 or 0 in current.shape:
        raise ValueError(f"current must be (batch, steps, units), none of them 0; it is {tuple(current.shape)}")
    nb_units = current.shape[2]
    if v is not None and v.shape != (nb_units, nb_units):
        raise ValueError(f"v must be ({nb_units}, {nb_units}), units by units of current; it is {tuple(v.shape)}")
    for name, tensor in {"v": v, "alpha": alpha, "beta": beta, "input_gain": input_gain}.items():
        if isinstance(tensor, Tensor) and tensor.dtype != current.dtype:
            raise ValueError(f"{name} must be {current.dtype} as current; it is {tensor.dtype}")
        if name != "v" and isinstance(tensor, Tensor) and tensor.shape not in ((), (nb_units,)):
            raise ValueError(
                f"{name} must be a number or ({nb_units},), one for each unit; it is {tuple(tensor.shape)}"
            )
    kernels.check_units(reset, scale)
    chosen = kernels.load(kernels.choose(kernel, current, v, alpha, beta, input_gain))
    return chosen.cuba_lif(current, v, alpha=alpha, beta=beta, scale=scale, reset=reset, input_gain=input_gain)
