"""The fast kernel for processors: compiled by Numba, one thread unless told otherwise.

vector.py         a vector of floats as a value, for Numba
sparse.py         sums of matrix rows picked by spikes: forward, and weight gradients
dense.py          the dense product of the way back
truncated.py      the same for units near the threshold alone: an option
units.py          a step of LIF units, forward and back
readout.py        the leaky readout, the loss, and back
encoder.py        analog input to spikes, and back
network.py        all of it for a block of samples
entries.py        what Python calls, for a batch; batch.py, memory.py: its arrays
layer_entries.py  what Python calls, for a layer alone; layer.py: as a PyTorch function
currents.py       events or spikes to a layer's currents, as a PyTorch function
step.py           a batch by one call, for Python
"""

from snn_tune.compiled import is_compiled
from snn_tune.snn.kernels.cpu.batch import Model, Parameters
from snn_tune.snn.kernels.cpu.currents import currents, spike_currents
from snn_tune.snn.kernels.cpu.layer import covers, cuba_lif
from snn_tune.snn.kernels.cpu.step import Outcome, evaluate, train_step

PRECISIONS = ("exact", "truncated")
EXTRAS = {"drawn", "dropout"}

__all__ = [
    "EXTRAS",
    "PRECISIONS",
    "Model",
    "Outcome",
    "Parameters",
    "covers",
    "cuba_lif",
    "currents",
    "evaluate",
    "is_compiled",
    "spike_currents",
    "train_step",
]
