"""The model a step at a time, in plain PyTorch: what every faster kernel must agree with."""

import torch
from torch import Tensor

from snn_tune.snn.surrogate import spike


def cuba_lif(
    current: Tensor,
    v: Tensor | None,
    *,
    alpha: float | Tensor,
    beta: float | Tensor,
    scale: float,
    reset: str,
    input_gain: float | Tensor,
) -> tuple[Tensor, Tensor]:
    """Current-based leaky integrate-and-fire units; arguments as `snn_tune.snn.cuba_lif`.

    From syn = mem = 0 and s(-1) = 0:

        s(t)     = 1 if mem(t) > 1 else 0
        mem(t+1) = (beta mem(t) + gain syn(t)) (1 - s(t))      reset = "zero"
                 =  beta mem(t) + gain syn(t) - s(t)           reset = "subtract"
        syn(t+1) = alpha syn(t) + current(t) + s(t-1) v

    The s of the reset passes no gradient.
    """
    syn = mem = before = _rest(current)
    spikes, membrane = [], []
    for step in current.unbind(1):  # unbind: the backward of current[:, t] would fill a (B, T, H) tensor at each step
        s = spike(mem, scale)
        spikes.append(s)
        membrane.append(mem)
        drive = step if v is None else step + before @ v
        leaked = beta * mem + input_gain * syn
        mem = leaked * (1.0 - s.detach()) if reset == "zero" else leaked - s.detach()
        syn = alpha * syn + drive
        before = s
    return torch.stack(spikes, 1), torch.stack(membrane, 1)


def leaky_readout(
    current: Tensor, *, alpha: float | Tensor, beta: float | Tensor, input_gain: float | Tensor
) -> Tensor:
    """Leaky integrators without a threshold; arguments as `snn_tune.snn.leaky_readout`.

    flt(t+1) = alpha flt(t) + current(t)
    out(t+1) = beta out(t) + gain flt(t)                   the old flt
    """
    flt = out = _rest(current)
    frames = [out]
    for step in current.unbind(1):
        out = beta * out + input_gain * flt
        flt = alpha * flt + step
        frames.append(out)
    return torch.stack(frames, 1)


def encoder(analog: Tensor, gain: Tensor, bias: Tensor, *, beta: float, scale: float) -> tuple[Tensor, Tensor]:
    """Leaky integrate-and-fire units driven by an analog input, without a synapse; (B, T, E) each.

    enc(t+1) = (beta enc(t) + (1 - beta) gain (x(t) + bias)) (1 - s(t))
    """
    current = gain * (analog + bias)
    mem = _rest(current)
    spikes, membrane = [], []
    for step in current.unbind(1):
        s = spike(mem, scale)
        spikes.append(s)
        membrane.append(mem)
        mem = (beta * mem + (1.0 - beta) * step) * (1.0 - s.detach())
    return torch.stack(spikes, 1), torch.stack(membrane, 1)


def _rest(current: Tensor) -> Tensor:
    """The initial state, zero; in the graph of the input, so that a single step has gradients too, of zero."""
    return current[:, 0].masked_fill(torch.ones((), dtype=torch.bool, device=current.device), 0.0)
