"""Penalties on hidden spikes, by name (thesis, equation 16; SpyTorch, tutorials 3 and 5)."""

from collections.abc import Callable

from torch import Tensor


def total(spikes: Tensor) -> Tensor:
    """Sum over batch, steps and units: the thesis's."""
    return spikes.sum()


def total_and_square(spikes: Tensor) -> Tensor:
    """`total`, plus the mean over units of the squared spike count over batch and steps."""
    return spikes.sum() + spikes.sum(dim=(0, 1)).square().mean()


def mean_count(spikes: Tensor) -> Tensor:
    """Mean over batch and units of the spike count over steps."""
    return spikes.sum(dim=1).mean()


REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"sum": total, "sum_l2": total_and_square, "mean": mean_count}


def check_reduction(reduction: str) -> None:
    """Raise a ValueError if no reduction has that name."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}; it is {reduction!r}")


def spike_penalty(spikes: Tensor, strength: float, reduction: str) -> Tensor:
    """`strength` times the penalty of hidden spikes (B, T, H); reduction: sum, sum_l2 or mean. A scalar.

    Raises:
        ValueError: no reduction has that name.
    """
    check_reduction(reduction)
    return strength * REDUCTIONS[reduction](spikes)
