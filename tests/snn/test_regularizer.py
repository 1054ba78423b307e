import torch

from snn_tune.snn import spike_penalty

SPIKES = torch.tensor([[[1.0, 0], [1, 1]], [[0, 0], [1, 0]]])  # (2, 2, 2): unit 0 fires 3 times, unit 1 once


def test_reductions_by_hand() -> None:
    assert spike_penalty(SPIKES, 0.5, "sum").item() == 2.0
    assert spike_penalty(SPIKES, 0.5, "sum_l2").item() == 2.0 + 0.5 * (9 + 1) / 2
    assert spike_penalty(SPIKES, 0.5, "mean").item() == 0.5 * 4 / 4
