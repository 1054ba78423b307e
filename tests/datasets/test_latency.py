"""Time-to-first-spike coding: the thesis's formula and its known consequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_tune.datasets.latency import spike_step, spike_time

LEVELS = np.arange(256) / 255


def test_the_formula() -> None:
    assert spike_time(1.0, 20.0, 0.2) == pytest.approx(20 * np.log(1 / 0.8))
    assert spike_time([0.5], 10.0, 0.2) == pytest.approx([10 * np.log(0.5 / 0.3)])


def test_last_spike_of_a_grey_level_is_at_step_79() -> None:
    steps = spike_step(LEVELS, 20.0, 0.2, 100)
    assert steps[52] == 79
    assert steps[51] == 100
    assert steps[steps < 100].max() == 79
    assert (steps[:52] == 100).all()
    assert steps[255] == 4


def test_steps_beyond_the_end_go_nowhere() -> None:
    steps = spike_step(LEVELS, 20.0, 0.2, 50)
    whole = spike_step(LEVELS, 20.0, 0.2, 100)
    assert (steps == np.minimum(whole, 50)).all()
    assert (steps[52:60] == 50).any()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 100), st.floats(0, 0.99), st.integers(1, 200))
def test_stronger_is_never_later(x: float, y: float, tau: float, threshold: float, nb_steps: int) -> None:
    first, second = spike_step([max(x, y), min(x, y)], tau, threshold, nb_steps)
    assert 0 <= first <= second <= nb_steps
    assert (spike_time(x, tau, threshold) == np.inf) == (x <= threshold)
