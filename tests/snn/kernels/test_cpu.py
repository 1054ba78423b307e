"""The CPU kernel against the reference: spike for spike, gradients to float32's rounding."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import LEARNED, NetworkCase, by_reference, draw_layer, draw_network, pack, relative_error
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from snn_tune.datasets.events import Packer
from snn_tune.snn.kernels import cpu, reference
from snn_tune.snn.kernels.cpu import Model, Outcome, Parameters, truncated
from snn_tune.snn.time_constants import Constants

GOLDEN = Path(os.environ.get("SNN_TUNE_GOLDEN", "/nonexistent"))
TOLERANCE = 1e-3  # the surrogate magnifies a membrane's rounding up to 2 x scale times
SIZES = st.tuples(
    st.sampled_from([1, 2, 3, 9, 256]),
    st.sampled_from([1, 2, 3, 10, 100, 1000]),
    st.sampled_from([1, 7, 16, 37, 70, 450]),
).filter(lambda sizes: np.prod(sizes) <= 1e6)
RESETS = st.sampled_from(["zero", "subtract"])
DRIVES = st.sampled_from([-3.0, 0.0, 0.5, 1.0, 4.0])  # silent ... as often as they can


def run(case: NetworkCase, threads: int = 1) -> Outcome:
    return cpu.train_step(
        case.inputs, case.labels, case.parameters, case.model,
        strength=case.strength, reduction=case.reduction, class_weights=case.class_weights, threads=threads,
    )  # fmt: skip


def assert_agree(found: Outcome, wanted: Outcome, rounded: Outcome | None = None) -> None:
    """`rounded`: the reference's own in float32; where what is summed cancels out, it is not within the tolerance."""
    assert found.spike_counts.equal(wanted.spike_counts)
    assert found.loss == pytest.approx(wanted.loss, rel=TOLERANCE)
    assert relative_error(found.logits, wanted.logits) <= TOLERANCE
    np.testing.assert_allclose(found.nll, wanted.nll, rtol=TOLERANCE, atol=1e-4)
    assert found.nb_correct == wanted.nb_correct
    for name, grad in found.gradients._asdict().items():
        expected = getattr(wanted.gradients, name)
        assert (grad is None) == (expected is None), name
        if grad is not None:
            lost = relative_error(getattr(rounded.gradients, name), expected) if rounded else 0.0
            assert relative_error(grad, expected) <= max(TOLERANCE, 4 * lost), name


@settings(max_examples=30, deadline=None)
@given(SIZES, st.integers(0, 2**32), st.booleans(), RESETS, DRIVES, st.booleans())
@example((256, 100, 450), 1, True, "zero", 0.5, True)
@example((3, 1000, 450), 2, True, "subtract", 0.5, False)
@example((1, 1, 1), 3, True, "zero", 4.0, False)
def test_layer(
    sizes: tuple[int, int, int], seed: int, recurrent: bool, reset: str, drive: float, per_unit: bool
) -> None:
    case = draw_layer(seed, *sizes, recurrent=recurrent, reset=reset, drive=drive, per_unit=per_unit)
    ways = torch.randn(2, *sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def by(kernel: object, dtype: torch.dtype) -> list[torch.Tensor]:
        current = case.current.to(dtype, copy=True).requires_grad_()
        v = None if case.v is None else case.v.to(dtype, copy=True).requires_grad_()
        constants = [c.to(dtype) if isinstance(c, torch.Tensor) else c for c in (case.alpha, case.beta, case.gain)]
        spikes, membrane = kernel.cuba_lif(
            current, v, alpha=constants[0], beta=constants[1], scale=case.scale, reset=reset, input_gain=constants[2]
        )
        if sizes[1] > 2:  # before that, nothing depends on the current
            ((spikes * ways[0].to(dtype)).sum() + (membrane * ways[1].to(dtype)).sum()).backward()
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in (current, v) if p is not None]
        return [spikes.detach(), membrane.detach(), *grads]

    found, wanted = by(cpu, torch.float32), by(reference, torch.float64)
    assert found[0].double().equal(wanted[0])
    for got, expected in zip(found[1:], wanted[1:], strict=True):
        assert relative_error(got, expected) <= TOLERANCE


