"""A batch through the network, a block of samples at a time.

A block is taken through forward, loss, backward and weight gradients while its rows stay in L2: about half the time of
one stage after another over the batch, and no (B, T, H) array is ever held. A row is a step of a sample,
`[classes | hidden]`: its hidden part is first the input current, then the membrane, at last the current's gradient;
its classes the gradient of the filtered spikes. Every sample has one more row than steps: a spike of step t acts on
the readout at t + 1 and on the current of t + 1, whose gradients row t + 1 holds side by side.

Dropout is a row of `kept` for each sample of the batch, the factor by which the readout takes each unit's spikes; where
it has no rows, all count once. Units hear each other unchanged, so that [w2 | v] come apart on the way back.
"""

from typing import Any, NamedTuple

import numpy as np

from snn_tune.compiled import inlined
from snn_tune.snn.kernels.cpu.dense import product
from snn_tune.snn.kernels.cpu.readout import Peaks, integrate, integrate_back, nll
from snn_tune.snn.kernels.cpu.sparse import (
    ByUnit,
    Counts,
    Floats,
    Trains,
    add_bag,
    add_weight_gradient,
    sort_by_unit,
    sum_bags,
    weigh,
)
from snn_tune.snn.kernels.cpu.truncated import EVERYWHERE, add_near
from snn_tune.snn.kernels.cpu.units import Units, list_spikes, not_finite, step, step_back


class Weights(NamedTuple):
    """Columns padded to whole vectors; `v` and its part of `back` have no rows in a feed-forward network."""

    w1: Floats  # (inputs, hidden)
    v: Floats  # (hidden, hidden)
    w2: Floats  # (hidden, classes), padded in front
    back: Floats  # [w2 | v] transposed: (classes + hidden, hidden)
    reach: np.float32  # see truncated.py
    hidden: Units
    readout: Units


class Block(NamedTuple):
    """The memory of a block of samples."""

    rows: Floats  # (samples (steps + 1), classes + hidden)
    syn: Floats  # (samples, hidden): synapses, later their gradient
    mem: Floats
    grad_spikes: Floats
    diverged: Floats  # (samples,): NaN where a state is not finite, else 0
    last: Floats  # (samples,): the last frame that the loss reads
    first: Counts  # (samples,): the bag of each sample's first step, in the inputs
    own: Counts  # the same in `spikes`
    spikes: Trains  # of the hidden layer
    order: ByUnit  # of the inputs' events
    hidden_order: ByUnit
    peaks: Peaks
    w2: Floats  # of one sample, what dropout left of it
    zeros: Floats  # (hidden,)


class Scores(NamedTuple):
    """What comes out for each sample, and for each hidden unit over all samples."""

    nll: Floats
    logits: Floats
    spike_counts: Counts


@inlined
def forward(weights: Weights, block: Block, inputs: Trains, kept: Any, start: int, samples: int, steps: int) -> None:
    """Membranes into the block's rows, spikes, and peaks. `start`: the block's first sample, a row of `kept`."""
    classes, width = weights.w2.shape[1], weights.w1.shape[1]
    stride = block.rows.shape[1]
    block.syn[:] = 0.0
    block.mem[:] = 0.0
    end = 0
    for m in range(samples):
        at, bag, state = m * (steps + 1) * stride + classes, m * steps, m * width
        sum_bags(weights.w1, inputs, block.first[m], block.first[m] + steps, block.rows, at, stride)
        for t in range(steps):
            if t > 0 and len(weights.v) > 0:
                add_bag(weights.v, block.spikes, bag + t - 1, block.rows, at + t * stride)
            step(weights.hidden, block.syn, block.mem, state, block.rows, at + t * stride)
            end = list_spikes(width, block.rows, at + t * stride, block.spikes.unit, end)
            block.spikes.bags[bag + t + 1] = end
        w2 = weights.w2
        if len(kept) > 0:
            for u in range(len(w2)):
                for o in range(classes):
                    block.w2[u, o] = kept[start + m, u] * w2[u, o]
            w2 = block.w2
        integrate(weights.readout, w2, block.spikes, bag, steps, block.peaks, m * classes)


