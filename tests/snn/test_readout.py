import pytest
import torch

from snn_tune.snn import leaky_readout, max_over_time


def test_frames_of_a_pulse_by_hand() -> None:
    current = torch.tensor([2.0, 0, 0]).reshape(1, 3, 1)
    assert leaky_readout(current, alpha=0.5, beta=0.25).flatten().tolist() == [0, 0, 2, 1.5]
    assert leaky_readout(current, alpha=0.5, beta=0.25, input_gain=0.5).flatten().tolist() == [0, 0, 1, 0.75]


def test_a_tie_sends_the_gradient_to_the_first_frame() -> None:
    frames = torch.zeros(1, 4, 2, requires_grad=True)
    max_over_time(frames).sum().backward()
    assert frames.grad[0, :, 0].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current": torch.zeros(1, 0, 2)}, "current must be .*classes"),
        ({"current": torch.ones(1, 3, 2, dtype=torch.bool)}, "current must be"),
        ({"alpha": None}, "alpha must be"),
        ({"beta": torch.ones(3)}, "beta must be"),
        ({"input_gain": torch.ones(2, dtype=torch.float64)}, "input_gain must be torch.float32"),
    ],
)
def test_impossible_arguments_are_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        leaky_readout(**{"current": torch.zeros(1, 3, 2), "alpha": 0.5, "beta": 0.5} | change)
