"""Time-to-first-spike coding: the stronger an input, the earlier its only spike (thesis, equations 13 and 14)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def spike_time(x: ArrayLike, tau: float, threshold: float) -> NDArray[np.float64]:
    """When a leaky membrane that is driven by a constant `x` reaches the threshold: `tau ln(x / (x - threshold))`.

    Args:
        x: intensities in [0, 1], any shape.
        tau: membrane time constant, steps.
        threshold: intensity up to which there is no spike.

    Returns:
        Times in steps, of the shape of x; infinite where `x <= threshold`.
    """
    x = np.asarray(x, dtype=np.float64)
    times = np.full(x.shape, np.inf)
    fires = x > threshold
    times[fires] = tau * np.log(x[fires] / (x[fires] - threshold))
    return times


def spike_step(x: ArrayLike, tau: float, threshold: float, nb_steps: int) -> NDArray[np.int64]:
    """The step in which each input spikes, `nb_steps` where it does not within 0..nb_steps-1. Arguments as above."""
    return np.minimum(spike_time(x, tau, threshold), nb_steps).astype(np.int64)