@inlined
def score(block: Block, scores: Scores, first: int, samples: int, steps: int, labels: Any, share: Any) -> None:
    """Loss of each sample, NaN where the network diverged, and its gradient; logits and spike counts."""
    width = block.syn.shape[1]
    offset = block.peaks.value.shape[1] - scores.logits.shape[1]
    for m in range(samples):
        diverged = block.diverged[m] + not_finite(width, block.syn, block.mem, m * width)
        logits = scores.logits[first + m]
        for o in range(len(logits)):
            logits[o] = block.peaks.value[m, offset + o] + diverged
        scores.nll[first + m] = nll(logits, block.peaks.grad[m, offset:], labels[first + m], share[first + m])
    for e in range(block.spikes.bags[samples * steps]):
        scores.spike_counts[block.spikes.unit[e]] += 1


@inlined
def backward(
    weights: Weights, block: Block, nb_classes: int, grad_spike: Any, kept: Any, start: int, samples: int, steps: int
) -> None:
    """Gradients of currents and filtered spikes into the block's rows.

    d s(t) = [d flt(t+1) | d current(t+1)] [w2 | v]^T + the regulariser's
    """
    classes, width = weights.w2.shape[1], weights.w1.shape[1]
    stride = block.rows.shape[1]
    long = (steps + 1) * stride
    block.syn[:] = 0.0
    block.mem[:] = 0.0
    for m in range(samples):
        block.rows[m * (steps + 1) + steps, classes:] = 0.0
        block.last[m] = block.peaks.frame[m].max()
        integrate_back(weights.readout, block.peaks, m * classes, steps, block.rows, m * long, stride)
    for t in range(steps - 1, -1, -1):
        after = (t + 1) * stride + classes
        if len(kept) > 0:
            _spikes_back_kept(weights, block, nb_classes, grad_spike, kept, start, samples, after, long)
        else:
            back = weights.back if weights.reach == EVERYWHERE else weights.back[:nb_classes]
            product(samples, block.rows, after - nb_classes, long, back, grad_spike, 0, 0, block.grad_spikes, 0, width)
        for m in range(samples):
            at, state = m * long + t * stride + classes, m * width
            if weights.reach != EVERYWHERE and len(weights.v) > 0 and t < block.last[m]:
                grads = m * long + after
                add_near(weights.reach, block.rows, at, block.rows, grads, weights.v, block.grad_spikes, state)
            step_back(weights.hidden, block.syn, block.mem, state, block.grad_spikes, state, block.rows, at)


@inlined
def _spikes_back_kept(
    weights: Weights, block: Block, nb_classes: int, grad_spike: Any, kept: Any, start: int, samples: int, after: int,
    long: int,
) -> None:  # fmt: skip
    """`block.grad_spikes` of a step whose readout took what is kept, from the rows of the step after."""
    width = weights.w1.shape[1]
    grads, back = block.grad_spikes, weights.back[:nb_classes]
    product(samples, block.rows, after - nb_classes, long, back, block.zeros, 0, 0, grads, 0, width)
    for m in range(samples):
        for u in range(width):
            grads[m, u] = grads[m, u] * kept[start + m, u] + grad_spike[u]
    if weights.reach == EVERYWHERE and len(weights.v) > 0:
        product(samples, block.rows, after, long, weights.back[nb_classes:], grads, 0, width, grads, 0, width)


@inlined
def add_gradients(
    weights: Weights, block: Block, inputs: Trains, kept: Any, start: int, samples: int, steps: int, grads: Any
) -> None:
    """Add the block's part to the gradients of w1, v and w2."""
    grad_w1, grad_v, grad_w2 = grads
    classes, order = weights.w2.shape[1], block.hidden_order
    nb_active = sort_by_unit(inputs, block.first, samples, steps, 0, block.order)
    add_weight_gradient(block.rows, classes, block.order, nb_active, grad_w1)
    nb_active = sort_by_unit(block.spikes, block.own, samples, steps, 1, order)
    if len(weights.v) > 0:
        add_weight_gradient(block.rows, classes, order, nb_active, grad_v)
    if len(kept) > 0:
        weigh(order, nb_active, kept, start, steps + 1)
    add_weight_gradient(block.rows, 0, order, nb_active, grad_w2)
