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


def test_an_empty_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="current must be"):
        leaky_readout(torch.zeros(1, 0, 2), alpha=0.5, beta=0.5)
