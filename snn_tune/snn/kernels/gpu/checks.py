"""What fits what, by shapes, types and devices alone: a value read back would make the processor wait."""

import torch
from torch import Tensor

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels import check_units
from snn_tune.snn.kernels.cpu import Model, Parameters
from snn_tune.snn.kernels.gpu.launch import MAX_RECURRENT
from snn_tune.snn.kernels.gpu.layer import check_precision, covers


def check(inputs: EventBatch | Tensor, labels: Tensor, parameters: Parameters, model: Model) -> None:
    """Raise a ValueError, which names the argument, where they do not fit each other."""
    check_precision(model.precision)
    check_units(model.reset, model.scale)
    if model.hidden is not None:
        raise ValueError("model.hidden must be None: hidden units share their constants on this kernel")
    w1, v, w2, gain, bias = parameters
    for name, tensor in parameters._asdict().items():
        if tensor is not None and not covers(tensor):
            raise ValueError(f"{name} must be float32 on a GPU; it is {tensor.dtype} on {tensor.device}")
    (nb_inputs, nb_hidden), nb_classes = w1.shape, w2.shape[1]
    if not covers(w1, v):
        raise ValueError(f"v must be of {MAX_RECURRENT} units at most; it is of {nb_hidden}")
    _check_shapes(parameters, {
        "w2": (nb_hidden, nb_classes), "v": (nb_hidden, nb_hidden), "gain": (nb_inputs,), "bias": (nb_inputs,)
    })  # fmt: skip
    if len(labels) == 0 or len(labels) != len(inputs) or labels.dtype != torch.int64:
        raise ValueError(f"labels must be int64, one for each of the {len(inputs)} samples, at least one")
    if isinstance(inputs, EventBatch):
        if gain is not None or bias is not None:
            raise ValueError("events need no encoder: parameters.gain and parameters.bias must be None")
        if inputs.events.nb_units != nb_inputs:
            raise ValueError(f"inputs must be of {nb_inputs} units, as w1 is; they are of {inputs.events.nb_units}")
    elif gain is None or bias is None:
        raise ValueError("analog input needs an encoder: parameters.gain and parameters.bias")
    elif inputs.ndim != 3 or nb_inputs % inputs.shape[2] != 0:
        raise ValueError(f"inputs must be (B, T, channels), {nb_inputs} units a multiple; it is {tuple(inputs.shape)}")


def _check_shapes(parameters: Parameters, shapes: dict[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        tensor = getattr(parameters, name)
        if tensor is not None and tuple(tensor.shape) != shape:
            beside = tuple(parameters.w1.shape)
            raise ValueError(f"{name} must be {shape} beside w1 {beside}; it is {tuple(tensor.shape)}")
