"""An independent program for the model's formulas: NumPy, float64, the backward pass derived by hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass
class Case:
    """A network and a batch: x (B, T, N) spike counts, y (B,), weights, and settings."""

    x: Floats
    y: NDArray[np.int64]
    w1: Floats
    v: Floats | None
    w2: Floats
    alpha: float
    beta: float
    scale: float
    gain: float
    strength: float
    reset: str
    reduction: str

    @property
    def current(self) -> Floats:
        return self.x @ self.w1


def draw(rng: np.random.Generator, *, batch: int, steps: int, inputs: int, hidden: int, classes: int, recurrent: bool,
         reset: str = "zero", reduction: str = "sum", scale: float = 30.0, rate: float = 0.2,
         gain_is_beta: bool = False, weight: float = 2.0) -> Case:  # fmt: skip
    """A random case whose membranes keep clear of the threshold, so that rounding cannot flip a spike."""
    beta = float(rng.uniform(0.7, 0.98))
    for _ in range(200):
        case = Case(
            x=rng.poisson(rate, (batch, steps, inputs)).astype(float),
            y=rng.integers(0, classes, batch),
            w1=rng.normal(0, weight / np.sqrt(inputs), (inputs, hidden)),
            v=rng.normal(0, 0.5 / np.sqrt(hidden), (hidden, hidden)) if recurrent else None,
            w2=rng.normal(0, 1 / np.sqrt(hidden), (hidden, classes)),
            alpha=float(rng.uniform(0.5, 0.95)), beta=beta, scale=scale,
            gain=1 - beta if gain_is_beta else 1.0, strength=0.01, reset=reset, reduction=reduction,
        )  # fmt: skip
        if np.abs(membranes(case)[1] - 1.0).min() > 2e-5:
            return case
    raise AssertionError("no case keeps clear of the threshold")


def membranes(case: Case) -> tuple[Floats, Floats]:
    """Spikes and membranes, (B, T, H)."""
    current = case.current
    syn, mem, before = (np.zeros_like(current[:, 0]) for _ in range(3))
    spikes, membrane = np.zeros_like(current), np.zeros_like(current)
    for t in range(current.shape[1]):
        s = (mem > 1.0).astype(float)
        spikes[:, t], membrane[:, t] = s, mem
        leaked = case.beta * mem + case.gain * syn
        mem = leaked * (1 - s) if case.reset == "zero" else leaked - s
        syn = case.alpha * syn + current[:, t] + (0.0 if case.v is None else before @ case.v)
        before = s
    return spikes, membrane


def readout(case: Case, spikes: Floats) -> Floats:
    """Readout frames, (B, T + 1, O)."""
    batch, steps, _ = spikes.shape
    frames = np.zeros((batch, steps + 1, case.w2.shape[1]))
    flt = np.zeros((batch, case.w2.shape[1]))
    for t in range(steps):
        frames[:, t + 1] = case.beta * frames[:, t] + case.gain * flt
        flt = case.alpha * flt + spikes[:, t] @ case.w2
    return frames


def penalty(case: Case, spikes: Floats) -> tuple[float, Floats]:
    """Regulariser, and its gradient to the spikes."""
    batch, _, hidden = spikes.shape
    r = case.strength
    if case.reduction == "mean":
        return r * spikes.sum(1).mean(), np.full_like(spikes, r / (batch * hidden))
    loss, grad = r * spikes.sum(), np.full_like(spikes, r)
    if case.reduction == "sum_l2":
        counts = spikes.sum((0, 1))
        loss, grad = loss + r * (counts**2).mean(), grad + 2 * r * counts / hidden
    return loss, grad


def gradients(case: Case) -> dict[str, Floats | float]:
    """Loss, and the gradients of the weights and the input current by the adjoint equations.

    With lm(t) = dL/dmem(t), ls(t) = dL/dsyn(t), R(t) = 1 - s(t) (reset to zero) or 1:

        dL/ds(t) = from readout and penalty + ls(t+2) v'
        lm(t) = beta R(t) lm(t+1) + surrogate(mem(t)) dL/ds(t)
        ls(t) = alpha ls(t+1) + gain R(t) lm(t+1)
    """
    spikes, membrane = membranes(case)
    frames = readout(case, spikes)
    batch, steps, _ = spikes.shape
    logits, peak = frames.max(1), frames.argmax(1)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(batch)
    nll = -np.log(p[rows, case.y]).mean()
    kick = p / batch
    kick[rows, case.y] -= 1 / batch
    regularizer, grad_spikes = penalty(case, spikes)

    grad_h = np.zeros((batch, steps, case.w2.shape[1]))
    lo, lf = np.zeros_like(kick), np.zeros_like(kick)
    for k in range(steps, -1, -1):  # lo, lf stand at frame k + 1 and move to frame k
        if k < steps:
            grad_h[:, k] = lf
        lo, lf = kick * (peak == k) + case.beta * lo, case.gain * lo + case.alpha * lf

    grad_spikes = grad_spikes + grad_h @ case.w2.T
    grad_current = np.zeros_like(spikes)
    grad_v = None if case.v is None else np.zeros_like(case.v)
    lm, ls, ls_after = (np.zeros_like(spikes[:, 0]) for _ in range(3))
    for t in range(steps - 1, -1, -1):  # lm, ls stand at t + 1, ls_after at t + 2
        grad_current[:, t] = ls
        if case.v is not None:
            if t > 0:
                grad_v += spikes[:, t - 1].T @ ls
            grad_spikes[:, t] += ls_after @ case.v.T
        keep = 1 - spikes[:, t] if case.reset == "zero" else 1.0
        surrogate = 1 / (case.scale * np.abs(membrane[:, t] - 1) + 1) ** 2
        ls_after = ls
        lm, ls = (
            case.beta * keep * lm + surrogate * grad_spikes[:, t],
            case.alpha * ls + case.gain * keep * lm,
        )
    return {
        "spikes": spikes, "membrane": membrane, "readout": frames, "logits": logits, "nll": nll,
        "regularizer_loss": regularizer, "loss": nll + regularizer, "grad_current": grad_current,
        "grad_w1": np.einsum("btn,bth->nh", case.x, grad_current), "grad_v": grad_v,
        "grad_w2": np.einsum("bth,bto->ho", spikes, grad_h),
    }  # fmt: skip
