"""Several hidden layers, dropout, time constants of each unit: against a program that takes all layers step by step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_step import SETTINGS, inputs

from snn_tune.snn import NetworkSettings, SpikingNetwork, cuba_lif, score, spike, spike_penalty, train_step
from snn_tune.snn.time_constants import draw

P = 0.4
STACKS = st.builds(
    replace,
    st.just(SETTINGS),
    nb_hidden=st.one_of(st.integers(1, 9), st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple)),
    recurrent=st.booleans(),
    reset=st.sampled_from(["zero", "subtract"]),
    scaled_input=st.booleans(),
    time_constants=st.sampled_from(["shared", "drawn", "trained"]),
    dropout=st.sampled_from([0.0, P]),
    init_scale=st.sampled_from([2.0, 20.0]),
)


def step_by_step(network: SpikingNetwork, dense: torch.Tensor, masks: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Logits, spikes and membranes of dense input (B, T, N): all layers take a step, then all take the next."""
    s, layers = network.settings, network.layers
    states = [[dense.new_zeros(len(dense), units) for _ in range(3)] for units in s.hidden]
    flt = out = best = 0.0 * network.w2[:1] + dense.new_zeros(len(dense), 1)  # in the graph
    spikes, membranes = [], []
    for x in dense.unbind(1):
        fired = []
        arriving = x
        for layer, state, mask in zip(layers, states, masks, strict=True):
            syn, mem, before = state
            alpha, beta, gain = layer.constants
            now = spike(mem, s.scale)
            fired.append(now)
            current = arriving @ layer.w + (0 if layer.v is None else before @ layer.v)
            after = beta * mem + gain * syn
            state[1] = after * (1 - now.detach()) if s.reset == "zero" else after - now.detach()
            state[0], state[2] = alpha * syn + current, now
            membranes.append(mem)
            arriving = now * mask
        spikes.append(torch.cat(fired, 1))
        out, flt = s.beta * out + s.input_gain * flt, s.alpha * flt + arriving @ network.w2
        best = torch.where(out > best, out, best)
    by_step = [torch.cat(membranes[i : i + len(layers)], 1) for i in range(0, len(membranes), len(layers))]
    return best, torch.stack(spikes, 1), torch.stack(by_step, 1)


