"""The kernel for GPUs, in Triton: one launch for all steps forward, another for all steps back.

Checked through Triton's interpreter only, and compiled for an H100 (no registers spilled): it has not run on a GPU,
and nobody has timed it there. With TRITON_INTERPRET=1, set before Triton is imported, it takes tensors on the CPU,
slowly. A call reads nothing back from the device, adds by no atomic operation, and uses no TF32: the same input
gives the same bits, and no shape of a step depends on how many events its batch has.

`precision="bf16"` keeps v, and [w2 | v] transposed for the way back, in bf16: half of what each step of a recurrent
layer reads. That is a network of slightly other weights, and a recurrent network makes much of little. On the recurrent
golden files it flips as many spikes as 0 to 14 % of those fired, and 71 % in the one of 120 steps; the loss moves by up
to 3 %, gradients of w1 and v by 6 to 93 % (norm of the difference). "exact" flips none and stays within 0.01 %.

launch.py    how a batch is divided among programs, and products in full float32
units.py     LIF units through time, forward and back
layer.py     what launches them; a layer alone, as a PyTorch function
readout.py   the leaky readout, its maximum over time, and back
loss.py      what the loss adds up, and its gradient
encoder.py   analog input to spikes, and back
events.py    events to currents, and the gradient of their weights
step.py      a batch by one call; checks.py: what it takes
"""

from snn_tune.snn.kernels.gpu.layer import PRECISIONS, covers, cuba_lif
from snn_tune.snn.kernels.gpu.step import Outcome, evaluate, train_step

EXTRAS: set[str] = set()

__all__ = ["EXTRAS", "PRECISIONS", "Outcome", "covers", "cuba_lif", "evaluate", "train_step"]
