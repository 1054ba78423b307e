"""The loop over time that is being beaten: SpyTorch's tutorials 4 and 5 as published, and a better-known mend of it."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from snn_tune.snn.kernels.cpu import Model, Parameters


class SurrGradSpike(torch.autograd.Function):
    scale = 100.0

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        out = torch.zeros_like(input)
        out[input > 0] = 1.0
        return out

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        return grad_input / (SurrGradSpike.scale * torch.abs(input) + 1.0) ** 2


def steps(tensor: Tensor, unbind: bool) -> Iterable[Tensor]:
    """The time steps of (B, T, H). `h1[:, t]`, as published, fills a (B, T, H) gradient for each of them."""
    return tensor.unbind(1) if unbind else (tensor[:, t] for t in range(tensor.shape[1]))


def run_snn(inputs: Tensor, p: Parameters, m: Model, unbind: bool) -> tuple[Tensor, Tensor]:
    """Readout frames and hidden spikes."""
    spike_fn = SurrGradSpike.apply
    gain = m.input_gain
    if p.gain is not None:
        current = p.gain * (inputs.repeat(1, 1, len(p.gain) // inputs.shape[2]) + p.bias)
        mem = inputs.new_zeros(len(inputs), len(p.gain))
        encoded = []
        for now in steps(current, unbind):
            out = spike_fn(mem - 1.0)
            encoded.append(out)
            mem = (m.beta * mem + (1.0 - m.beta) * now) * (1.0 - out.detach())
        inputs = torch.stack(encoded, dim=1)

    h1_from_input = torch.einsum("abc,cd->abd", inputs, p.w1)
    syn = inputs.new_zeros(len(inputs), p.w1.shape[1])
    mem, out = torch.zeros_like(syn), torch.zeros_like(syn)
    spk_rec = []
    for now in steps(h1_from_input, unbind):
        h1 = now if p.v is None else now + torch.einsum("ab,bc->ac", out, p.v)
        out = spike_fn(mem - 1.0)
        new_syn = m.alpha * syn + h1
        mem = (m.beta * mem + gain * syn) * (1.0 - out.detach())
        syn = new_syn
        spk_rec.append(out)
    spikes = torch.stack(spk_rec, dim=1)

    h2 = torch.einsum("abc,cd->abd", spikes, p.w2)
    flt = inputs.new_zeros(len(inputs), p.w2.shape[1])
    out = torch.zeros_like(flt)
    out_rec = [out]
    for now in steps(h2, unbind):
        new_flt = m.alpha * flt + now
        out = m.beta * out + gain * flt
        flt = new_flt
        out_rec.append(out)
    return torch.stack(out_rec, dim=1), spikes
