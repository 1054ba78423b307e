"""A batch by one call: loss, gradients and spike counts out, all of them left on the device."""

from typing import NamedTuple

import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels.cpu import Model, Parameters
from snn_tune.snn.kernels.gpu import events, layer, loss, readout
from snn_tune.snn.kernels.gpu.checks import check
from snn_tune.snn.kernels.gpu.encoder import Encoded, encode, encode_back
from snn_tune.snn.kernels.gpu.launch import full_float32


class Outcome(NamedTuple):
    """What a batch did; tensors on its device, so that nobody has to wait for them.

    Attributes:
        loss: mean of the weighted nll over the batch, plus the regulariser; not finite where the network diverged.
        nll: of each sample, (B,), unweighted.
        logits: (B, O).
        nb_correct: samples whose label has the highest logit.
        spike_counts: of each hidden unit over batch and steps, (H,) int64.
        gradients: of the loss; None from `evaluate`.
    """

    loss: Tensor
    nll: Tensor
    logits: Tensor
    nb_correct: Tensor
    spike_counts: Tensor
    gradients: Parameters | None


class _Trace(NamedTuple):
    """The way forward; `encoded` is None where the input is events, `counts` (H,) float64."""

    units: layer.Units
    encoded: Encoded | None
    hidden: layer.Trace
    peaks: readout.Peaks
    logits: Tensor
    counts: Tensor


@torch.no_grad()
def train_step(
    inputs: EventBatch | Tensor,
    labels: Tensor,
    parameters: Parameters,
    model: Model,
    *,
    strength: float,
    reduction: str,
    class_weights: Tensor | None = None,
) -> Outcome:
    """Loss and gradients of a batch; the numbers are `snn_tune.snn.kernels.reference`'s, by autograd.

    Args:
        inputs: events, or analog input (B, T, channels) where `parameters` have an encoder; all on one device. Their
            values are not read back, so a unit or label out of range is an error of the device, later.
        labels: (B,), classes as int64.
        strength, reduction: of the penalty of hidden spikes (`snn_tune.snn.spike_penalty`).
        class_weights: (O,), as `snn_tune.snn.weighted_nll`.

    Raises:
        ValueError: a shape does not fit the parameters, or this kernel has no such `model.precision`.
    """
    check(inputs, labels, parameters, model)
    with torch.cuda.device_of(labels):
        trace = _forward(inputs, parameters, model)
        share = loss.share(labels, class_weights)
        grad_logits = loss.nll_back(trace.logits, labels, share)
        grad_spike = loss.penalty_back(trace.counts, strength, reduction, len(labels))
        gradients = _backward(inputs, parameters, model, trace, grad_logits, grad_spike)
        return _outcome(trace, labels, share, strength, reduction, gradients)


@torch.no_grad()
def evaluate(
    inputs: EventBatch | Tensor,
    labels: Tensor,
    parameters: Parameters,
    model: Model,
    *,
    strength: float = 0.0,
    reduction: str = "sum",
    class_weights: Tensor | None = None,
) -> Outcome:
    """The same without gradients."""
    check(inputs, labels, parameters, model)
    with torch.cuda.device_of(labels):
        trace = _forward(inputs, parameters, model)
        return _outcome(trace, labels, loss.share(labels, class_weights), strength, reduction, None)


def _forward(inputs: EventBatch | Tensor, parameters: Parameters, model: Model) -> _Trace:
    w1, v, w2, gain, bias = parameters
    encoded = None
    if isinstance(inputs, EventBatch):
        current = events.project(inputs, w1)
    else:
        assert gain is not None
        assert bias is not None
        encoded = encode(inputs.float().contiguous(), gain, bias, model.beta)
        with full_float32():
            current = encoded.spikes @ w1
    m = model
    units = layer.units_of(w1, m.alpha, m.beta, m.input_gain, m.scale, m.reset, m.precision)
    hidden = layer.run(units, current, v, membrane=current)  # in place: a current is read once
    peaks = readout.peaks(hidden.spikes, w2, model)
    drift = hidden.drift.sum(1) + (0.0 if encoded is None else encoded.drift.sum(1))
    logits = peaks.value + drift[:, None]
    return _Trace(units, encoded, hidden, peaks, logits, hidden.spikes.sum(dim=(0, 1)).double())


def _backward(
    inputs: EventBatch | Tensor,
    parameters: Parameters,
    model: Model,
    trace: _Trace,
    grad_logits: Tensor,
    grad_spike: Tensor,
) -> Parameters:
    """Gradients of the parameters from those of the logits (B, O), and of a spike of each unit by the penalty (H,).

    rows(t) = [d filtered spikes(t) | d current(t)], T + 1 of them a sample: see `units.backward`.
    """
    w1, v, w2, gain, bias = parameters
    spikes, membrane, _ = trace.hidden
    (nb_samples, nb_frames, nb_hidden), nb_classes = spikes.shape, w2.shape[1]
    rows = spikes.new_empty(nb_samples, nb_frames, nb_classes + nb_hidden)
    readout.peaks_back(trace.peaks.frame, grad_logits, rows, model)
    back = (w2 if v is None else torch.cat([w2, v], dim=1)).T.contiguous()
    nothing = grad_spike.new_zeros(1).expand(membrane.shape)
    layer.run_back(
        trace.units, membrane, grad_spike.expand(membrane.shape), nothing, rows, back, recurrent=v is not None
    )
    grad_current = rows[:, :-1, nb_classes:]
    grad_hidden = layer.weight_gradient(spikes, rows if v is not None else rows[:, :, :nb_classes])
    grad_v = None if v is None else grad_hidden[:, nb_classes:]
    grad_w2 = grad_hidden[:, :nb_classes]
    if isinstance(inputs, EventBatch):
        return Parameters(events.weight_gradient(inputs, grad_current, len(w1)), grad_v, grad_w2)
    assert trace.encoded is not None
    assert gain is not None
    assert bias is not None
    with full_float32():
        grad_w1 = trace.encoded.spikes.flatten(0, 1).T @ grad_current.flatten(0, 1)
        grad_encoded = grad_current @ w1.T
    analog = inputs.float().contiguous()
    of_encoder = encode_back(analog, gain, bias, model.beta, model.scale, trace.encoded.membrane, grad_encoded)
    return Parameters(grad_w1, grad_v, grad_w2, *of_encoder)


def _outcome(
    trace: _Trace, labels: Tensor, share: Tensor, strength: float, reduction: str, gradients: Parameters | None
) -> Outcome:
    nll = loss.nll(trace.logits, labels)
    mean = torch.dot(share.double(), nll.double())
    total = mean + loss.penalty(trace.counts, strength, reduction, len(labels))
    nb_correct = (trace.logits.argmax(dim=1) == labels).sum()
    return Outcome(total, nll, trace.logits, nb_correct, trace.counts.long(), gradients)
