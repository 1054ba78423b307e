"""The same network in other libraries, each written as its own documentation does it.

All take dense input with time first, (T, B, units), as they ask for it, made once and not timed. Their weights are
their own: dense code takes the same time whatever spikes. Logits are the maximum over time of leaky integrators.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from workloads import Workload


def sizes(work: Workload) -> tuple[int, int, int]:
    """Input units, hidden units, classes."""
    return (*work.parameters.w1.shape, work.parameters.w2.shape[1])


class Encoder(nn.Module):
    """TBL's analog input: a gain and a bias for each unit, then the library's own units without a synapse."""

    def __init__(self, work: Workload, lif: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        assert work.parameters.gain is not None
        assert work.parameters.bias is not None
        self.gain, self.bias = nn.Parameter(work.parameters.gain.clone()), nn.Parameter(work.parameters.bias.clone())
        self.lif = lif

    def forward(self, analog: Tensor) -> Tensor:
        tiled = analog.repeat(1, 1, len(self.gain) // analog.shape[2])
        return self.lif(self.gain * (tiled + self.bias))


class SnnTorch(nn.Module):
    """A loop over time that calls each layer, as in its tutorials and the docstring of RSynaptic."""

    def __init__(self, work: Workload) -> None:
        import snntorch
        from snntorch import surrogate

        super().__init__()
        units, hidden, classes = sizes(work)
        alpha, beta, gradient = work.model.alpha, work.model.beta, surrogate.fast_sigmoid(slope=work.model.scale)
        self.recurrent = work.parameters.v is not None
        self.fc1, self.fc2 = nn.Linear(units, hidden, bias=False), nn.Linear(hidden, classes, bias=False)
        if self.recurrent:
            self.lif = snntorch.RSynaptic(alpha, beta, linear_features=hidden, spike_grad=gradient)
        else:
            self.lif = snntorch.Synaptic(alpha, beta, spike_grad=gradient)
        self.readout = snntorch.Synaptic(alpha, beta, spike_grad=gradient, reset_mechanism="none")
        self.leaky = snntorch.Leaky(beta, spike_grad=gradient)
        self.encoder = None if work.parameters.gain is None else Encoder(work, self._encode)

    def _encode(self, current: Tensor) -> Tensor:
        mem, spikes = self.leaky.reset_mem(), []
        for step in range(len(current)):
            spike, mem = self.leaky(current[step], mem)
            spikes.append(spike)
        return torch.stack(spikes)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        if self.encoder is not None:
            inputs = self.encoder(inputs)
        state, (syn, out) = self.lif.reset_mem(), self.readout.reset_mem()
        frames, spikes = [], []
        for step in range(len(inputs)):
            current = self.fc1(inputs[step])
            state = self.lif(current, *state) if self.recurrent else self.lif(current, *state[-2:])
            _, syn, out = self.readout(self.fc2(state[0]), syn, out)
            spikes.append(state[0])
            frames.append(out)
        return torch.stack(frames), torch.stack(spikes)


class Norse(nn.Module):
    """Its layers that loop over time by themselves."""

    def __init__(self, work: Workload) -> None:
        from norse.torch import LI, LIF, LIFBoxCell, LIFBoxParameters, LIFParameters, LIFRecurrent, Lift, LIParameters

        super().__init__()
        units, hidden, classes = sizes(work)
        synapse, membrane = (torch.tensor((1 - decay) / 1e-3) for decay in (work.model.alpha, work.model.beta))
        p = LIFParameters(tau_syn_inv=synapse, tau_mem_inv=membrane)
        self.fc1: nn.Module = nn.Identity()
        if work.parameters.v is None:
            self.fc1, self.lif = nn.Linear(units, hidden, bias=False), LIF(p)
        else:
            self.lif = LIFRecurrent(units, hidden, p, autapses=True)
        self.fc2 = nn.Linear(hidden, classes, bias=False)
        self.readout = LI(LIParameters(tau_syn_inv=synapse, tau_mem_inv=membrane))
        self.box = Lift(LIFBoxCell(LIFBoxParameters(tau_mem_inv=membrane)))
        self.encoder = None if work.parameters.gain is None else Encoder(work, self._encode)

    def _encode(self, current: Tensor) -> Tensor:
        return self.box(current)[0]

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        if self.encoder is not None:
            inputs = self.encoder(inputs)
        spikes, _ = self.lif(self.fc1(inputs))
        frames, _ = self.readout(self.fc2(spikes))
        return frames, spikes


class SpikingJelly(nn.Module):
    """Its multi-step layers, the recurrence by its container, as in its example rsnn_sequential_fmnist."""

    def __init__(self, work: Workload) -> None:
        from spikingjelly.activation_based import functional, layer, neuron, surrogate

        super().__init__()
        units, hidden, classes = sizes(work)
        tau, many = 1 / (1 - work.model.beta), {"step_mode": "m"}
        self.forget = functional.reset_net
        self.fc1, self.fc2 = layer.Linear(units, hidden, False, **many), layer.Linear(hidden, classes, False, **many)
        lif = neuron.CUBALIFNode(work.model.alpha, work.model.beta, 1.0, surrogate_function=surrogate.SuperSpike())
        lif.detach_reset = True
        if work.parameters.v is None:
            lif.step_mode, self.lif = "m", lif
        else:
            self.lif = layer.LinearRecurrentContainer(lif, hidden, hidden, False, **many)
        self.readout = neuron.NonSpikingLIFNode(tau)
        code = neuron.LIFNode(tau, surrogate_function=surrogate.SuperSpike(), detach_reset=True, **many)
        self.encoder = None if work.parameters.gain is None else Encoder(work, code)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        self.forget(self)
        spikes = self.lif(self.fc1(inputs if self.encoder is None else self.encoder(inputs)))
        return torch.stack(self.readout(self.fc2(spikes))), spikes
