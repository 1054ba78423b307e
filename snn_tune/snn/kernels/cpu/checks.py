"""Compiled code tests no index: what reaches it is tested here."""

import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels import check_units
from snn_tune.snn.kernels.cpu.batch import Model, Parameters
from snn_tune.snn.time_constants import Constants


def check(inputs: EventBatch | Tensor, labels: Tensor, parameters: Parameters, model: Model) -> None:
    """Raise a ValueError, which names the argument, where they do not fit each other."""
    if model.precision not in ("exact", "truncated"):
        raise ValueError(f"precision must be 'exact' or 'truncated' on the CPU; it is {model.precision!r}")
    check_units(model.reset, model.scale)
    for name, tensor in parameters._asdict().items():
        if tensor is not None and (tensor.dtype != torch.float32 or tensor.device.type != "cpu"):
            raise ValueError(f"{name} must be float32 on the CPU; it is {tensor.dtype} on {tensor.device}")
    w1, v, w2, gain, bias = parameters
    if w1.ndim != 2 or w2.ndim != 2:
        raise ValueError(f"w1 and w2 must be matrices; they are {tuple(w1.shape)} and {tuple(w2.shape)}")
    (nb_inputs, nb_hidden), nb_classes = w1.shape, w2.shape[1]
    shapes: dict[str, tuple[Tensor | None, tuple[int, ...]]] = {
        "w2": (w2, (nb_hidden, nb_classes)),
        "v": (v, (nb_hidden, nb_hidden)),
    }
    shapes |= {"gain": (gain, (nb_inputs,)), "bias": (bias, (nb_inputs,))}
    for name, (tensor, shape) in shapes.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must be {shape} beside w1 {tuple(w1.shape)}; it is {tuple(tensor.shape)}")
    for name, constant in (model.hidden or Constants(0.0, 0.0, 0.0))._asdict().items():
        if isinstance(constant, Tensor):
            check_hidden(name, constant, (nb_hidden,))
    if labels.ndim != 1 or labels.dtype.is_floating_point or not 0 < len(labels) == len(inputs):
        found = f"{tuple(labels.shape)} of {labels.dtype}"
        raise ValueError(f"labels must be integers, one for each of the {len(inputs)} samples; they are {found}")
    if not 0 <= int(labels.min()) <= int(labels.max()) < nb_classes:
        raise ValueError(f"labels must be 0 to {nb_classes - 1}; they are {int(labels.min())} to {int(labels.max())}")
    if isinstance(inputs, EventBatch):
        if gain is not None or bias is not None:
            raise ValueError("events need no encoder: parameters.gain and parameters.bias must be None")
        check_events(inputs, nb_inputs)
    elif gain is None or bias is None:
        raise ValueError("analog input needs an encoder: parameters.gain and parameters.bias")
    elif inputs.ndim != 3 or 0 in inputs.shape or nb_inputs % inputs.shape[2] != 0:
        raise ValueError(f"inputs must be (B, T, channels), {nb_inputs} units a multiple; it is {tuple(inputs.shape)}")


def check_hidden(name: str, values: Tensor | None, shape: tuple[int, ...]) -> None:
    """Raise a ValueError if these values of hidden units have another shape, or are not float32 on the CPU."""
    if values is None:
        return
    if tuple(values.shape) != shape or values.dtype != torch.float32 or values.device.type != "cpu":
        found = f"{tuple(values.shape)} of {values.dtype} on {values.device}"
        raise ValueError(f"{name} must be {shape}, float32 on the CPU; it is {found}")


def check_events(events: EventBatch, nb_inputs: int) -> None:
    """Raise a ValueError if they are not of so many units, or a sample is none of theirs."""
    if events.events.nb_units != nb_inputs:
        raise ValueError(f"inputs must be of {nb_inputs} units, as w1 is; they are of {events.events.nb_units}")
    if events.samples.ndim != 1 or events.samples.dtype != torch.int64:
        found = f"{tuple(events.samples.shape)} of {events.samples.dtype}"
        raise ValueError(f"inputs.samples must be int64, of one dimension; they are {found}")
    samples = events.samples.numpy()
    if not 0 <= samples.min() <= samples.max() < len(events.events):
        raise ValueError(
            f"inputs.samples must be 0 to {len(events.events) - 1}; they are {samples.min()} to {samples.max()}"
        )
