"""The spiking network, without Ray and MLflow: usable on its own."""

from snn_tune.snn.kernels import KernelFallbackWarning
from snn_tune.snn.lif import cuba_lif
from snn_tune.snn.loss import weighted_nll
from snn_tune.snn.network import Activity, SpikingNetwork
from snn_tune.snn.readout import leaky_readout, max_over_time
from snn_tune.snn.regularizer import spike_penalty
from snn_tune.snn.settings import NetworkSettings
from snn_tune.snn.step import Scores, score, train_step
from snn_tune.snn.surrogate import spike

__all__ = [
    "Activity",
    "KernelFallbackWarning",
    "NetworkSettings",
    "Scores",
    "SpikingNetwork",
    "cuba_lif",
    "leaky_readout",
    "max_over_time",
    "score",
    "spike",
    "spike_penalty",
    "train_step",
    "weighted_nll",
]