@settings(max_examples=30, deadline=None)
@given(SIZES, st.integers(0, 2**32), st.booleans(), RESETS, DRIVES, st.sampled_from(["sum", "sum_l2", "mean"]))
@example((256, 100, 450), 1, True, "zero", 1.0, "sum")
@example((3, 1000, 450), 2, True, "subtract", 1.0, "sum_l2")
@example((37, 20, 700), 4, True, "zero", 1.0, "sum")
@example((1, 1, 1), 3, True, "zero", 4.0, "mean")
def test_step(
    sizes: tuple[int, int, int], seed: int, recurrent: bool, reset: str, drive: float, reduction: str
) -> None:
    case = draw_network(seed, *sizes, recurrent=recurrent, reset=reset, reduction=reduction, drive=drive)
    wanted, _, lead = by_reference(case)
    assume(lead >= 2e-6 and wanted.nll.max() > LEARNED)
    assert_agree(run(case), wanted)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([1, 3, 9]), st.sampled_from([1, 20, 76]), st.sampled_from([1, 3, 4, 12]),
    st.integers(1, 5), st.booleans(), RESETS,
)  # fmt: skip
@example(20769, 9, 76, 1, 1, True, "zero")  # one encoder unit, whose bias has a gradient of 0.0007
def test_analog_step(
    seed: int, batch: int, steps: int, channels: int, units_per_channel: int, recurrent: bool, reset: str
) -> None:
    generator = torch.Generator().manual_seed(seed)
    analog = torch.randn(batch, steps, channels, generator=generator).cumsum(1) / 2
    nb_units, hidden = channels * units_per_channel, 21

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    v = normal(hidden, hidden) * 0.3 / hidden**0.5 if recurrent else None
    weights = normal(nb_units, hidden) * 6 / nb_units**0.5, v, normal(hidden, 5)
    parameters = Parameters(*weights, normal(nb_units) * 3, normal(nb_units))
    labels = torch.randint(0, 5, (batch,), generator=generator)
    case = NetworkCase(analog, analog, labels, parameters, Model(0.8, 0.9, 20.0, reset, 0.1), 1e-2, "mean")
    wanted, clearance, lead = by_reference(case)
    assume(clearance >= 1e-5 and lead >= 2e-6 and wanted.nll.max() > LEARNED)
    assert_agree(run(case), wanted, by_reference(case, torch.float32)[0])


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="SNN_TUNE_GOLDEN names no folder of golden files")
@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.npz")), ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    golden = np.load(path)

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(golden[name]).float()

    v = tensor("v") if "v" in golden else None
    alpha, beta, scale, gain, strength = (
        float(golden[name]) for name in ("alpha", "beta", "scale", "gain", "strength")
    )
    reset, reduction = str(golden["reset"]), str(golden["reduction"])
    spikes, membrane = cpu.cuba_lif(
        tensor("current"), v, alpha=alpha, beta=beta, scale=scale, reset=reset, input_gain=gain
    )
    assert np.array_equal(spikes.numpy(), golden["spikes"])
    assert relative_error(membrane, torch.from_numpy(golden["membrane"])) <= TOLERANCE
    x, parameters = tensor("x"), Parameters(tensor("w1"), v, tensor("w2"))
    labels = torch.from_numpy(golden["y"]).long()
    found = cpu.train_step(
        pack(x), labels, parameters, Model(alpha, beta, scale, reset, gain), strength=strength, reduction=reduction
    )
    assert np.array_equal(found.spike_counts.numpy(), golden["spikes"].sum((0, 1)))
    assert found.loss == pytest.approx(float(golden["loss"]), rel=TOLERANCE)
    assert relative_error(found.logits, torch.from_numpy(golden["logits"])) <= TOLERANCE
    for name in ("w1", "v", "w2"):
        if f"grad_{name}" in golden:
            assert relative_error(getattr(found.gradients, name), torch.from_numpy(golden[f"grad_{name}"])) <= TOLERANCE


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([(3, 60, 37), (9, 40, 7), (1, 100, 70)]), st.integers(0, 2**32), RESETS, st.booleans())
def test_truncated_changes_nothing_but_gradients_through_spikes(
    sizes: tuple[int, int, int], seed: int, reset: str, recurrent: bool
) -> None:
    exact, found = exact_and_truncated(draw_network(seed, *sizes, reset=reset, recurrent=recurrent))
    assert found.spike_counts.equal(exact.spike_counts)
    assert (found.loss, found.nb_correct) == (exact.loss, exact.nb_correct)
    assert found.gradients.w2.equal(exact.gradients.w2)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("seed", range(5))
