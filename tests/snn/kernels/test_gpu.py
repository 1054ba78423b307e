"""The GPU kernel against the reference: on a GPU where there is one, else through Triton's interpreter."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import LEARNED, NetworkCase, by_reference, draw_layer, draw_network, pack, relative_error
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from snn_tune.datasets.events import EventBatch
from snn_tune.snn.kernels import reference
from snn_tune.snn.kernels.cpu import Model, Parameters

pytest.importorskip("triton")
from snn_tune.snn.kernels import gpu
from snn_tune.snn.kernels.gpu.launch import full_float32

GOLDEN = Path(os.environ.get("SNN_TUNE_GOLDEN", "/nonexistent"))
TOLERANCE = 1e-3
SIZES = st.tuples(
    st.sampled_from([1, 2, 3, 9, 18]), st.sampled_from([1, 2, 3, 10, 30]), st.sampled_from([1, 7, 16, 37, 150])
).filter(lambda sizes: np.prod(sizes) <= 2e4)  # an interpreter is slow
REDUCTIONS = st.sampled_from(["sum", "sum_l2", "mean"])
RESETS = st.sampled_from(["zero", "subtract"])
DRIVES = st.sampled_from([-3.0, 0.0, 0.5, 1.0, 4.0])  # silent ... as often as they can
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # conftest.py has Triton interpret without one


def on_device(value: object) -> object:
    if isinstance(value, Parameters):
        return Parameters(*map(on_device, value))
    if isinstance(value, EventBatch):
        return value.events.to(DEVICE).batch(value.samples.to(DEVICE))
    return value.to(DEVICE) if isinstance(value, torch.Tensor) else value


def run(case: NetworkCase, way: object = gpu.train_step) -> gpu.Outcome:
    """The outcome, brought to the CPU."""
    found = way(
        *map(on_device, (case.inputs, case.labels, case.parameters)), case.model,
        strength=case.strength, reduction=case.reduction, class_weights=on_device(case.class_weights),
    )  # fmt: skip
    grads = found.gradients and Parameters(*(None if grad is None else grad.cpu() for grad in found.gradients))
    return gpu.Outcome(*(tensor.cpu() for tensor in found[:-1]), grads)


def assert_agree(found: gpu.Outcome, case: NetworkCase) -> None:
    wanted, clearance, lead = by_reference(case)
    assert clearance >= 1e-5
    assert lead >= 2e-6
    assert found.spike_counts.equal(wanted.spike_counts)
    assert float(found.loss) == pytest.approx(wanted.loss, rel=TOLERANCE)
    assert relative_error(found.logits, wanted.logits) <= TOLERANCE
    np.testing.assert_allclose(found.nll, wanted.nll, rtol=TOLERANCE, atol=1e-4)
    assert int(found.nb_correct) == wanted.nb_correct
    for name, grad in found.gradients._asdict().items():
        expected = getattr(wanted.gradients, name)
        assert (grad is None) == (expected is None), name
        if grad is not None:
            assert relative_error(grad, expected) <= TOLERANCE, name


@settings(max_examples=12, deadline=None)
@given(SIZES, st.integers(0, 2**32), st.booleans(), RESETS, DRIVES, st.booleans())
@example((20, 25, 37), 3, True, "subtract", 0.5, True)  # more than one program of samples
@example((2, 12, 150), 3, False, "zero", 1.0, True)  # and of units
@example((2, 8, 530), 3, True, "zero", 1.0, False)
@example((3, 30, 7), 3, False, "subtract", -3.0, False)  # silent
@example((3, 30, 7), 3, True, "zero", 4.0, True)  # as often as it can
def test_layer(
    sizes: tuple[int, int, int], seed: int, recurrent: bool, reset: str, drive: float, per_unit: bool
) -> None:
    case = draw_layer(seed, *sizes, recurrent=recurrent, reset=reset, drive=drive, per_unit=per_unit)
    ways = torch.randn(2, *sizes, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def by(kernel: object, dtype: torch.dtype, device: torch.device) -> list[torch.Tensor]:
        def take(value: object) -> object:
            return value.to(device, dtype, copy=True) if isinstance(value, torch.Tensor) else value

        current, v = take(case.current).requires_grad_(), take(case.v)
        constants = {"alpha": take(case.alpha), "beta": take(case.beta), "input_gain": take(case.gain)}
        leaves = [current] if v is None else [current, v.requires_grad_()]
        spikes, membrane = kernel.cuba_lif(current, v, **constants, scale=case.scale, reset=reset)
        loss = (spikes * take(ways[0])).sum() + (membrane * take(ways[1])).sum()
        if loss.requires_grad:  # a reference of one step depends on nothing
            loss.backward()
        grads = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
        return [tensor.detach().cpu() for tensor in (spikes, membrane, *grads)]

    found, wanted = by(gpu, torch.float32, DEVICE), by(reference, torch.float64, torch.device("cpu"))
    assert found[0].double().equal(wanted[0])
    for got, expected in zip(found[1:], wanted[1:], strict=True):
        assert relative_error(got, expected) <= TOLERANCE


@settings(max_examples=12, deadline=None)
@given(SIZES, st.integers(0, 2**32), st.booleans(), RESETS, DRIVES, REDUCTIONS, st.sampled_from([1, 7, 20]))
@example((5, 50, 37), 2, True, "zero", 1.0, "sum", 7)
@example((18, 20, 16), 2, False, "subtract", 1.0, "sum", 20)
@example((4, 25, 7), 2, True, "zero", -3.0, "sum_l2", 7)
@example((4, 25, 7), 2, True, "zero", 4.0, "mean", 7)
def test_step(
    sizes: tuple[int, int, int], seed: int, recurrent: bool, reset: str, drive: float, reduction: str, classes: int
) -> None:
    options = {"recurrent": recurrent, "reset": reset, "drive": drive, "reduction": reduction, "classes": classes}
    case = draw_network(seed, *sizes, **options)
    wanted, _, lead = by_reference(case)
    assume(lead >= 2e-6 and wanted.nll.max() > LEARNED)
    assert_agree(run(case), case)


def analog_case(seed: int, batch: int, steps: int, channels: int, *, recurrent: bool, reset: str) -> NetworkCase:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    analog, units, hidden = normal(batch, steps, channels).cumsum(1) / 2, channels * 4, 21
    v = normal(hidden, hidden) * 0.3 / hidden**0.5 if recurrent else None
    weights = normal(units, hidden) * 6 / units**0.5, v, normal(hidden, 5)
    parameters = Parameters(*weights, normal(units) * 3, normal(units))
    labels = torch.randint(0, 5, (batch,), generator=generator)
    return NetworkCase(analog, analog, labels, parameters, Model(0.8, 0.9, 20.0, reset, 0.1), 1e-2, "mean")


@pytest.mark.parametrize(
    ("sizes", "recurrent", "reset"),
    [((1, 1, 1), True, "zero"), ((3, 40, 3), True, "subtract"), ((9, 30, 12), False, "zero")],
)
def test_analog_step(sizes: tuple[int, int, int], recurrent: bool, reset: str) -> None:
    case = analog_case(4, *sizes, recurrent=recurrent, reset=reset)
    found = run(case)
    assert found.spike_counts.any() or sizes[1] < 3
    assert_agree(found, case)


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
    constants = {"alpha": alpha, "beta": beta, "scale": scale, "reset": reset, "input_gain": gain}
    spikes, membrane = gpu.cuba_lif(on_device(tensor("current")), on_device(v), **constants)
    assert np.array_equal(spikes.cpu().numpy(), golden["spikes"])
    assert relative_error(membrane.cpu(), torch.from_numpy(golden["membrane"])) <= TOLERANCE
    parameters, x = Parameters(tensor("w1"), v, tensor("w2")), tensor("x")
    labels = torch.from_numpy(golden["y"]).long()
    model = Model(alpha, beta, scale, reset, gain)
    found = run(NetworkCase(pack(x), x, labels, parameters, model, strength, reduction))
    assert np.array_equal(found.spike_counts.numpy(), golden["spikes"].sum((0, 1)))
    assert float(found.loss) == pytest.approx(float(golden["loss"]), rel=TOLERANCE)
    assert relative_error(found.logits, torch.from_numpy(golden["logits"])) <= TOLERANCE
    for name in ("w1", "v", "w2"):
        if f"grad_{name}" in golden:
            assert relative_error(getattr(found.gradients, name), torch.from_numpy(golden[f"grad_{name}"])) <= TOLERANCE


def test_a_membrane_of_exactly_1_does_not_fire() -> None:
    current = torch.zeros(1, 6, 2, device=DEVICE)
    current[0, 0] = torch.tensor([1.0, np.nextafter(np.float32(1), np.float32(2))])
    spikes, membrane = gpu.cuba_lif(current, None, alpha=0.5, beta=0.5, scale=10.0, reset="zero", input_gain=1.0)
    assert membrane[0, 2, 0] == 1.0
    assert spikes.sum(1).tolist() == [[0, 1]]


def test_of_equal_maxima_the_first_frame_gets_the_gradient() -> None:
    """Without memory (alpha = beta = 0) each spike shows as one frame of its weight: both units' are 2."""
    dense = torch.zeros(1, 12, 2)
    dense[0, 1, 0] = dense[0, 5, 1] = 1
    parameters = Parameters(torch.eye(2) * 3, None, torch.tensor([[2.0, 0.0], [2.0, 0.0]]))
    case = NetworkCase(pack(dense), dense, torch.tensor([1]), parameters, Model(0.0, 0.0, 10.0), 0.0, "sum")
    found = run(case)
    assert found.spike_counts.tolist() == [1, 1]
    assert found.logits.tolist() == [[2.0, 0.0]]
    assert float(found.gradients.w2[0, 0]) == pytest.approx(np.exp(2) / (1 + np.exp(2)))
    assert found.gradients.w2[1].tolist() == [0.0, 0.0]


