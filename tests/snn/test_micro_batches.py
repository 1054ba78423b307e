"""A batch in micro-batches is the batch: same scores, same gradients, same units dropped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_step import ANALOG, LABELS, SETTINGS, Deaf, inputs

from snn_tune.snn import NetworkSettings, SpikingNetwork, micro_batches, score, train_step

DEEP = replace(SETTINGS, nb_hidden=(9, 7), dropout=0.4)
DEEP_ANALOG = replace(ANALOG, nb_hidden=(9, 7), init_scale=60.0)


@pytest.mark.parametrize("settings", [DEEP, DEEP_ANALOG, replace(DEEP, recurrent=False, time_constants="drawn")])
@pytest.mark.parametrize("reduction", ["sum", "sum_l2", "mean"])
@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 3.0, 0.5]), torch.tensor([0.0, 1.0, 1.0, 0.0])])
def test_together_they_are_the_batch(
    settings: NetworkSettings, reduction: str, weights: torch.Tensor | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for nb_samples in (2, 5):  # of five; weights of 0 leave the first two without any
        monkeypatch.setattr(micro_batches, "FLOATS", nb_samples * 15 * 16)
        network, batch = SpikingNetwork(settings), inputs(settings)
        what = {"strength": 1e-2, "reduction": reduction, "class_weights": weights, "rng": np.random.default_rng(1)}
        found.append((network, train_step(network, batch, LABELS, **what), score(network, batch, LABELS)))
    (network, *scores), (other, *expected) = found
    for one, whole in zip(scores, expected, strict=True):
        assert one.spike_counts.equal(whole.spike_counts)
        for each, wanted in zip(one, whole, strict=True):
            torch.testing.assert_close(each, wanted)
    for (name, each), wanted in zip(network.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(
            each.grad, wanted.grad, rtol=1e-4, atol=1e-6, msg=lambda text, name=name: name + text
        )
    assert network.w1.grad.norm() > 0


def test_what_may_look_across_the_batch_sees_all_of_it() -> None:
    torch.manual_seed(0)
    batch = torch.randn(micro_batches.FLOATS // (15 * 16) + 1, 15, 3)
    deep = SpikingNetwork(DEEP_ANALOG)

    def sizes(network: SpikingNetwork, reduction: str = "sum") -> list[int]:
        with torch.no_grad():
            return [len(activity.logits) for _, activity in micro_batches.forward(network, batch, reduction)]

    assert sizes(deep) == [len(batch) - 1, 1]
    assert sizes(deep, "mean") == [len(batch) - 1, 1]
    assert sizes(deep, "sum_l2") == [len(batch)]
    assert sizes(Deaf(DEEP_ANALOG)) == [len(batch)]


@pytest.mark.parametrize("changes", [{}, {"time_constants": "trained"}])
def test_a_loop_over_time_takes_all_at_once(changes: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_batches, "FLOATS", 1)
    networks = {kernel: SpikingNetwork(replace(DEEP, **changes), kernel=kernel) for kernel in ("reference", "auto")}
    found = {kernel: len(list(micro_batches.forward(one, inputs(DEEP)))) for kernel, one in networks.items()}
    assert found == {"reference": 1, "auto": 1 if changes else 5}