def test_truncated_gradients_are_close(seed: int, reset: str) -> None:
    """Of a batch. There is no bound for every sample: where no unit comes near the threshold, all of it is small."""
    exact, found = exact_and_truncated(draw_network(seed, 32, 60, 37, reset=reset, recurrent=True))
    for name in ("w1", "v"):
        assert relative_error(getattr(found.gradients, name), getattr(exact.gradients, name)) <= 5e-3, name


def exact_and_truncated(case: NetworkCase) -> tuple[Outcome, Outcome]:
    case.model = case.model._replace(scale=100.0)
    exact = run(case)
    case.model = case.model._replace(precision="truncated")
    return exact, run(case)


def test_truncated_leaves_out_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product where the derivative is small, or after the last frame that is read."""
    monkeypatch.setattr(truncated, "SMALLEST", 1e-2)  # large, so that what is left out is more than rounding
    case = draw_network(2, 5, 60, 37)
    case.model = case.model._replace(scale=100.0, precision="truncated")
    wanted = backward_by_hand(case, 1e-2)
    found = run(case).gradients
    exact = run(NetworkCase(**{**vars(case), "model": case.model._replace(precision="exact")})).gradients
    for name in ("w1", "v"):
        error = relative_error(getattr(found, name), wanted[name])
        assert error <= 5e-5, name  # rounding
        assert relative_error(getattr(exact, name), wanted[name]) > 10 * error, name


def backward_by_hand(case: NetworkCase, smallest: float) -> dict[str, torch.Tensor]:
    """Gradients of w1 and v by the equations of `network.backward`, float64, reset to zero."""
    w1, v, w2 = (p.double() for p in case.parameters[:3])
    m, dense = case.model, case.dense.double()
    args = {"alpha": m.alpha, "beta": m.beta, "input_gain": m.input_gain}
    spikes, membrane = reference.cuba_lif(dense @ w1, v, **args, scale=m.scale, reset="zero")
    frames = reference.leaky_readout(spikes @ w2, **args).requires_grad_()
    top, last = frames.max(dim=1)
    torch.nn.functional.nll_loss(top.log_softmax(1), case.labels, weight=case.class_weights.double()).backward()
    kicks, last = frames.grad, last.max(dim=1).values
    batch, steps, hidden = spikes.shape
    out = flt = torch.zeros_like(kicks[:, 0])
    syn = mem = torch.zeros(batch, hidden, dtype=torch.float64)
    after = torch.zeros(batch, steps + 1, hidden, dtype=torch.float64)  # gradients of the currents, one frame more
    for t in range(steps - 1, -1, -1):
        flt = m.alpha * flt + m.input_gain * out
        out = m.beta * out + kicks[:, t + 1]
        slope = 1 / (m.scale * (membrane[:, t] - 1).abs() + 1) ** 2
        through_v = (after[:, t + 1] @ v.T) * (slope > smallest) * (t < last)[:, None]
        kept = mem * (1 - spikes[:, t])
        after[:, t] = syn
        mem = m.beta * kept + (flt @ w2.T + case.strength + through_v) * slope
        syn = m.alpha * syn + m.input_gain * kept
    return {
        "w1": torch.einsum("btn,bth->nh", dense, after[:, :-1]),
        "v": torch.einsum("btj,bth->jh", spikes, after[:, 1:]),
    }


@pytest.mark.parametrize("scale", [1.0, 30.0, 79.0])
def test_truncated_is_exact_where_resting_units_count(scale: float) -> None:
    case = draw_network(4, 9, 40, 33)
    case.model = case.model._replace(scale=scale)
    exact = run(case)
    case.model = case.model._replace(precision="truncated")
    assert run(case).gradients.v.equal(exact.gradients.v)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(9, 40, 33), (3, 60, 7), (1, 20, 70), (13, 2, 1)]),
    st.integers(0, 2**32),
    RESETS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 0.0, 0.5, 0.9]),
    st.integers(1, 3),
)
@example((9, 40, 33), 5, "zero", True, False, None, 1)
@example((1, 20, 70), 85, "subtract", True, False, None, 1)
def test_layer_and_step_have_the_same_gradients(
    sizes: tuple[int, int, int], seed: int, reset: str, recurrent: bool, per_unit: bool, p: float | None, threads: int
) -> None:
    """The layer between PyTorch's own readout and loss gives the gradients of the step by one call.

    So it does with constants of each unit's own, and where dropout leaves out units with probability p.
    """
    case = draw_network(seed, *sizes, reset=reset, recurrent=recurrent)
    w1, v, w2, *_ = (None if p is None else p.clone().requires_grad_() for p in case.parameters)
    m, draw = case.model, torch.Generator().manual_seed(seed)
    own = [torch.rand(sizes[2], generator=draw) * 0.3 + 0.6 for _ in range(3)]
    hidden = Constants(*own) if per_unit else None
    kept = None if p is None else (torch.rand(sizes[0], sizes[2], generator=draw) >= p) / (1 - p)
    alpha, beta, gain = hidden or (m.alpha, m.beta, m.input_gain)
    spikes, _ = cpu.cuba_lif(
        cpu.currents(case.inputs, w1), v, alpha=alpha, beta=beta, scale=m.scale, reset=m.reset, input_gain=gain
    )
    heard = spikes if kept is None else spikes * kept[:, None]
    current = heard.double() @ w2.double()  # what a network that is right has left to learn, float32 rounds away
    frames = reference.leaky_readout(current, alpha=m.alpha, beta=m.beta, input_gain=m.input_gain)
    first, second = frames.detach().topk(2, dim=1).values.unbind(1)
    assume(((first == 0.0) | (first - second > 1e-4)).all())  # else rounding decides which frame has the gradient
    logits, weight = frames.max(dim=1).values, case.class_weights.double()
    loss = torch.nn.functional.nll_loss(logits.log_softmax(1), case.labels, weight=weight)
    (loss + case.strength * spikes.sum()).backward()
    found = cpu.train_step(
        case.inputs, case.labels, case.parameters, m._replace(hidden=hidden), strength=case.strength,
        reduction=case.reduction, class_weights=case.class_weights, kept=kept, threads=threads,
    )  # fmt: skip
    assert found.spike_counts.equal(spikes.detach().sum(dim=(0, 1)).long())
    for name, leaf in (("w1", w1), ("v", v), ("w2", w2)):
        if leaf is not None:
            assert relative_error(getattr(found.gradients, name), leaf.grad) <= TOLERANCE, name


@pytest.mark.parametrize("name", ["kept", "alpha", "input_gain"])
def test_values_of_hidden_units_that_do_not_fit_are_named(name: str) -> None:
    case = draw_network(0, 3, 20, 7)
    wrong = {"kept": torch.ones(3, 8)} if name == "kept" else {}
    model = case.model
    if name != "kept":
        fitting = Constants(torch.rand(7), torch.rand(7), torch.rand(7))
        model = model._replace(hidden=fitting._replace(**{name: torch.rand(7).double()}))
    with pytest.raises(ValueError, match=rf"{name} must be \(.*7.*\), float32 on the CPU; it is"):
        cpu.train_step(case.inputs, case.labels, case.parameters, model, strength=0.0, reduction="sum", **wrong)


def test_a_membrane_of_exactly_1_does_not_fire() -> None:
    current = torch.zeros(1, 6, 2)
    current[0, 0] = torch.tensor([1.0, np.nextafter(np.float32(1), np.float32(2))])
    spikes, membrane = cpu.cuba_lif(current, None, alpha=0.5, beta=0.5, scale=10.0, reset="zero", input_gain=1.0)
    assert membrane[0, 2, 0] == 1.0
    assert spikes.sum(1).tolist() == [[0, 1]]


def test_of_equal_maxima_the_first_frame_gets_the_gradient() -> None:
    """Without memory (alpha = beta = 0) each spike shows as one frame of its weight: both units' are 2."""
    dense = torch.zeros(1, 12, 2)
    dense[0, 1, 0] = dense[0, 5, 1] = 1
    parameters = Parameters(torch.eye(2) * 3, None, torch.tensor([[2.0, 0.0], [2.0, 0.0]]))
    labels = torch.tensor([1])
    found = cpu.train_step(pack(dense), labels, parameters, Model(0.0, 0.0, 10.0), strength=0.0, reduction="sum")
    assert found.spike_counts.tolist() == [1, 1]
    assert found.logits.tolist() == [[2.0, 0.0]]
    assert found.gradients.w2[0, 0] == pytest.approx(np.exp(2) / (1 + np.exp(2)))
    assert found.gradients.w2[1].tolist() == [0.0, 0.0]


