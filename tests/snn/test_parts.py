"""A batch in parts is the batch: same scores, same gradients, same units dropped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_step import ANALOG, LABELS, SETTINGS, Deaf, inputs

from snn_tune.snn import SpikingNetwork, parts, score, train_step
from snn_tune.snn.parts import AT_ONCE

DEEP = replace(SETTINGS, nb_hidden=(9, 7), dropout=0.4)
DEEP_ANALOG = replace(ANALOG, nb_hidden=(9, 7), init_scale=60.0)


@pytest.mark.parametrize("settings", [DEEP, DEEP_ANALOG, replace(DEEP, recurrent=False, time_constants="drawn")])
@pytest.mark.parametrize("reduction", ["sum", "sum_l2", "mean"])
@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 3.0, 0.5])])
def test_parts_together_are_the_batch(settings, reduction, weights, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for size in (2, AT_ONCE):  # of five samples
        monkeypatch.setattr(parts, "AT_ONCE", size)
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
    deep, nb_samples = SpikingNetwork(DEEP), 3 * AT_ONCE + 1
    assert len(parts.parts(deep, nb_samples)) == 4
    whole = [slice(0, nb_samples)]
    assert parts.parts(deep, nb_samples, "sum_l2") == whole
    assert parts.parts(Deaf(DEEP_ANALOG), nb_samples) == whole
    assert parts.parts(SpikingNetwork(DEEP, kernel="reference"), nb_samples) == whole
    assert parts.parts(SpikingNetwork(replace(DEEP, time_constants="trained")), nb_samples) == whole
