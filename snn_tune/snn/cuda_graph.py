"""A training step recorded as a CUDA graph and replayed: all of its kernels are launched at once.

For who asks for it: it has not run on a GPU. It saves the processor's time for some fifty launches a step, which counts
where the GPU would wait for them: small networks, small batches.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from snn_tune.datasets.dataset import Inputs
from snn_tune.datasets.events import EventBatch
from snn_tune.snn import SpikingNetwork
from snn_tune.snn.step import kernel_of

Results = tuple[Tensor, Tensor]
Step = Callable[[Inputs, Tensor], Results]

WARM_UP = 3  # steps before the recording: kernels are compiled and loaded, the optimiser makes its state


def recorded(step: Step, network: nn.Module, optimizer: Optimizer, size: int) -> Step:
    """The training step, replayed on batches of this size if the gpu kernel computes the network on a GPU.

    A recorded optimiser counts its steps on the GPU, in float32: the numbers are others in their last digits.
    """
    if not (isinstance(network, SpikingNetwork) and network.w1.is_cuda and kernel_of(network) == "gpu"):
        return step
    for group in optimizer.param_groups:
        group["capturable"] = True
    return Recorded(step, size)


def record(work: Callable[[], Results]) -> Callable[[], Results]:
    """What does this work again at each call, on the same memory, its results too. Recording it does nothing."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = work()

    def replay() -> Results:
        graph.replay()
        return results

    return replay


class Recorded:
    """A step that replays its recording for batches of one size; any other batch it takes as it is.

    A recording reads the same memory each time, so each batch is first copied there; so are those of the warm-up, as a
    kernel is compiled for how its arguments are aligned. What a step returns lasts until the next step.

    Args:
        step: a training step that waits for nothing.
        size: of a full batch.
    """

    def __init__(self, step: Step, size: int) -> None:
        self.step, self.size, self.nb_warm = step, size, 0
        self.batch: tuple[Inputs, Tensor] | None = None
        self.replay: Callable[[], Results] | None = None

    def __call__(self, inputs: Inputs, labels: Tensor) -> Results:
        if len(labels) != self.size:
            return self.step(inputs, labels)
        batch = self._take_in(inputs, labels)
        if self.nb_warm < WARM_UP:
            self.nb_warm += 1
            return self.step(*batch)
        if self.replay is None:
            self.replay = self._record(batch)
        return self.replay()

    def _take_in(self, inputs: Inputs, labels: Tensor) -> tuple[Inputs, Tensor]:
        if self.batch is None:
            self.batch = _copy(inputs), labels.clone()
        _samples(self.batch[0]).copy_(_samples(inputs))
        self.batch[1].copy_(labels)
        return self.batch

    def _record(self, batch: tuple[Inputs, Tensor]) -> Callable[[], Results]:
        try:
            return record(lambda: self.step(*batch))
        except RuntimeError as error:
            warnings.warn(f"the training step cannot be recorded as a CUDA graph ({error}); it runs", stacklevel=3)
            return lambda: self.step(*batch)


def _copy(inputs: Inputs) -> Inputs:
    return replace(inputs, samples=inputs.samples.clone()) if isinstance(inputs, EventBatch) else inputs.clone()


def _samples(inputs: Inputs) -> Tensor:
    """What differs between batches of one data set: which samples, or the analog input itself."""
    return inputs.samples if isinstance(inputs, EventBatch) else inputs
