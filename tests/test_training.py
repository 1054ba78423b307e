"""Training on a small randman: results are whole, repeatable and honest."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from snn_tune.datasets.dataset import Analog, Dataset, take
from snn_tune.datasets.events import EventBatch
from snn_tune.datasets.randman import Randman
from snn_tune.network_settings import network_settings
from snn_tune.parameters import Parameters
from snn_tune.scoring import activity_tag, evaluate
from snn_tune.snn import Activity, NetworkSettings, SpikingNetwork
from snn_tune.training import Outcome, divergence, fit
from snn_tune.trial import Epoch

DATA = Randman(name="randman", nb_inputs=20, nb_classes=3, dim_manifold=1, nb_train=120, nb_valid=47, nb_test=53)
PARAMETERS = Parameters(
    nb_hidden=20, nb_steps=30, scale=10, regularizer=1e-5, lr=1e-2, nb_epochs=6, batch_size=25,
    tau_mem=1e-2, tau_syn=5e-3, init_scale=0.8,
)  # fmt: skip


@pytest.fixture(scope="module")
def data() -> Dataset:
    return DATA.load(30, None)


def analog() -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    values = (rng.normal(size=(60, 10, 2)) + 2 * labels[:, None, None]).astype(np.float32)
    source = Analog(torch.from_numpy(values), repeats=2)
    samples = dict(zip(("train", "valid", "test"), np.arange(60).reshape(3, 20), strict=True))
    parts = {name: take(source, labels, where) for name, where in samples.items()}
    return Dataset(**parts, nb_inputs=2, nb_classes=3, nb_steps=20, fingerprint="")


def run(data: Dataset, seed: int = 0, **changes: object) -> tuple[list[Epoch], Outcome]:
    *trained, outcome = fit(PARAMETERS.model_copy(update=changes), seed, data)
    return [result.epoch for result in trained], outcome


def same(first: object, second: object) -> bool:
    """Bit for bit, but for run times."""

    def numbers(metrics: dict[str, float]) -> dict[str, float]:
        return {name: value for name, value in metrics.items() if not name.endswith("time_s")}

    (epochs, outcome), (other_epochs, other) = first, second
    return (
        [numbers(epoch.metrics) for epoch in epochs] == [numbers(epoch.metrics) for epoch in other_epochs]
        and numbers(outcome.metrics) == numbers(other.metrics)
        and all(torch.equal(w, other.model["weights"][name]) for name, w in outcome.model["weights"].items())
        and all(np.array_equal(array, other.evidence[name]) for name, array in outcome.evidence.items())
    )


def test_it_learns_and_reports_every_epoch(data: Dataset) -> None:
    epochs, outcome = run(data, nb_epochs=15)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 16))
    assert outcome.state == "finished"
    assert outcome.metrics["best_test_accuracy"] > 0.8
    best = max(epochs, key=lambda epoch: (epoch.metrics["valid_accuracy"], -epoch.metrics["valid_loss"]))
    assert outcome.metrics["best_epoch"] == best.epoch
    assert outcome.metrics["best_valid_accuracy"] == best.metrics["valid_accuracy"]
    assert outcome.metrics["run_time_s"] == pytest.approx(sum(epoch.metrics["epoch_time_s"] for epoch in epochs))


def test_the_same_trial_gives_the_same_bits_whatever_ran_before(data: Dataset) -> None:
    first = run(data)
    torch.manual_seed(99)
    run(data, nb_hidden=33, seed=5)
    np.random.rand(10)
    assert same(first, run(data))
    assert not same(first, run(data, seed=1))


def test_what_a_trial_took_is_free_at_its_end(data: Dataset) -> None:
    """Without Python's search for rings of references: it may come many trials later."""
    made = []

    def network(settings: NetworkSettings, *, seed: int) -> SpikingNetwork:
        own = SpikingNetwork(settings, seed=seed)
        made.append(weakref.ref(own))
        return own

    gc.collect()
    gc.disable()
    try:
        assert isinstance(list(fit(PARAMETERS, 0, data, network=network))[-1], Outcome)
        assert made[0]() is None
    finally:
        gc.enable()


