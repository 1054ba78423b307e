"""reference.py against the golden files, and against a program of its own kind (oracle.py)."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Case, draw, gradients

from snn_tune.snn import cuba_lif, leaky_readout, max_over_time, spike_penalty, weighted_nll

GOLDEN = Path(os.environ.get("SNN_TUNE_GOLDEN", "/nonexistent"))
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}


def computed(case: Case, dtype: torch.dtype) -> dict[str, np.ndarray]:
    """The same arrays as the oracle's, by the project's functions and autograd."""
    x, w1, w2 = (torch.tensor(array, dtype=dtype) for array in (case.x, case.w1, case.w2))
    v = None if case.v is None else torch.tensor(case.v, dtype=dtype, requires_grad=True)
    w1.requires_grad_()
    w2.requires_grad_()
    current = x @ w1
    current.retain_grad()
    spikes, membrane = cuba_lif(
        current, v, alpha=case.alpha, beta=case.beta, scale=case.scale, reset=case.reset, input_gain=case.gain,
        kernel="reference",
    )  # fmt: skip
    frames = leaky_readout(spikes @ w2, alpha=case.alpha, beta=case.beta, input_gain=case.gain)
    logits = max_over_time(frames)
    nll = weighted_nll(logits, torch.tensor(case.y))
    regularizer = spike_penalty(spikes, case.strength, case.reduction)
    (nll + regularizer).backward()
    found = {
        "spikes": spikes, "membrane": membrane, "readout": frames, "logits": logits, "nll": nll,
        "regularizer_loss": regularizer, "loss": nll + regularizer, "grad_current": current.grad,
        "grad_w1": w1.grad, "grad_v": None if v is None else v.grad, "grad_w2": w2.grad,
    }  # fmt: skip
    return {name: value.detach().double().numpy() for name, value in found.items() if value is not None}


def check(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], tolerance: float) -> None:
    np.testing.assert_array_equal(found["spikes"], expected["spikes"])
    for name, array in found.items():
        norm = np.linalg.norm(expected[name])
        error = np.linalg.norm(array - expected[name])
        assert error <= tolerance * norm if norm else error == 0, f"{name}: {error} of {norm}"


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="SNN_TUNE_GOLDEN names no folder of golden files")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.npz")), ids=lambda path: path.stem)
def test_golden(path: Path, dtype: torch.dtype) -> None:
    golden = np.load(path)
    names = "alpha", "beta", "scale", "gain", "strength"
    case = Case(
        *(golden["x"], golden["y"], golden["w1"], golden.get("v"), golden["w2"]),
        **{name: float(golden[name]) for name in names},
        reset=str(golden["reset"]),
        reduction=str(golden["reduction"]),
    )
    check(computed(case, dtype), golden, TOLERANCE[dtype])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    batch=st.sampled_from([1, 2, 5]),
    steps=st.sampled_from([1, 2, 3, 31]),
    hidden=st.sampled_from([1, 2, 7, 33]),
    recurrent=st.booleans(),
    reset=st.sampled_from(["zero", "subtract"]),
    reduction=st.sampled_from(["sum", "sum_l2", "mean"]),
    gain_is_beta=st.booleans(),
    weight=st.sampled_from([0.0, 2.0, 20.0]),
)
def test_against_the_adjoint_equations(seed: int, weight: float, **shape: object) -> None:
    case = draw(np.random.default_rng(seed), inputs=9, classes=3, weight=weight, **shape)
    expected = gradients(case)
    check(computed(case, torch.float64), expected, 1e-9)


def test_the_draw_has_spikes_to_compare() -> None:
    case = draw(np.random.default_rng(1), batch=5, steps=31, inputs=9, hidden=33, classes=3, recurrent=True)
    spikes = gradients(case)["spikes"]
    assert 0.01 < spikes.mean() < 0.5
