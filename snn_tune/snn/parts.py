"""A batch in parts: what goes layer by layer takes as many samples through all layers as the cache can hold."""

from torch import Tensor, nn

from snn_tune.snn.kernels import decide
from snn_tune.snn.network import SpikingNetwork

AT_ONCE = 64  # samples: of two recurrent layers of 400 units a step takes 0.46 s, all 256 at once 0.67, by 16 0.66


def parts(network: nn.Module, nb_samples: int, reduction: str = "sum") -> list[slice]:
    """The samples that go through the network together.

    All of them, where the cpu kernel does not compute each layer: a loop over time takes as long for fewer. So do those
    of another class, which may look across the batch, as the penalty of squares does.
    """
    several = type(network) is SpikingNetwork and reduction != "sum_l2" and _on_cpu_kernel(network)
    size = AT_ONCE if several else nb_samples
    return [slice(first, first + size) for first in range(0, nb_samples, size)]


def share(part: slice, labels: Tensor, class_weights: Tensor | None) -> float | Tensor:
    """Of a part's `weighted_nll` in that of the batch."""
    return _weight(labels[part], class_weights) / _weight(labels, class_weights)


def _weight(labels: Tensor, class_weights: Tensor | None) -> float | Tensor:
    return float(len(labels)) if class_weights is None else class_weights[labels].sum()


def _on_cpu_kernel(network: SpikingNetwork) -> bool:
    layers = (decide(network.kernel, layer.w, layer.v, *layer.constants) for layer in network.layers)
    return all(choice.kernel == "cpu" for choice in layers)