def test_a_longer_trial_begins_as_the_shorter_one(data: Dataset) -> None:
    """A lineage is one training: no draw and no schedule depends on nb_epochs."""
    short, long = run(data, nb_epochs=2)[0], run(data, nb_epochs=4)[0]
    for epoch, other in zip(short, long, strict=False):
        assert epoch.metrics["train_loss"] == other.metrics["train_loss"]


def test_every_sample_is_scored_whatever_the_batch(data: Dataset) -> None:
    _, outcome = run(data, nb_epochs=1)
    assert outcome.evidence["confusion"].sum() == 53
    assert (outcome.evidence["confusion"].sum(1) == np.bincount(data.test.labels)).all()
    accuracy = outcome.evidence["confusion"].trace() / 53
    assert outcome.metrics["best_test_accuracy"] == pytest.approx(accuracy)
    network = SpikingNetwork(NetworkSettings(**outcome.model["network"]))
    network.load_state_dict(outcome.model["weights"])
    for batch_size in (1, 7, 53, 1000):
        assert evaluate(network, data.test, batch_size).accuracy == pytest.approx(accuracy)


def test_the_evidence_is_what_the_best_network_does(data: Dataset) -> None:
    _, outcome = run(data)
    evidence = outcome.evidence
    network = SpikingNetwork(NetworkSettings(**outcome.model["network"]))
    network.load_state_dict(outcome.model["weights"])
    inputs, labels = next(data.test.batches(3, evidence["sample"]))
    activity = network(inputs)
    assert len(set(labels.tolist())) == 3
    assert np.array_equal(evidence["spikes"], activity.spikes.detach().numpy())
    assert evidence["membrane"].shape == (3, 30, 10)
    assert evidence["input_unit"].tolist() == inputs.bags().units.tolist()
    assert evidence["input_step"].max() < 30


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_reason(data: Dataset) -> None:
    epochs, outcome = run(data, lr=1e36)
    assert outcome.state == "diverged"
    assert "not finite" in outcome.reason
    assert outcome.reason.endswith(f"in epoch {len(epochs) + 1}")
    assert len(epochs) < PARAMETERS.nb_epochs
    assert set(outcome.metrics) == {"run_time_s"}


def test_weights_that_are_no_numbers_are_not_taken_for_a_silent_network(data: Dataset) -> None:
    """The loss stays finite: a membrane that is no number never fires."""
    network = SpikingNetwork(network_settings(PARAMETERS, data))
    with torch.no_grad():
        network.w1[0, 0] = float("nan")
    assert "w1" in divergence(network, 1.0, 1.0)


def test_a_silent_network_finishes_and_is_tagged(data: Dataset) -> None:
    _, outcome = run(data, init_scale=1e-3, init_scale_recurrent=1e-3, lr=1e-9, nb_epochs=1)
    assert (outcome.state, outcome.activity) == ("finished", "silent")


@pytest.mark.parametrize(
    ("spikes", "reset", "tag"),
    [(0, "zero", "silent"), (9e-4, "zero", "silent"), (1, "zero", ""), (46, "zero", "saturated"), (46, "subtract", ""),
     (91, "subtract", "saturated")],
)  # fmt: skip
def test_activity_of_100_steps(spikes: float, reset: str, tag: str) -> None:
    assert activity_tag(spikes, 100, reset) == tag


