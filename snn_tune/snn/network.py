"""The network of the study: input (events, or analog through an encoder), a spiking hidden layer, a leaky readout."""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.encoder import Encoder
from snn_tune.snn.kernels import Precision
from snn_tune.snn.lif import Reset, cuba_lif
from snn_tune.snn.readout import leaky_readout, max_over_time


@dataclass(frozen=True)
class NetworkSettings:
    """What the network computes and how it starts; times in seconds.

    Attributes:
        nb_inputs: input units, or channels of analog input.
        units_per_channel: encoder units for each analog channel; 0 for events, which need no encoder.
        scaled_input: the membrane takes `(1 - beta) syn` instead of `syn`, in the readout too.
        init_scale: weights are drawn from N(0, (init_scale / sqrt(fan))^2).
        init_scale_recurrent: the same for the recurrent weights.
        precision: see `snn_tune.snn.kernels`.
        init_fan: that fan is of the units that a weight matrix reads ("in") or drives ("out").
    """

    nb_inputs: int
    nb_hidden: int
    nb_classes: int
    dt: float
    tau_mem: float
    tau_syn: float
    scale: float
    recurrent: bool
    reset: Reset
    scaled_input: bool
    units_per_channel: int
    init_scale: float
    init_scale_recurrent: float
    init_fan: Literal["in", "out"]
    precision: Precision = "exact"

    @property
    def alpha(self) -> float:
        return exp(-self.dt / self.tau_syn)

    @property
    def beta(self) -> float:
        return exp(-self.dt / self.tau_mem)

    @property
    def input_gain(self) -> float:
        return 1.0 - self.beta if self.scaled_input else 1.0


class Activity(NamedTuple):
    """What a batch did: logits (B, O); spikes and membranes of the hidden layer (B, T, H)."""

    logits: Tensor
    spikes: Tensor
    membrane: Tensor


class SpikingNetwork(nn.Module):
    """Weights `w1` (inputs, hidden), `v` (hidden, hidden; recurrent only), `w2` (hidden, classes), and an encoder."""

    def __init__(self, settings: NetworkSettings, *, seed: int = 0, kernel: str = "auto") -> None:
        super().__init__()
        self.settings, self.kernel = settings, kernel
        s, generator = settings, torch.Generator().manual_seed(seed)

        def weights(rows: int, columns: int, scale: float) -> nn.Parameter:
            std = scale / sqrt(rows if s.init_fan == "in" else columns)
            return nn.Parameter(torch.randn(rows, columns, generator=generator) * std)

        analog = s.units_per_channel > 0
        self.encoder = Encoder(s.nb_inputs, s.units_per_channel, generator) if analog else None
        nb_units = self.encoder.nb_units if self.encoder else s.nb_inputs
        self.w1 = weights(nb_units, s.nb_hidden, s.init_scale)
        self.w2 = weights(s.nb_hidden, s.nb_classes, s.init_scale)
        self.v = weights(s.nb_hidden, s.nb_hidden, s.init_scale_recurrent) if s.recurrent else None

    def forward(self, batch: EventBatch | Tensor) -> Activity:
        """Take events, or analog input (B, T, channels), through the network."""
        s = self.settings
        spikes, membrane = cuba_lif(
            self._input_current(batch),
            self.v,
            alpha=s.alpha,
            beta=s.beta,
            scale=s.scale,
            reset=s.reset,
            input_gain=s.input_gain,
            kernel=self.kernel,
        )
        frames = leaky_readout(spikes @ self.w2, alpha=s.alpha, beta=s.beta, input_gain=s.input_gain)
        return Activity(max_over_time(frames), spikes, membrane)

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
            return self.encode(batch) @ self.w1
        unit, count, offsets = batch.bags()
        currents = functional.embedding_bag(
            unit,
            self.w1,
            offsets,
            mode="sum",
            per_sample_weights=count.to(self.w1.dtype),
            include_last_offset=True,
        )
        return currents.view(len(batch), batch.nb_steps, -1)