@settings(max_examples=60, deadline=None)
@given(what=STACKS, steps=st.sampled_from([1, 2, 15]))
def test_a_stack_is_what_its_layers_do_step_by_step(what: NetworkSettings, steps: int) -> None:
    networks = [SpikingNetwork(what, seed=1, kernel="reference").double() for _ in range(2)]
    dense = torch.from_numpy(np.random.default_rng(2).poisson(0.4, (3, steps, 12))).double()
    rng = np.random.default_rng(7)
    masks = [torch.from_numpy((rng.random((3, units)) >= P) / (1 - P)) for units in what.hidden]
    masks = masks if what.dropout else [torch.ones(())] * len(masks)
    networks[0]._input_current = lambda batch: batch @ networks[0].w1  # dense, for events and analog alike
    found = networks[0](dense, np.random.default_rng(7))
    wanted = step_by_step(networks[1], dense, masks)
    ways = [torch.from_numpy(np.random.default_rng(3).normal(size=each.shape)) for each in wanted]
    for activity in (found, wanted):
        sum((each * way).sum() for each, way in zip(activity, ways, strict=True)).backward()
    for each, expected in zip(found, wanted, strict=True):
        torch.testing.assert_close(each, expected, rtol=1e-9, atol=1e-9)
    for (name, one), other in zip(networks[0].named_parameters(), networks[1].parameters(), strict=True):
        grads = [torch.zeros_like(each) if each.grad is None else each.grad for each in (one, other)]
        torch.testing.assert_close(*grads, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize(
    "changes",
    [{"nb_hidden": (9, 7)}, {"nb_layers": 3, "recurrent": False}, {"dropout": P}, {"time_constants": "drawn"},
     {"dropout": P, "recurrent": False, "nb_hidden": 70}, {"time_constants": "drawn", "scaled_input": True},
     {"dropout": P, "time_constants": "drawn", "reset": "subtract", "nb_hidden": 33},
     {"time_constants": "trained", "scaled_input": True, "init_scale": 20.0},
     {"nb_hidden": (7, 9), "dropout": P, "time_constants": "drawn", "reset": "subtract"}],
)  # fmt: skip
@pytest.mark.parametrize("analog", [False, True])
def test_layers_by_the_fast_kernel_agree_with_the_reference(changes: dict, analog: bool) -> None:
    what = replace(SETTINGS, **changes)
    if analog:
        what = replace(what, nb_inputs=3, units_per_channel=4, init_scale=60.0)
    labels, batch, found = torch.tensor([0, 3, 1, 2, 2]), inputs(what), {}
    for kernel in ("reference", "auto"):
        network = SpikingNetwork(what, kernel=kernel)
        drawn = {"rng": np.random.default_rng(5)} if what.dropout else {}
        told = train_step(network, batch, labels, strength=1e-3, reduction="sum_l2", **drawn)
        found[kernel] = network, told, score(network, batch, labels)
    (slow, *wanted), (fast, *got) = found.values()
    for one, other in zip(got, wanted, strict=True):
        assert one.spike_counts.shape == (sum(what.hidden),)
        for each, expected in zip(one, other, strict=True):
            torch.testing.assert_close(each.double(), expected.double(), rtol=1e-3, atol=1e-4)
    for (name, each), expected in zip(fast.named_parameters(), slow.parameters(), strict=True):
        assert (each.grad - expected.grad).norm() <= 1e-3 * expected.grad.norm(), name
    assert slow.w1.grad.norm() > 0


def test_one_layer_has_the_weights_that_it_ever_had() -> None:
    network = SpikingNetwork(SETTINGS, seed=3)
    assert list(network.state_dict()) == ["w1", "w2", "v"]
    others = [{"time_constants": "trained"}, {"time_constants": "drawn"}, {"dropout": P}, {"nb_layers": 1}]
    for changes in others:
        other = SpikingNetwork(replace(SETTINGS, **changes), seed=3)
        for name, weights in network.state_dict().items():
            assert weights.equal(other.state_dict()[name])


def test_deeper_weights_have_the_std_of_their_fan() -> None:
    what = replace(SETTINGS, nb_hidden=(100, 400), init_scale_recurrent=1.0)
    network = SpikingNetwork(what)
    assert [tuple(layer.w.shape) for layer in network.layers] == [(12, 100), (100, 400)]
    found = [float(each.detach().std()) for each in (network.layers[1].w, network.layers[1].v, network.w2)]
    np.testing.assert_allclose(found, (0.2, 0.05, 0.1), rtol=0.04)


def test_the_penalty_counts_all_layers() -> None:
    network, labels = SpikingNetwork(replace(SETTINGS, nb_layers=3)), torch.tensor([0, 3, 1, 2, 2])
    told = train_step(network, inputs(SETTINGS), labels)
    spikes = network(inputs(SETTINGS)).spikes
    assert spikes.shape[2] == 27
    assert all(part.sum() > 0 for part in told.spike_counts.split(9))
    assert float(spike_penalty(spikes.detach(), 2.0, "sum")) == 2.0 * float(told.spike_counts.sum())


def test_drawn_time_constants_lie_around_the_shared_ones() -> None:
    taus = draw(10.0, 100_000, torch.Generator().manual_seed(0))
    assert float(taus.mean()) == pytest.approx(10.0, rel=0.01)
    assert float(taus.std()) == pytest.approx(10.0 / 3**0.5, rel=0.01)  # Gamma of shape 3
    assert 1.0 <= float(taus.min()) < float(taus.max()) <= 100.0
    one, other = (SpikingNetwork(replace(SETTINGS, time_constants="drawn"), seed=seed).layers[0] for seed in (1, 2))
    for decay, another in zip(one.constants[:2], other.constants[:2], strict=True):
        assert not decay.equal(another)
        assert 0 < decay.min() < decay.max() < 1


def test_trained_time_constants_start_as_drawn_and_stay_between_0_and_1() -> None:
    drawn, trained = (SpikingNetwork(replace(SETTINGS, time_constants=kind)) for kind in ("drawn", "trained"))
    for one, other in zip(drawn.layers[0].constants, trained.layers[0].constants, strict=True):
        torch.testing.assert_close(torch.as_tensor(one), torch.as_tensor(other))
    optimizer = torch.optim.Adam(trained.parameters(), lr=3.0)
    for _ in range(5):
        train_step(trained, inputs(SETTINGS), torch.tensor([0, 3, 1, 2, 2]))
        optimizer.step()
    alpha, beta, _ = trained.layers[0].constants
    assert not alpha.equal(drawn.layers[0].constants.alpha)
    for decay in (alpha, beta):
        assert 0 <= decay.min() < decay.max() <= 1


def test_the_gradient_of_time_constants_by_finite_differences() -> None:
    """Below the threshold, where the membrane is a smooth function of them."""
    rng = np.random.default_rng(0)
    current, logits = torch.from_numpy(rng.normal(0, 0.1, (2, 9, 5))), torch.from_numpy(rng.normal(1, 1, (2, 5)))
    ways = torch.from_numpy(rng.normal(size=(2, 9, 5)))

    def loss(logits: torch.Tensor) -> torch.Tensor:
        alpha, beta = logits.sigmoid()
        spikes, membrane = cuba_lif(current, alpha=alpha, beta=beta, scale=10.0, input_gain=1 - beta)
        assert spikes.sum() == 0
        return (membrane * ways).sum()

    assert torch.autograd.gradcheck(loss, logits.requires_grad_())


def test_dropout_is_of_whole_units_and_of_training_alone() -> None:
    network, batch = SpikingNetwork(replace(SETTINGS, dropout=P, recurrent=False)), inputs(SETTINGS)
    with torch.no_grad():
        network.w2.copy_(torch.eye(9)[:, :4])
        plain, dropped = network(batch), network(batch, np.random.default_rng(1))
    assert plain.spikes.equal(dropped.spikes)  # what the layer does is not touched, only what reads it
    quiet = plain.logits == 0
    ratio = dropped.logits[~quiet] / plain.logits[~quiet]
    assert {round(float(each), 4) for each in ratio} == {0.0, round(1 / (1 - P), 4)}
    again, other = (network(batch, np.random.default_rng(seed)).logits for seed in (1, 2))
    assert dropped.logits.equal(again)
    assert not dropped.logits.equal(other)
