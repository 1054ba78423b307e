import sys

import numpy as np
import pytest
import torch

from snn_tune.errors import UserError
from snn_tune.snn import KernelFallbackWarning, cuba_lif, kernels, spike


def test_a_membrane_at_the_threshold_does_not_fire() -> None:
    assert spike(torch.tensor([0.5, 1.0, np.nextafter(np.float32(1), np.float32(2))]), 10.0).tolist() == [0, 0, 1]


def test_surrogate_gradient() -> None:
    membrane = torch.tensor([0.0, 1.0, 1.5], dtype=torch.float64, requires_grad=True)
    spike(membrane, 10.0).sum().backward()
    np.testing.assert_allclose(membrane.grad, [1 / 121, 1.0, 1 / 36], rtol=1e-12)


def test_membrane_of_a_single_input_by_hand() -> None:
    """One pulse of 3 at step 0, alpha = beta = 0.5: syn 3 at step 1, membrane 3 at step 2, spike, reset."""
    current = torch.tensor([3.0, 0, 0, 0, 0], dtype=torch.float64).reshape(1, 5, 1)
    spikes, membrane = cuba_lif(current, alpha=0.5, beta=0.5, scale=10.0)
    assert membrane.flatten().tolist() == [0, 0, 3, 0, 0.75]
    assert spikes.flatten().tolist() == [0, 0, 1, 0, 0]
    _, membrane = cuba_lif(current, alpha=0.5, beta=0.5, scale=10.0, reset="subtract")
    assert membrane.flatten().tolist() == [0, 0, 3, 2, 0.75]


def test_spikes_feed_back_a_step_later() -> None:
    """The spike at step 2 reaches the other unit's synapse at step 4: syn(t + 1) takes s(t - 1) v."""
    current = torch.zeros(1, 7, 2, dtype=torch.float64)
    current[0, 0, 0] = 3.0
    v = torch.tensor([[0.0, 4.0], [0.0, 0.0]], dtype=torch.float64)
    spikes, membrane = cuba_lif(current, v, alpha=0.5, beta=0.5, scale=10.0)
    assert spikes[0].nonzero().tolist() == [[2, 0], [5, 1]]
    assert membrane[0, :, 1].tolist() == [0, 0, 0, 0, 0, 4, 0]


def test_decays_for_each_unit_equal_those_of_single_layers() -> None:
    generator = torch.Generator().manual_seed(0)
    current = torch.rand(3, 20, 4, generator=generator)
    alpha, beta = torch.tensor([0.5, 0.6, 0.7, 0.8]), torch.tensor([0.9, 0.8, 0.7, 0.6])
    _, together = cuba_lif(current, alpha=alpha, beta=beta, scale=10.0)
    for unit in range(4):
        _, alone = cuba_lif(
            current[:, :, unit : unit + 1], alpha=float(alpha[unit]), beta=float(beta[unit]), scale=10.0
        )
        torch.testing.assert_close(together[:, :, unit : unit + 1], alone)