def test_a_batch_without_an_event() -> None:
    case = draw_network(0, 3, 20, 7)
    case.dense = torch.zeros_like(case.dense)
    case.inputs = pack(case.dense)
    found = run(case)
    assert found.spike_counts.sum() == 0
    assert_agree(found, case)


def test_results_are_the_same_bits_whatever_ran_before() -> None:
    case = draw_network(3, 18, 20, 37, reduction="sum_l2")
    first = run(case)
    run(draw_network(4, 3, 10, 33, recurrent=False, reset="subtract"))
    again = run(case)
    for one, other in zip((*first[:-1], *first.gradients[:3]), (*again[:-1], *again.gradients[:3]), strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()


def test_products_are_in_full_float32_whatever_is_allowed_elsewhere() -> None:
    matmul = torch.backends.cuda.matmul
    for allowed in (True, False):
        matmul.allow_tf32 = allowed
        with full_float32():
            assert not matmul.allow_tf32
        assert matmul.allow_tf32 == allowed


def test_a_batch_is_the_samples_that_it_names() -> None:
    """In any order, one of them twice, of a data set with others beside them."""
    case = draw_network(5, 9, 20, 16)
    chosen = torch.tensor([7, 2, 2, 5])
    case.inputs = case.inputs.events.batch(chosen)
    case.dense, case.labels = case.dense[chosen], case.labels[chosen]
    assert_agree(run(case), case)


class _Calls(TorchDispatchMode):
    """Records what PyTorch is called for, and the shapes that come out."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, object]] = []

    def __torch_dispatch__(self, function: object, types: object, args: object = (), kwargs: object = None) -> object:
        found = function(*args, **(kwargs or {}))
        self.calls.append((str(function), getattr(found, "shape", None)))
        return found


READS_BACK = (
    "_local_scalar_dense",
    "is_nonzero",
    "equal",
    "nonzero",
    "masked_select",
    "unique",
    "bincount",
    "interleave",
)


def test_a_step_reads_nothing_back_and_its_shapes_do_not_depend_on_the_events() -> None:
    case = draw_network(3, 4, 10, 16, reduction="sum_l2")
    case.dense[:2] = 0
    case.inputs = pack(case.dense)
    events, case.labels = case.inputs.events.to(DEVICE), case.labels[:2]
    recorded = []
    for samples in ([0, 1], [2, 3], [0, 1]):  # the first call makes the data set's second order
        case.inputs = events.batch(torch.tensor(samples, device=DEVICE))
        with _Calls() as mode:
            run(case)
            run(case, gpu.evaluate)
        recorded.append(mode.calls)
    assert recorded[1] == recorded[2]
    assert [name for name, _ in recorded[1] if any(word in name for word in READS_BACK)] == []
    assert any("_local_scalar_dense" in name for name, _ in recorded[0])  # so that the test would see one


def test_bf16_is_exact_where_bf16_holds_the_weights() -> None:
    def same(case: NetworkCase) -> bool:
        one, other = run(case), run(replace(case, model=case.model._replace(precision="bf16")))
        return all(map(torch.equal, (*one[:-1], one.gradients.w1), (*other[:-1], other.gradients.w1)))

    case, forward = draw_network(3, 3, 20, 37), draw_network(3, 3, 20, 37, recurrent=False)
    assert not same(case)
    v, w2 = case.parameters.v.bfloat16().float(), case.parameters.w2.bfloat16().float()
    assert same(replace(case, parameters=case.parameters._replace(v=v, w2=w2)))
    assert same(forward)  # reads no v


def test_evaluate_gives_the_scores_of_the_step() -> None:
    case = draw_network(6, 5, 30, 37)
    step, scores = run(case), run(case, gpu.evaluate)
    assert scores.gradients is None
    assert all(map(torch.equal, scores[:-1], step[:-1]))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, which interprets
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["w1", "v", "w2", "gain", "bias", "inputs"])
@pytest.mark.parametrize("analog", [False, True])
def test_a_network_that_diverged_has_no_finite_loss(name: str, value: float, analog: bool) -> None:
    if analog:
        case = analog_case(5, 2, 30, 3, recurrent=True, reset="zero")
    elif name in ("gain", "bias"):
        pytest.skip("no encoder")
    else:
        case = draw_network(7, 2, 30, 7)
    if name == "inputs":
        (case.inputs if analog else case.inputs.events.count).view(-1)[40] = value
    else:
        fired = run(case, gpu.evaluate).spike_counts.argmax()
        poisoned = getattr(case.parameters, name)
        poisoned[fired if name in ("v", "w2") else 3] = value
    assert not np.isfinite(float(run(case).loss))


def test_what_does_not_fit_is_named() -> None:
    case = draw_network(8, 3, 10, 7)

    def fails(match: str, **changes: object) -> None:
        with pytest.raises(ValueError, match=match):
            run(NetworkCase(**{**vars(case), **changes}))

    fails("labels", labels=torch.tensor([0, 1]))
    fails("w2", parameters=case.parameters._replace(w2=case.parameters.w2[:-1]))
    fails("v must be", parameters=case.parameters._replace(v=case.parameters.v[:-1]))
    fails("w1 must be float32", parameters=case.parameters._replace(w1=case.parameters.w1.double()))
    fails("encoder", inputs=case.dense)
    fails("inputs must be of 30 units", inputs=pack(case.dense[:, :, 1:]))
    fails("exact or bf16", model=case.model._replace(precision="truncated"))


def test_a_layer_that_the_kernel_does_not_cover_is_refused() -> None:
    current, decay = torch.zeros(1, 3, 2, device=DEVICE), torch.full((2,), 0.5)

    def fails(current: torch.Tensor, v: torch.Tensor | None, alpha: torch.Tensor) -> None:
        assert not gpu.covers(current, v, alpha)
        with pytest.raises(ValueError, match="float32"):
            gpu.cuba_lif(current, v, alpha=alpha, beta=0.5, scale=1.0, reset="zero", input_gain=1.0)

    fails(current.double(), None, decay)
    fails(current, None, decay.clone().requires_grad_())
    fails(torch.zeros(1, 3, 1025, device=DEVICE), torch.zeros(1025, 1025, device=DEVICE), decay[0])
    assert gpu.covers(current, None, decay)
    assert gpu.covers(torch.zeros(1, 3, 1025, device=DEVICE), None, decay)
