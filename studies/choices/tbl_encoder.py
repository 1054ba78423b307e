"""`python studies/choices/tbl_encoder.py`: braille letters with an encoder that resets a step late (as in SpyTorch).

Its units are reset by the spike of the step before, so that each crossing of the threshold fires twice. Then
`python -m snn_tune.analysis tbl_choices tbl_encoder` sets it beside the encoder that resets at once.
"""

import tomllib
from pathlib import Path

import torch
from torch import Tensor

from snn_tune import Study, run
from snn_tune.snn import SpikingNetwork, spike

CHOICES = tomllib.loads(Path(__file__).with_name("tbl_choices.toml").read_text())


class LateReset(SpikingNetwork):
    """enc(t+1) = (beta enc(t) + (1 - beta) gain (x(t) + bias)) (1 - s(t-1))."""

    def encode(self, analog: Tensor) -> Tensor:
        settings, encoder = self.settings, self.encoder
        current = encoder.gain * (analog.repeat(1, 1, encoder.units_per_channel) + encoder.bias)
        membrane = torch.zeros_like(current[:, 0])
        before, spikes = torch.zeros_like(membrane), []
        for step in current.unbind(1):
            spikes.append(spike(membrane, settings.scale))
            membrane = (settings.beta * membrane + (1.0 - settings.beta) * step) * (1.0 - before.detach())
            before = spikes[-1]
        return torch.stack(spikes, 1)


study = Study(
    "tbl_encoder",
    description="Tactile Braille Letters with the encoder of SpyTorch's tutorial 5.",
    data=CHOICES["data"],
    base=CHOICES["base"],
    space={"reset": ["zero", "subtract"], "init_fan": ["in"], "init_scale": [3.0], "reduction": ["mean"]},
    **CHOICES["budget"],
    network=LateReset,
)
if __name__ == "__main__":
    run(study)
