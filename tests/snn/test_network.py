"""The network as a whole: packed events against a dense input, initial weights, the encoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snn_tune.datasets.events import Packer
from snn_tune.snn import NetworkSettings, SpikingNetwork, cuba_lif

SETTINGS = NetworkSettings(
    nb_inputs=12, nb_hidden=9, nb_classes=4, dt=1e-3, tau_mem=10e-3, tau_syn=5e-3, scale=20.0, recurrent=True,
    reset="zero", scaled_input=False, units_per_channel=0, init_scale=2.0, init_scale_recurrent=0.5, init_fan="in",
)  # fmt: skip


def test_events_give_the_current_of_the_dense_input() -> None:
    dense = np.random.default_rng(0).poisson(0.3, (3, 15, 12))
    packer = Packer(15, 12)
    packer.add(3, *(np.repeat(where, dense[dense > 0]) for where in dense.nonzero()))
    network = SpikingNetwork(SETTINGS).double()
    activity = network(packer.events().batch(torch.arange(3)))
    current = torch.tensor(dense, dtype=torch.float64) @ network.w1
    spikes, membrane = cuba_lif(current, network.v, alpha=SETTINGS.alpha, beta=SETTINGS.beta, scale=20.0)
    assert spikes.sum() > 10
    torch.testing.assert_close(activity.membrane, membrane)
    torch.testing.assert_close(activity.spikes, spikes)


@pytest.mark.parametrize(("fan", "stds"), [("in", (0.2, 0.1, 0.05)), ("out", (0.1, 0.4, 0.05))])
def test_initial_weights_have_the_std_of_the_fan(fan: str, stds: tuple[float, float, float]) -> None:
    settings = replace(SETTINGS, nb_inputs=100, nb_hidden=400, nb_classes=25, init_fan=fan, init_scale_recurrent=1.0)
    network = SpikingNetwork(settings)
    found = [float(weights.detach().std()) for weights in (network.w1, network.w2, network.v)]
    np.testing.assert_allclose(found, stds, rtol=0.03)


def test_the_seed_alone_decides_the_weights() -> None:
    torch.manual_seed(1)
    first = SpikingNetwork(SETTINGS, seed=3)
    torch.rand(100)
    second, other = SpikingNetwork(SETTINGS, seed=3), SpikingNetwork(SETTINGS, seed=4)
    assert torch.equal(first.w1, second.w1)
    assert not torch.equal(first.w1, other.w1)


def test_encoder_by_hand_and_its_gradients() -> None:
    """A constant input of 2 with gain 1, bias 0: enc(t) = 2 (1 - beta^t), which crosses 1 and starts again at 0."""
    settings = replace(SETTINGS, nb_inputs=1, units_per_channel=2, tau_mem=1e-3 / np.log(2))  # beta = 0.5
    network = SpikingNetwork(settings)
    with torch.no_grad():
        network.encoder.gain.copy_(torch.tensor([1.0, 3.0]))
        network.encoder.bias.copy_(torch.tensor([0.0, -1.0]))
    spikes = network.encode(torch.full((1, 6, 1), 2.0))
    assert spikes[0, :, 0].tolist() == [0, 0, 1, 0, 0, 1]  # 0, 1 (at the threshold: no spike), 1.5, 0, 1, 1.5
    assert spikes[0, :, 1].tolist() == [0, 1, 0, 1, 0, 1]  # 0, 1.5, 0, 1.5, ...
    spikes.sum().backward()
    assert network.encoder.gain.grad.abs().min() > 0
    assert network.encoder.bias.grad.abs().min() > 0


def test_encoder_units_read_the_channels_in_turn() -> None:
    network = SpikingNetwork(replace(SETTINGS, nb_inputs=2, units_per_channel=3))
    with torch.no_grad():
        network.encoder.gain.fill_(1.0)
        network.encoder.bias.zero_()
    analog = torch.zeros(1, 30, 2)
    analog[:, :, 1] = 9.0
    assert network.encode(analog).sum(1).bool().tolist() == [[False, True] * 3]