@pytest.mark.parametrize(
    "changes",
    [{"nb_hidden": 1}, {"batch_size": 1, "nb_epochs": 1}, {"batch_size": 10**6}, {"optimizer": "adam"},
     {"reset": "subtract", "reduction": "sum_l2"}, {"reduction": "mean", "recurrent": False},
     {"class_weights": "balanced", "scaled_input": True}, {"nb_hidden": (9, 1, 7)}, {"nb_layers": 2, "dropout": 0.5},
     {"time_constants": "drawn", "dropout": 0.2}, {"time_constants": "trained", "recurrent": False}],
)  # fmt: skip
def test_odd_sizes_and_every_setting_train(data: Dataset, changes: dict) -> None:
    assert run(data, **{"nb_epochs": 2, **changes})[1].state == "finished"


def test_layers_learn_and_their_file_builds_the_network_again(data: Dataset, tmp_path: Path) -> None:
    epochs, outcome = run(data, nb_hidden=(20, 15), dropout=0.1, time_constants="trained", nb_epochs=15)
    assert outcome.metrics["best_test_accuracy"] > 0.6
    assert outcome.evidence["spikes"].shape == (3, 30, 35)
    assert 0 < epochs[-1].metrics["spikes_per_neuron"] < 15
    torch.save(outcome.model, tmp_path / "model.pt")
    model = torch.load(tmp_path / "model.pt", weights_only=True)
    network = SpikingNetwork(NetworkSettings(**model["network"]))
    network.load_state_dict(model["weights"])
    assert evaluate(network, data.test, 25).accuracy == outcome.metrics["best_test_accuracy"]
    start = SpikingNetwork(network.settings, seed=0)
    for one, other in zip(start.layers, network.layers, strict=True):
        assert not one.constants.alpha.equal(other.constants.alpha)


class Rates(nn.Module):
    """A network of one's own: no time, one weight for each input unit and class."""

    def __init__(self, settings: NetworkSettings, *, seed: int) -> None:
        super().__init__()
        self.settings = settings
        shape = settings.nb_inputs, settings.nb_classes
        self.w = nn.Parameter(0.01 * torch.randn(shape, generator=torch.Generator().manual_seed(seed)))

    def forward(self, batch: EventBatch) -> Activity:
        unit, count, offsets = batch.bags()
        step = torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff())
        dense = torch.zeros(len(offsets) - 1, self.settings.nb_inputs).index_put((step, unit.long()), count)
        dense = dense.view(len(batch), batch.nb_steps, -1)
        return Activity(dense.cumsum(1).mean(1) @ self.w, dense, dense)


def test_a_network_of_ones_own_is_trained_and_scored(data: Dataset) -> None:
    parameters = PARAMETERS.model_copy(update={"nb_epochs": 20, "lr": 5e-2, "regularizer": 0.0})
    *trained, outcome = fit(parameters, 1, data, network=Rates)
    assert outcome.state == "finished"
    assert trained[-1].epoch.metrics["train_loss"] < trained[0].epoch.metrics["train_loss"] - 0.1
    assert outcome.evidence["spikes"].shape == (3, 30, 20)
    assert set(outcome.model["weights"]) == {"w"}
    half = [next(results) for results in [fit(parameters, 1, data, network=Rates)] for _ in range(10)]
    *again, other = fit(parameters, 1, data, network=Rates, start=half[-1].snapshot())
    assert same(([each.epoch for each in again], other), ([each.epoch for each in trained], outcome))


def test_one_time_step_trains() -> None:
    assert run(DATA.load(1, None), nb_steps=1, nb_epochs=1)[1].activity == "silent"


def test_analog_data_trains_its_encoder() -> None:
    data = analog()
    epochs, outcome = run(
        data, nb_steps=20, scaled_input=True, init_scale=3.0, lr=5e-2, nb_epochs=20, units_per_channel=8
    )
    assert epochs[-1].metrics["train_loss"] < epochs[0].metrics["train_loss"] - 0.1
    assert outcome.evidence["encoded"].shape == (3, 20, 16)
    assert outcome.model["network"]["dt"] == PARAMETERS.dt / 2
    start = SpikingNetwork(NetworkSettings(**outcome.model["network"]), seed=0)
    assert not torch.equal(outcome.model["weights"]["encoder.gain"], start.encoder.gain)
