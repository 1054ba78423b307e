"""A batch in micro-batches: what goes layer by layer takes as many samples through all layers as the cache holds."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels import decide
from snn_tune.snn.network import Activity, SpikingNetwork

FLOATS = 5_000_000  # spikes at once, each with a membrane and gradients: of 2 x 400 units and 100 steps 62 samples


def forward(
    network: nn.Module, inputs: EventBatch | Tensor, reduction: str = "sum", rng: np.random.Generator | None = None
) -> Iterator[tuple[slice, Activity]]:
    """Take a batch through the network: which samples, and what they did.

    All at once, where the cpu kernel does not compute each layer: a loop over time takes as long for fewer. So do those
    of another class, which may look across the batch, as the penalty of squares does.
    """
    nb_samples, size = len(inputs), len(inputs)
    if type(network) is SpikingNetwork and reduction != "sum_l2" and _on_cpu_kernel(network):
        nb_steps = inputs.nb_steps if isinstance(inputs, EventBatch) else inputs.shape[1]
        size = max(1, FLOATS // max(1, nb_steps * sum(network.settings.hidden)))
    if size >= nb_samples:
        yield slice(nb_samples), network(inputs, rng) if rng else network(inputs)
        return
    assert isinstance(network, SpikingNetwork)
    kept = network.kept(nb_samples, rng)  # of all at once: the same draws
    for first in range(0, nb_samples, size):
        part = slice(first, first + size)
        yield part, network(inputs[part], kept=[None if each is None else each[part] for each in kept])


def _on_cpu_kernel(network: SpikingNetwork) -> bool:
    layers = (decide(network.kernel, layer.w, layer.v, *layer.constants) for layer in network.layers)
    return all(choice.kernel == "cpu" for choice in layers)
