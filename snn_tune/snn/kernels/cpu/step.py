"""A batch by one call: parameters and input in; loss, gradients and spike counts out."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels.cpu import memory
from snn_tune.snn.kernels.cpu.batch import Batch, Model, Parameters
from snn_tune.snn.kernels.cpu.checks import check, check_hidden
from snn_tune.snn.kernels.cpu.network import Scores
from snn_tune.snn.kernels.cpu.sparse import Counts, Floats
from snn_tune.snn.regularizer import check_reduction


class Outcome(NamedTuple):
    """What a batch did.

    Attributes:
        loss: mean of the weighted nll over the batch, plus the regulariser; not finite where the network diverged.
        nll: of each sample, (B,), unweighted.
        logits: (B, O).
        nb_correct: samples whose label has the highest logit.
        spike_counts: of each hidden unit over batch and steps, (H,) int64.
        gradients: of the loss; None from `evaluate`.
    """

    loss: float
    nll: Tensor
    logits: Tensor
    nb_correct: int
    spike_counts: Tensor
    gradients: Parameters | None


def train_step(
    inputs: EventBatch | Tensor,
    labels: Tensor,
    parameters: Parameters,
    model: Model,
    *,
    strength: float,
    reduction: str,
    class_weights: Tensor | None = None,
    kept: Tensor | None = None,
    threads: int | None = None,
) -> Outcome:
    """Loss and gradients of a batch; the numbers are `snn_tune.snn.kernels.reference`'s, by autograd.

    Args:
        inputs: events, or analog input (B, T, channels) where `parameters` have an encoder; float32, on the CPU.
        labels: (B,), classes as int64.
        strength, reduction: of the penalty of hidden spikes (`snn_tune.snn.spike_penalty`).
        class_weights: (O,), as `snn_tune.snn.weighted_nll`.
        kept: (B, H), by what dropout multiplies the spikes of each hidden unit for the readout.
        threads: among how many the samples are shared, by default as many as PyTorch uses; the last bits of the
            gradients depend on it.

    Raises:
        ValueError: a label, an input unit or a shape does not fit the parameters, or threads is below 1.
    """
    check(inputs, labels, parameters, model)
    check_hidden("kept", kept, (len(labels), parameters.w1.shape[1]))
    check_reduction(reduction)
    batch = Batch(inputs, labels, parameters, model, _number(threads))
    share = _share(labels, class_weights, parameters.w2.shape[1])
    counts = batch.evaluate().spike_counts if reduction == "sum_l2" else None
    grad_spike = memory.aligned(batch.weights.w1.shape[1])
    grad_spike[: batch.nb_hidden] = _penalty_gradient(strength, reduction, counts, len(labels), batch.nb_hidden)
    scores, gradients = batch.train(share, grad_spike, kept)
    return _outcome(scores, gradients, labels, share, strength, reduction)


def evaluate(
    inputs: EventBatch | Tensor,
    labels: Tensor,
    parameters: Parameters,
    model: Model,
    *,
    strength: float = 0.0,
    reduction: str = "sum",
    class_weights: Tensor | None = None,
    threads: int | None = None,
) -> Outcome:
    """The same without gradients."""
    check(inputs, labels, parameters, model)
    scores = Batch(inputs, labels, parameters, model, _number(threads)).evaluate()
    return _outcome(scores, None, labels, _share(labels, class_weights, parameters.w2.shape[1]), strength, reduction)


def _number(threads: int | None) -> int:
    if threads is None:
        return torch.get_num_threads()
    if threads < 1:
        raise ValueError(f"threads must be at least 1; it is {threads}")
    return threads


def _share(labels: Tensor, class_weights: Tensor | None, nb_classes: int) -> Floats:
    """What each sample's nll counts in the batch's weighted mean."""
    if class_weights is not None and class_weights.shape != (nb_classes,):
        raise ValueError(f"class_weights must be ({nb_classes},); it is {tuple(class_weights.shape)}")
    weights = torch.ones(len(labels)) if class_weights is None else class_weights[labels]
    share: Floats = (weights / weights.sum()).numpy()
    return share


def _penalty_gradient(strength: float, reduction: str, counts: Counts | None, nb_samples: int, nb_hidden: int) -> Any:
    """Gradient of the penalty by a spike of each hidden unit; with squares, it needs the counts of the whole batch."""
    if reduction == "mean":
        return strength / (nb_samples * nb_hidden)
    return strength if counts is None else strength * (1.0 + 2.0 * counts / nb_hidden)


def _penalty(strength: float, reduction: str, counts: Counts, nb_samples: int) -> float:
    """`spike_penalty` from the counts of each unit."""
    if reduction == "mean":
        return strength * float(counts.mean()) / nb_samples
    return strength * float(
        counts.sum() + (np.square(counts, dtype=np.float64).mean() if reduction == "sum_l2" else 0.0)
    )


def _outcome(
    scores: Scores, gradients: Parameters | None, labels: Tensor, share: Floats, strength: float, reduction: str
) -> Outcome:
    loss = float(np.dot(share.astype(np.float64), scores.nll))
    loss += _penalty(strength, reduction, scores.spike_counts, len(labels))
    nb_correct = int((scores.logits.argmax(axis=1) == labels.numpy()).sum())
    nll, logits, counts = (torch.from_numpy(array) for array in scores)
    return Outcome(loss, nll, logits, nb_correct, counts, gradients)
