"""A batch made ready for the compiled code, and shared among threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels.cpu import entries, memory
from snn_tune.snn.kernels.cpu.encoder import Encoder
from snn_tune.snn.kernels.cpu.network import Block, Scores
from snn_tune.snn.kernels.cpu.sparse import Counts, Floats, Trains
from snn_tune.snn.kernels.cpu.truncated import reach
from snn_tune.snn.time_constants import Constants

Result = TypeVar("Result")


class Parameters(NamedTuple):
    """`v` is None in a feed-forward network; `gain` and `bias`, the encoder's, where the input is events."""

    w1: Tensor
    v: Tensor | None
    w2: Tensor
    gain: Tensor | None = None
    bias: Tensor | None = None


class Model(NamedTuple):
    """What the network computes; the names of `snn_tune.snn.cuba_lif`.

    Attributes:
        precision: see `snn_tune.snn.kernels`.
        hidden: constants of the hidden units, where they are not the ones of encoder and readout.
    """

    alpha: float
    beta: float
    scale: float
    reset: str = "zero"
    input_gain: float = 1.0
    precision: str = "exact"
    hidden: Constants | None = None


class _Part(NamedTuple):
    """The samples of one thread, and its memory."""

    first: int
    last: int
    block: Block
    encoder: Encoder | None


class Batch:
    """Input, labels and weights as the compiled code takes them."""

    def __init__(
        self, inputs: EventBatch | Tensor, labels: Tensor, parameters: Parameters, model: Model, threads: int
    ) -> None:
        w1, v, w2, gain, bias = parameters
        self.nb_inputs, self.nb_hidden = w1.shape
        self.nb_classes = w2.shape[1]
        self.labels = labels.long().numpy()
        self.recurrent = v is not None
        constants = model.hidden or Constants(model.alpha, model.beta, model.input_gain)
        hidden = memory.units(self.nb_hidden, *constants, model.reset, model.scale)
        readout = memory.readout_units(model.alpha, model.beta, model.input_gain, self.nb_classes)
        self.weights = memory.network_weights(w1, v, w2, reach(model.precision, model.scale), hidden, readout)
        self.steps = inputs.nb_steps if isinstance(inputs, EventBatch) else inputs.shape[1]
        samples = memory.samples_of_block(self.weights.back, self.steps)
        if isinstance(inputs, EventBatch):
            self.events = input_events(inputs)
            nb_events = most_events(*self.events, self.steps, samples)
        else:
            self.analog = inputs.detach().float().contiguous().numpy()
            nb_events = samples * self.steps * self.nb_inputs

        def part(first: int, last: int) -> _Part:
            encoder = None
            if gain is not None and bias is not None:
                encoder = memory.encoder(gain, bias, model.beta, model.scale, w1, samples, *self.analog.shape[1:])
            sizes = samples, self.steps, self.nb_inputs, self.nb_hidden, self.nb_classes, nb_events
            return _Part(first, last, memory.network_block(*sizes), encoder)

        blocks = -(-len(labels) // samples)
        cuts = [min(i * blocks // threads * samples, len(labels)) for i in range(threads + 1)]
        self.parts = [part(first, last) for first, last in pairwise(cuts) if first < last]

    def evaluate(self) -> Scores:
        """Forward alone."""
        nll, logits = self._room_for_scores()

        def work(part: _Part) -> Counts:
            scores = Scores(nll, logits, np.zeros(self.weights.w1.shape[1], np.int64))
            span = part.first, part.last
            if part.encoder is None:
                entries.evaluate(self.weights, part.block, *self.events, *span, self.steps, self.labels, scores)
            else:
                entries.evaluate_analog(self.weights, part.block, part.encoder, self.analog, *span, self.labels, scores)
            return scores.spike_counts

        counts = reduce(add, self._share_out(work))
        return Scores(nll, logits, counts[: self.nb_hidden])

    def train(self, share: Floats, grad_spike: Floats, kept: Tensor | None = None) -> tuple[Scores, Parameters]:
        """Forward and backward; arguments as `entries.train`."""
        nll, logits = self._room_for_scores()
        hidden, classes = self.weights.w1.shape[1], self.weights.w2.shape[1]
        factors = memory.matrix(torch.zeros(0, self.nb_hidden) if kept is None else kept)

        def work(part: _Part) -> tuple[Counts, Floats, Floats, Floats, Floats]:
            scores = Scores(nll, logits, np.zeros(hidden, np.int64))
            grad_w1 = memory.aligned(self.nb_inputs, hidden)
            grad_v = memory.aligned(self.nb_hidden * self.recurrent, hidden)
            grad_w2 = memory.aligned(self.nb_hidden, classes)
            grad_encoder = memory.aligned(2, memory.padded(self.nb_inputs))
            span, grads = (part.first, part.last), (grad_w1, grad_v, grad_w2)
            loss = self.labels, factors, share, grad_spike, scores, grads
            if part.encoder is None:
                entries.train(self.weights, part.block, *self.events, *span, self.steps, *loss)
            else:
                entries.train_analog(self.weights, part.block, part.encoder, self.analog, *span, *loss, grad_encoder)
            return scores.spike_counts, *grads, grad_encoder

        totals: Any = [reduce(add, each) for each in zip(*self._share_out(work), strict=True)]
        counts, grad_w1, grad_v, grad_w2, grad_encoder = totals
        gradients = Parameters(
            _tensor(grad_w1[:, : self.nb_hidden]),
            _tensor(grad_v[:, : self.nb_hidden]) if self.recurrent else None,
            _tensor(grad_w2[:, classes - self.nb_classes :]),
        )
        if self.parts[0].encoder is not None:
            gain, bias = grad_encoder[:, : self.nb_inputs]
            gradients = gradients._replace(gain=_tensor(gain), bias=_tensor(bias))
        return Scores(nll, logits, counts[: self.nb_hidden]), gradients

    def _share_out(self, work: Callable[[_Part], Result]) -> list[Result]:
        if len(self.parts) == 1:
            return [work(self.parts[0])]
        with ThreadPoolExecutor(len(self.parts)) as pool:
            return list(pool.map(work, self.parts))

    def _room_for_scores(self) -> tuple[Floats, Floats]:
        return np.zeros(len(self.labels), np.float32), np.zeros((len(self.labels), self.nb_classes), np.float32)


def input_events(batch: EventBatch) -> tuple[Trains, Counts]:
    """All events of its data set, where they lie, and the samples chosen."""
    events = batch.events
    return Trains(events.unit.numpy(), events.count.numpy(), events.bags.numpy()), batch.samples.numpy()


def most_events(inputs: Trains, chosen: Counts, steps: int, samples: int) -> int:
    """The most that a block of so many samples takes in."""
    first = chosen * steps
    lengths = inputs.bags[first + steps] - inputs.bags[first]
    return int(np.add.reduceat(lengths, np.arange(0, len(lengths), samples)).max())


def _tensor(array: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
