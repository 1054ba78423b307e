"""The readout: leaky integrators, one for each class, whose maximum over time is the logit."""

from torch import Tensor

from snn_tune.snn.arguments import check
from snn_tune.snn.kernels import reference


def leaky_readout(
    current: Tensor, *, alpha: float | Tensor, beta: float | Tensor, input_gain: float | Tensor = 1.0
) -> Tensor:
    """Membranes of the readout units, without threshold or reset (equations: `kernels/reference.py`).

    Args:
        current: spikes times readout weights, (B, T, O): batch, time steps, classes; floats.
        alpha, beta: decays of synapse and membrane in one step; a float or (O,).
        input_gain: factor of the filtered current in the membrane.

    Returns:
        (B, T + 1, O), frame 0 all zero.

    Raises:
        ValueError: a shape, a type or a device is impossible; it names the argument.
    """
    check(current, "classes", alpha=alpha, beta=beta, input_gain=input_gain)
    return reference.leaky_readout(current, alpha=alpha, beta=beta, input_gain=input_gain)


def max_over_time(frames: Tensor) -> Tensor:
    """Logits, (B, O), of readout frames (B, T + 1, O). On a tie the gradient goes to the first of the frames."""
    return frames.max(dim=1).values
