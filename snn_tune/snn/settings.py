"""What a network computes and how it starts."""

from dataclasses import dataclass
from math import exp
from typing import Literal

from snn_tune.snn.kernels import Precision
from snn_tune.snn.lif import Reset
from snn_tune.snn.time_constants import Kind


@dataclass(frozen=True)
class NetworkSettings:
    """What the network computes and how it starts; times in seconds.

    Attributes:
        nb_inputs: input units, or channels of analog input.
        nb_hidden: units of a hidden layer; or of each, and then nb_layers is 1.
        units_per_channel: encoder units for each analog channel; 0 for events, which need no encoder.
        scaled_input: the membrane takes `(1 - beta) syn` instead of `syn`, in the readout too.
        init_scale: weights are drawn from N(0, (init_scale / sqrt(fan))^2).
        init_scale_recurrent: the same for the recurrent weights.
        precision: see `snn_tune.snn.kernels`.
        init_fan: that fan is of the units that a weight matrix reads ("in") or drives ("out").
        nb_layers: hidden layers of nb_hidden units each.
        dropout: probability that a hidden unit is silent for what comes after it, while it trains.
        time_constants: of the hidden units, see `TimeConstants`; encoder and readout have the shared ones.
    """

    nb_inputs: int
    nb_hidden: int | tuple[int, ...]
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
    nb_layers: int = 1
    dropout: float = 0.0
    time_constants: Kind = "shared"

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return layer_sizes(self.nb_hidden, self.nb_layers)

    @property
    def alpha(self) -> float:
        return exp(-self.dt / self.tau_syn)

    @property
    def beta(self) -> float:
        return exp(-self.dt / self.tau_mem)

    @property
    def input_gain(self) -> float:
        return 1.0 - self.beta if self.scaled_input else 1.0


def layer_sizes(nb_hidden: int | tuple[int, ...], nb_layers: int) -> tuple[int, ...]:
    """Units of each hidden layer, from what a study says of them."""
    return (nb_hidden,) * nb_layers if isinstance(nb_hidden, int) else nb_hidden
