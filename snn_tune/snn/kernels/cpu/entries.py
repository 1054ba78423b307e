"""What Python calls: samples `first` to `last` of a batch, a block at a time.

`chosen` are the samples of a data set that make the batch; analog input is a batch itself.
"""

from typing import Any

from snn_tune.compiled import entry, inlined
from snn_tune.snn.kernels.cpu.encoder import Encoder, encode, encode_back
from snn_tune.snn.kernels.cpu.network import Block, Scores, Weights, add_gradients, backward, forward, score
from snn_tune.snn.kernels.cpu.sparse import Trains


@inlined
def _find(block: Block, chosen: Any, start: int, samples: int, steps: int) -> None:
    """Where the events of a block's samples begin."""
    for m in range(samples):
        block.first[m] = chosen[start + m] * steps


@entry
def evaluate(
    weights: Weights,
    block: Block,
    inputs: Trains,
    chosen: Any,
    first: int,
    last: int,
    steps: int,
    labels: Any,
    scores: Scores,
) -> None:
    """Scores of events."""
    for start in range(first, last, len(block.syn)):
        samples = min(len(block.syn), last - start)
        _find(block, chosen, start, samples, steps)
        forward(weights, block, inputs, block.syn[:0], start, samples, steps)  # dropout is of training alone
        score(block, scores, start, samples, steps, labels, scores.nll)


@entry
def evaluate_analog(
    weights: Weights, block: Block, encoder: Encoder, analog: Any, first: int, last: int, labels: Any, scores: Scores
) -> None:
    """Scores of analog input."""
    steps = analog.shape[1]
    for start in range(first, last, len(block.syn)):
        samples = min(len(block.syn), last - start)
        block.diverged[:] = 0.0
        encode(encoder, analog, start, samples, steps, block.diverged)
        forward(weights, block, encoder.spikes, block.syn[:0], start, samples, steps)
        score(block, scores, start, samples, steps, labels, scores.nll)


@entry
def train(
    weights: Weights,
    block: Block,
    inputs: Trains,
    chosen: Any,
    first: int,
    last: int,
    steps: int,
    labels: Any,
    kept: Any,
    share: Any,
    grad_spike: Any,
    scores: Scores,
    grads: Any,
) -> None:
    """Scores of events, and the gradients of their loss added to `grads`: of w1, v and w2.

    Args:
        kept: of each sample, see `network`.
        share: of each sample in the batch's mean.
        grad_spike: the regulariser's gradient of a spike, for each hidden unit.
    """
    for start in range(first, last, len(block.syn)):
        samples = min(len(block.syn), last - start)
        _find(block, chosen, start, samples, steps)
        forward(weights, block, inputs, kept, start, samples, steps)
        score(block, scores, start, samples, steps, labels, share)
        backward(weights, block, scores.logits.shape[1], grad_spike, kept, start, samples, steps)
        add_gradients(weights, block, inputs, kept, start, samples, steps, grads)


@entry
def train_analog(
    weights: Weights,
    block: Block,
    encoder: Encoder,
    analog: Any,
    first: int,
    last: int,
    labels: Any,
    kept: Any,
    share: Any,
    grad_spike: Any,
    scores: Scores,
    grads: Any,
    grad_encoder: Any,
) -> None:
    """The same for analog input; the rows of `grad_encoder` are the gradients of gain and bias."""
    steps = analog.shape[1]
    for start in range(first, last, len(block.syn)):
        samples = min(len(block.syn), last - start)
        block.diverged[:] = 0.0
        encode(encoder, analog, start, samples, steps, block.diverged)
        forward(weights, block, encoder.spikes, kept, start, samples, steps)
        score(block, scores, start, samples, steps, labels, share)
        backward(weights, block, scores.logits.shape[1], grad_spike, kept, start, samples, steps)
        add_gradients(weights, block, encoder.spikes, kept, start, samples, steps, grads)
        encode_back(encoder, analog, start, samples, steps, block.rows, weights.w2.shape[1], grad_encoder)
