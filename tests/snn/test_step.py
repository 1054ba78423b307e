"""A batch by one call: the kernels agree, on events and on analog input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snn_tune.datasets.events import Packer
from snn_tune.snn import NetworkSettings, SpikingNetwork, score, spike_penalty, train_step, weighted_nll
from snn_tune.snn.step import kernel_of

SETTINGS = NetworkSettings(
    nb_inputs=12, nb_hidden=9, nb_classes=4, dt=1e-3, tau_mem=10e-3, tau_syn=5e-3, scale=20.0, recurrent=True,
    reset="zero", scaled_input=False, units_per_channel=0, init_scale=2.0, init_scale_recurrent=0.5, init_fan="in",
)  # fmt: skip
ANALOG = replace(SETTINGS, nb_inputs=3, units_per_channel=4, scaled_input=True, init_scale=30.0)
LABELS = torch.tensor([0, 3, 1, 2, 2])


def inputs(settings: NetworkSettings) -> object:
    rng = np.random.default_rng(2)
    if settings.units_per_channel:
        return torch.tensor(rng.normal(0, 2, (5, 15, 3)), dtype=torch.float32)
    dense = rng.poisson(0.3, (5, 15, 12))
    packer = Packer(15, 12)
    packer.add(5, *(np.repeat(where, dense[dense > 0]) for where in dense.nonzero()))
    return packer.events().batch(torch.arange(5))


@pytest.mark.parametrize("settings", [SETTINGS, replace(SETTINGS, recurrent=False, reset="subtract"), ANALOG])
@pytest.mark.parametrize("reduction", ["sum", "sum_l2", "mean"])
def test_kernels_agree(settings: NetworkSettings, reduction: str) -> None:
    weights = torch.tensor([1.0, 2.0, 3.0, 0.5])
    networks = [SpikingNetwork(settings, kernel=kernel) for kernel in ("reference", "cpu", "gpu")]
    batch = inputs(settings)
    for network in networks:
        found = train_step(network, batch, LABELS, strength=1e-3, reduction=reduction, class_weights=weights)
        alone = score(network, batch, LABELS)
        for array, other in zip(found, alone, strict=True):
            torch.testing.assert_close(array, other)
        assert found.spike_counts.sum() > 10
    for reference, *others in zip(*(network.parameters() for network in networks), strict=True):
        assert reference.grad.norm() > 0
        for fast in others:
            assert (fast.grad - reference.grad).norm() <= 1e-3 * reference.grad.norm()


def test_gradients_are_those_of_the_loss_and_replace_the_last_ones() -> None:
    network, batch = SpikingNetwork(SETTINGS, kernel="reference"), inputs(SETTINGS)
    activity = network(batch)
    (weighted_nll(activity.logits, LABELS) + spike_penalty(activity.spikes, 0.01, "mean")).backward()
    expected = network.w1.grad.clone()
    for kernel in ("reference", "cpu", "cpu"):
        network.kernel = kernel
        train_step(network, batch, LABELS, strength=0.01, reduction="mean")
        torch.testing.assert_close(network.w1.grad, expected, rtol=1e-3, atol=1e-6)


class Deaf(SpikingNetwork):
    """Its encoder hears nothing."""

    def encode(self, analog: torch.Tensor) -> torch.Tensor:
        return super().encode(analog) * 0.0


def test_what_a_subclass_computes_is_what_is_trained() -> None:
    batch = inputs(ANALOG)
    whole, deaf = SpikingNetwork(ANALOG, kernel="cpu"), Deaf(ANALOG, kernel="cpu")
    assert (kernel_of(whole), kernel_of(deaf)) == ("cpu", "reference")
    assert train_step(whole, batch, LABELS, strength=0.0).spike_counts.sum() > 0
    for found in (train_step(deaf, batch, LABELS, strength=0.0), score(deaf, batch, LABELS)):
        assert found.spike_counts.sum() == 0
