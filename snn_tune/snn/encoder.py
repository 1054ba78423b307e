"""The encoder: trainable LIF units that turn analog channels into spikes (SpyTorch, tutorial 5)."""

import torch
from torch import Tensor, nn

from snn_tune.snn.kernels import reference


class Encoder(nn.Module):
    """`units_per_channel` units for each channel, each with its own gain and bias, drawn from N(0, 1).

    Unit u reads channel `u % nb_channels`.
    """

    def __init__(self, nb_channels: int, units_per_channel: int, generator: torch.Generator) -> None:
        super().__init__()
        self.units_per_channel = units_per_channel
        self.nb_units = nb_channels * units_per_channel
        self.gain = nn.Parameter(torch.randn(self.nb_units, generator=generator))
        self.bias = nn.Parameter(torch.randn(self.nb_units, generator=generator))

    def forward(self, analog: Tensor, *, beta: float, scale: float) -> Tensor:
        """Spikes (B, T, nb_units) of analog input (B, T, nb_channels)."""
        tiled = analog.repeat(1, 1, self.units_per_channel)
        spikes, _ = reference.encoder(tiled, self.gain, self.bias, beta=beta, scale=scale)
        return spikes