def test_a_batch_without_an_event() -> None:
    case = draw_network(0, 3, 20, 7)
    case.dense = torch.zeros_like(case.dense)
    case.inputs = pack(case.dense)
    found = run(case)
    assert found.spike_counts.sum() == 0
    assert_agree(found, by_reference(case)[0])


@pytest.mark.parametrize("threads", [0, -1])
def test_a_number_of_threads_that_cannot_be_is_named(threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads must be at least 1; it is {threads}"):
        run(draw_network(0, 3, 20, 7), threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("reduction", ["sum", "sum_l2"])
def test_results_are_the_same_bits_whatever_ran_before(threads: int, reduction: str) -> None:
    case = draw_network(3, 37, 50, 70, reduction=reduction)
    first = run(case, threads)
    run(draw_network(4, 9, 80, 33, recurrent=False, reset="subtract"))
    cpu.evaluate(case.inputs, case.labels, case.parameters, case.model)
    again = run(case, threads)
    assert first.loss == again.loss
    for one, other in zip((*first[1:3], *first.gradients[:3]), (*again[1:3], *again.gradients[:3]), strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()
    assert_agree(again, by_reference(case)[0])


def test_evaluate_gives_the_scores_of_the_step() -> None:
    case = draw_network(6, 11, 40, 37)
    step = run(case)
    scores = cpu.evaluate(
        case.inputs, case.labels, case.parameters, case.model,
        strength=case.strength, reduction=case.reduction, class_weights=case.class_weights,
    )  # fmt: skip
    assert scores.gradients is None
    assert (scores.loss, scores.nb_correct) == (step.loss, step.nb_correct)
    assert scores.logits.equal(step.logits)
    assert scores.nll.equal(step.nll)
    assert scores.spike_counts.equal(step.spike_counts)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["w1", "v", "w2", "gain", "bias", "inputs"])
@pytest.mark.parametrize("analog", [False, True])
def test_a_network_that_diverged_has_no_finite_loss(name: str, value: float, analog: bool) -> None:
    case = draw_network(7, 10, 60, 37)
    if analog:
        gain, bias = torch.full((len(case.parameters.w1),), 3.0), torch.ones(len(case.parameters.w1))
        case.parameters = case.parameters._replace(gain=gain, bias=bias)
        case.inputs = torch.rand(10, 60, len(case.parameters.w1))
    elif name in ("gain", "bias"):
        pytest.skip("no encoder")
    if name == "inputs":
        (case.inputs if analog else case.inputs.events.count).view(-1)[40] = value
    else:
        fired = run(case).spike_counts.argmax()
        poisoned = getattr(case.parameters, name)
        poisoned[fired if name in ("v", "w2") else 3] = value
    assert not np.isfinite(run(case).loss)


def test_what_does_not_fit_is_named() -> None:
    case = draw_network(8, 3, 10, 7)

    def fails(match: str, **changes: object) -> None:
        with pytest.raises(ValueError, match=match):
            run(NetworkCase(**{**vars(case), **changes}))

    fails("labels", labels=torch.tensor([0, 1, 7]))
    fails("labels", labels=torch.tensor([0, 1]))
    fails("inputs must be of 9 units", parameters=case.parameters._replace(w1=case.parameters.w1[:9]))
    fails("w2", parameters=case.parameters._replace(w2=case.parameters.w2[:-1]))
    fails("v must be", parameters=case.parameters._replace(v=case.parameters.v[:-1]))
    fails("w1 must be float32", parameters=case.parameters._replace(w1=case.parameters.w1.double()))
    fails("encoder", inputs=case.dense)
    fails("labels must be integers", labels=torch.tensor([0.0, 1.0, 2.0]))
    fails("labels must be integers", labels=torch.zeros(3, 1, dtype=torch.int64))
    fails("samples must be int64", inputs=case.inputs.events.batch(torch.tensor([True, False, True])))
    fails("samples must be int64", inputs=case.inputs.events.batch(torch.zeros(3, 1, dtype=torch.int64)))
    fails("inputs.samples must be 0 to 2", inputs=case.inputs.events.batch(torch.tensor([0, 1, 3])))
    fails("reset must be", model=case.model._replace(reset="none"))
    fails("scale must be above 0", model=case.model._replace(scale=float("nan")))
    fails("reduction must be", reduction="none")
    fails("class_weights must be", class_weights=torch.ones(9))
    fails("must be matrices", parameters=case.parameters._replace(w2=torch.ones(7)))
    fails("precision must be 'exact' or 'truncated'", model=case.model._replace(precision="bf16"))


def test_a_layer_that_the_kernel_does_not_cover_is_refused() -> None:
    current, decay = torch.zeros(1, 3, 2), torch.full((2,), 0.5)

    def fails(current: torch.Tensor, alpha: torch.Tensor) -> None:
        assert not cpu.covers(current, None, alpha)
        with pytest.raises(ValueError, match="float32"):
            cpu.cuba_lif(current, None, alpha=alpha, beta=0.5, scale=1.0, reset="zero", input_gain=1.0)

    fails(current.double(), decay)
    fails(current, decay.clone().requires_grad_())
    assert cpu.covers(current, None, decay)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([1, 3, 9, 40]),
    st.sampled_from([1, 2, 100]),
    st.sampled_from([1, 16, 37, 70]),
    st.integers(0, 2**32),
)
def test_currents_of_events(samples: int, steps: int, width: int, seed: int) -> None:
    """Against the dense product, of samples chosen in any order, some of them twice."""
    rng = np.random.default_rng(seed)
    dense = rng.poisson(0.3, (samples, steps, 11)) * rng.integers(1, 3, (samples, steps, 11))
    chosen = torch.from_numpy(rng.integers(0, samples, samples + 2))
    w = torch.from_numpy(rng.normal(size=(11, width))).float().requires_grad_()
    way = torch.from_numpy(rng.normal(size=(samples + 2, steps, width))).float()
    packer = Packer(steps, 11)
    packer.add(samples, *(np.repeat(where, dense[dense > 0]) for where in dense.nonzero()))
    found = cpu.currents(packer.events().batch(chosen), w)
    wanted = torch.from_numpy(dense).double()[chosen] @ w.double()
    assert found.shape == way.shape
    assert relative_error(found.detach(), wanted.detach()) <= 1e-6 or not dense.any()
    (grad,), (expected,) = torch.autograd.grad(found, w, way), torch.autograd.grad(wanted, w, way.double())
    assert relative_error(grad, expected) <= 1e-5 or not dense.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.sampled_from([1, 2, 40]), st.sampled_from([1, 37]), st.sampled_from([0.0, 0.02, 0.5, 1.0]))
