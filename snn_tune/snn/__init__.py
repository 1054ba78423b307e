"""The spiking network: PyTorch alone, usable without the rest of the project."""

from snn_tune.snn.lif import cuba_lif
from snn_tune.snn.loss import weighted_nll
from snn_tune.snn.network import Activity, NetworkSettings, SpikingNetwork
from snn_tune.snn.readout import leaky_readout, max_over_time
from snn_tune.snn.regularizer import spike_penalty
from snn_tune.snn.surrogate import spike

__all__ = [
    "Activity",
    "NetworkSettings",
    "SpikingNetwork",
    "cuba_lif",
    "leaky_readout",
    "max_over_time",
    "spike",
    "spike_penalty",
    "weighted_nll",
]
