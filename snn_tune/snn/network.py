"""The network of the study: input (events, or analog through an encoder), spiking hidden layers, a leaky readout."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.encoder import Encoder
from snn_tune.snn.kernels import decide, load
from snn_tune.snn.lif import cuba_lif
from snn_tune.snn.readout import leaky_readout, max_over_time
from snn_tune.snn.settings import NetworkSettings
from snn_tune.snn.time_constants import Constants, TimeConstants


class Activity(NamedTuple):
    """What a batch did: logits (B, O); spikes and membranes of all hidden units, layer after layer (B, T, H)."""

    logits: Tensor
    spikes: Tensor
    membrane: Tensor


class Layer(NamedTuple):
    """A hidden layer: weights `w` (units before it, units), `v` (units, units) if recurrent, its units' constants."""

    w: Tensor
    v: Tensor | None
    constants: Constants


class SpikingNetwork(nn.Module):
    """Weights `w1` (inputs, hidden), `v` (hidden, hidden; recurrent only), `w2` (hidden, classes), and an encoder.

    Of several hidden layers `w1` and `v` are the first's, `deeper_w` and `deeper_v` the others'; `w2` reads the last.
    """

    def __init__(self, settings: NetworkSettings, *, seed: int = 0, kernel: str = "auto") -> None:
        super().__init__()
        self.settings, self.kernel = settings, kernel
        s, generator = settings, torch.Generator().manual_seed(seed)

        def weights(rows: int, columns: int, scale: float) -> nn.Parameter:
            std = scale / sqrt(rows if s.init_fan == "in" else columns)
            return nn.Parameter(torch.randn(rows, columns, generator=generator) * std)

        def constants(units: int) -> TimeConstants:
            shared, taus = Constants(s.alpha, s.beta, s.input_gain), (s.tau_syn / s.dt, s.tau_mem / s.dt)
            return TimeConstants(s.time_constants, shared, taus, s.scaled_input, units, generator)

        analog = s.units_per_channel > 0
        self.encoder = Encoder(s.nb_inputs, s.units_per_channel, generator) if analog else None
        nb_units = self.encoder.nb_units if self.encoder else s.nb_inputs
        first, last = s.hidden[0], s.hidden[-1]
        self.w1 = weights(nb_units, first, s.init_scale)
        self.w2 = weights(last, s.nb_classes, s.init_scale)
        self.v = weights(first, first, s.init_scale_recurrent) if s.recurrent else None
        self.deeper_w = nn.ParameterList(weights(*units, s.init_scale) for units in pairwise(s.hidden))
        self.deeper_v = nn.ParameterList(weights(h, h, s.init_scale_recurrent) for h in s.hidden[1:] if s.recurrent)
        self.constants = nn.ModuleList(map(constants, s.hidden))

    @property
    def layers(self) -> list[Layer]:
        """The hidden layers, from the input on."""
        ws = [self.w1, *self.deeper_w]
        vs = [self.v, *self.deeper_v] if self.settings.recurrent else [None] * len(ws)
        return [Layer(w, v, constants()) for w, v, constants in zip(ws, vs, self.constants, strict=True)]

    def forward(
        self,
        batch: EventBatch | Tensor,
        rng: np.random.Generator | None = None,
        kept: Sequence[Tensor | None] | None = None,
    ) -> Activity:
        """Take events, or analog input (B, T, channels), through the network.

        Args:
            rng: of a network that trains: it draws whom dropout silences.
            kept: or what was drawn for these samples, see `kept`.
        """
        s = self.settings
        layers = self.layers
        kept = self.kept(len(batch), rng) if kept is None else kept
        current, traces = self._input_current(batch), []
        after = [*(layer.w for layer in layers[1:]), self.w2]
        for layer, factor, w in zip(layers, kept, after, strict=True):
            alpha, beta, gain = layer.constants
            spikes, membrane = cuba_lif(
                current,
                layer.v,
                alpha=alpha,
                beta=beta,
                scale=s.scale,
                reset=s.reset,
                input_gain=gain,
                kernel=self.kernel,
            )
            traces.append((spikes, membrane))
            current = self._currents(spikes if factor is None else spikes * factor[:, None].to(spikes), w)
        frames = leaky_readout(current, alpha=s.alpha, beta=s.beta, input_gain=s.input_gain)
        together = traces[0] if len(traces) == 1 else [torch.cat(each, dim=2) for each in zip(*traces, strict=True)]
        return Activity(max_over_time(frames), *together)

    def kept(self, nb_samples: int, rng: np.random.Generator | None) -> list[Tensor | None]:
        """By what dropout multiplies each unit's spikes for what reads them: of each layer (B, H) float64, or None.

        What the units send each other stays (Zaremba et al. 2014). One draw for all steps of a sample, as SpikingJelly
        has it: with another at each step, what follows, which adds up over steps, would hardly miss a unit. Drawn on
        the CPU, so that each device has the same.
        """
        p, hidden = self.settings.dropout, self.settings.hidden
        if rng is None or p == 0:
            return [None] * len(hidden)
        return [torch.from_numpy((rng.random((nb_samples, units)) >= p) / (1.0 - p)) for units in hidden]

    def encode(self, analog: Tensor) -> Tensor:
        """Spikes (B, T, E) of the encoder for analog input.

        Raises:
            ValueError: the network has no encoder.
        """
        if self.encoder is None:
            raise ValueError("this network takes packed events (EventBatch): it has no encoder for analog input")
        return self.encoder(analog, beta=self.settings.beta, scale=self.settings.scale)

    def _input_current(self, batch: EventBatch | Tensor) -> Tensor:
        if isinstance(batch, Tensor):
            return self._currents(self.encode(batch), self.w1)
        if decide(self.kernel, self.w1).kernel == "cpu":
            currents: Tensor = load("cpu").currents(batch, self.w1)
            return currents
        unit, count, offsets = batch.bags()
        summed = functional.embedding_bag(
            unit,
            self.w1,
            offsets,
            mode="sum",
            per_sample_weights=count.to(self.w1.dtype),
            include_last_offset=True,
        )
        return summed.view(len(batch), batch.nb_steps, -1)

    def _currents(self, spikes: Tensor, w: Tensor) -> Tensor:
        """`spikes @ w`: by their events, since few units fire."""
        if decide(self.kernel, w).kernel != "cpu":
            return spikes @ w
        currents: Tensor = load("cpu").spike_currents(spikes, w)
        return currents