def test_currents_of_spikes(samples: int, steps: int, width: int, density: float) -> None:
    """Against the dense product, of spikes that count once or, after dropout, more."""
    rng = np.random.default_rng(0)
    fired = rng.random((samples, steps, 11)) < density
    spikes = torch.from_numpy(fired * rng.uniform(1.0, 2.0, (samples, 1, 11))).float().requires_grad_()
    w = torch.from_numpy(rng.normal(size=(11, width))).float().requires_grad_()
    way = torch.from_numpy(rng.normal(size=(samples, steps, width))).float()
    found, wanted = cpu.spike_currents(spikes, w), spikes.double() @ w.double()
    torch.testing.assert_close(found, wanted.float(), rtol=1e-5, atol=1e-5)
    grads, expected = (
        torch.autograd.grad(found, (spikes, w), way),
        torch.autograd.grad(wanted, (spikes, w), way.double()),
    )
    for grad, other in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-5, atol=1e-5)


def test_currents_of_other_spikes_are_refused() -> None:
    for spikes in (torch.zeros(1, 3, 11), torch.zeros(1, 3, 12, dtype=torch.float64)):
        with pytest.raises(ValueError, match="spikes must be torch.float32 of 12 units"):
            cpu.spike_currents(spikes, torch.zeros(12, 3))


def test_currents_of_events_of_other_units_are_refused() -> None:
    packer = Packer(5, 11)
    packer.add(1, *(np.zeros(1, np.int64),) * 3)
    with pytest.raises(ValueError, match="inputs must be of 12 units, as w1 is; they are of 11"):
        cpu.currents(packer.events().batch(torch.arange(1)), torch.zeros(12, 3))