@pytest.mark.parametrize("kernel", ["cpu", "gpu"])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_layers_compose(kernel: str, reset: str) -> None:
    """A recurrent layer that drives a feed-forward one with decays of its own: the same spikes, the same gradients."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(3, 40, 8, generator=generator)
    v, w = torch.randn(8, 8, generator=generator) * 0.1, torch.randn(8, 5, generator=generator)
    decays = torch.rand(2, 5, generator=generator) * 0.4 + 0.5
    way = torch.randn(3, 40, 5, generator=generator)

    def by(kernel: str, dtype: torch.dtype) -> tuple[torch.Tensor, list[torch.Tensor]]:
        leaves = [tensor.to(dtype, copy=True).requires_grad_() for tensor in (x, v, w)]
        shared = {"scale": 10.0, "reset": reset, "input_gain": 0.3, "kernel": kernel}
        first, _ = cuba_lif(leaves[0], leaves[1], alpha=0.8, beta=0.9, **shared)
        alpha, beta = decays.to(dtype)
        second, membrane = cuba_lif(first @ leaves[2], alpha=alpha, beta=beta, **shared)
        ((second + membrane) * way.to(dtype)).sum().backward()
        return second.detach(), [leaf.grad for leaf in leaves]

    (expected, grads), (found, own) = by("reference", torch.float64), by(kernel, torch.float32)
    assert 0 < expected.sum() == found.sum()
    assert found.double().equal(expected)
    for grad, wanted in zip(own, grads, strict=True):
        assert (grad - wanted).norm() <= 1e-3 * wanted.norm()


@pytest.mark.parametrize("kernel", ["auto", "reference"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current": torch.zeros(2, 3)}, "current must be"),
        ({"current": torch.zeros(2, 0, 3)}, "current must be"),
        ({"current": [[[1.0]]]}, "current must be .* it is of type list"),
        ({"current": torch.ones(2, 5, 3, dtype=torch.int64)}, "current must be .* floats; it is .* torch.int64"),
        ({"current": torch.zeros(2, 5, 3).to_sparse()}, "current must be a dense .* it is .* sparse"),
        ({"v": torch.zeros(2, 3)}, "v must be"),
        ({"v": np.zeros((3, 3), np.float32)}, "v must be .* it is of type ndarray"),
        ({"v": torch.zeros(3, 3, device="meta")}, "v must be torch.float32 on cpu as current; it is .* meta"),
        ({"alpha": None}, "alpha must be .* it is None"),
        ({"beta": [0.5, 0.5, 0.5]}, "beta must be .* it is of type list"),
        ({"input_gain": torch.ones(1, 3)}, r"input_gain must be .* it is \(1, 3\)"),
        ({"alpha": torch.ones(3, dtype=torch.float64)}, "alpha must be torch.float32"),
        ({"scale": torch.ones(3)}, "scale must be"),
        ({"scale": None}, "scale must be"),
        ({"reset": "none"}, "reset must be"),
        ({"scale": 0.0}, "scale must be"),
    ],
)
def test_impossible_arguments_are_named(kernel: str, change: dict, message: str) -> None:
    arguments = {"current": torch.zeros(2, 5, 3), "alpha": 0.5, "beta": 0.5, "scale": 10.0} | change
    with pytest.raises(ValueError, match=message):
        cuba_lif(**arguments, kernel=kernel)


@pytest.mark.parametrize("number", [1, np.float32(0.5), np.float64(0.5), torch.tensor(0.5)])
def test_a_constant_may_be_any_real_number(number: object) -> None:
    current = torch.rand(2, 9, 3)
    found = cuba_lif(current, alpha=number, beta=number, input_gain=number, scale=1.0)
    expected = cuba_lif(current, alpha=float(number), beta=float(number), input_gain=float(number), scale=1.0)
    assert all(map(torch.equal, found, expected))


def test_unknown_kernel_is_named_with_its_near_match() -> None:
    with pytest.raises(UserError, match="did you mean 'reference'"):
        cuba_lif(torch.zeros(1, 1, 1), alpha=0.5, beta=0.5, scale=1.0, kernel="referense")


def test_what_a_kernel_does_not_cover_is_the_references_with_a_warning() -> None:
    current = torch.rand(2, 9, 3, dtype=torch.float64)
    expected = cuba_lif(current, alpha=0.9, beta=0.9, scale=1.0, kernel="reference")
    with pytest.warns(KernelFallbackWarning, match="the cpu kernel does not cover torch.float64"):
        found = cuba_lif(current, alpha=0.9, beta=0.9, scale=1.0, kernel="cpu")
    assert all(map(torch.equal, found, expected))


def test_without_triton_the_gpu_kernel_is_the_references_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    current = torch.rand(2, 9, 3)
    monkeypatch.setitem(sys.modules, "triton", None)
    for name in [name for name in sys.modules if name.startswith("snn_tune.snn.kernels.gpu")]:
        monkeypatch.delitem(sys.modules, name)
    kernels.load.cache_clear()
    with pytest.warns(KernelFallbackWarning, match="the gpu kernel cannot be loaded .*triton"):
        found = cuba_lif(current, alpha=0.9, beta=0.9, scale=1.0, kernel="gpu")
    assert all(map(torch.equal, found, cuba_lif(current, alpha=0.9, beta=0.9, scale=1.0, kernel="reference")))
