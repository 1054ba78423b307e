"""Which kernel computes a network: known before it is there, and told once."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from test_step import SETTINGS

from snn_tune.errors import UserError
from snn_tune.snn import SpikingNetwork, kernels
from snn_tune.snn.kernels import Shape
from snn_tune.snn.step import kernel_of

pytest.importorskip("triton")


@pytest.mark.parametrize("kernel", ["auto", "reference", "cpu"])
@pytest.mark.parametrize("recurrent", [True, False])
def test_the_plan_names_the_kernel_that_computes(kernel: str, recurrent: bool) -> None:
    network = SpikingNetwork(replace(SETTINGS, nb_hidden=1100, recurrent=recurrent), kernel=kernel)
    assert kernels.plan(kernel, "cpu", Shape((1100,), recurrent)) == (kernel_of(network), "")


def test_on_a_gpu_what_no_kernel_covers_is_planned_for_the_reference() -> None:
    assert kernels.plan("auto", "cuda", Shape((200,), True)) == ("reference", "")  # the gpu kernel is not proven yet
    assert kernels.plan("gpu", "cuda", Shape((1024,), True)) == ("gpu", "")
    assert kernels.plan("gpu", "cuda", Shape((1025,), False)) == ("gpu", "")
    assert kernels.plan("gpu", "cuda", Shape((1025,), True)).kernel == "reference"
    assert kernels.plan("cpu", "cuda", Shape((200,), True)).kernel == "reference"


def test_fallbacks_are_one_line() -> None:
    shapes = [Shape((nb_hidden,), recurrent) for nb_hidden in (200, 1025, 2000) for recurrent in (True, False)]
    assert kernels.fallback("auto", "cuda", shapes) == kernels.fallback("cpu", "cpu", shapes) == ""
    assert kernels.fallback("gpu", "cuda", shapes) == (
        "the gpu kernel does not cover torch.float32 on cuda, 1025 recurrent units; the reference computes it "
        "(2 of 6 combinations)"
    )


def test_what_goes_layer_by_layer_is_said_once() -> None:
    one, several, deep = Shape((200,), True), Shape((200, 100), True), Shape((200, 1100), True)
    trained = Shape((200,), False, time_constants="trained")
    extras = Shape((9,), True, dropout=True, time_constants="drawn")  # of one layer, by one call
    assert kernels.fallback("auto", "cpu", [one, several, extras]) == (
        "the cpu kernel goes layer by layer (1 of 3 combinations)"
    )
    assert kernels.fallback("gpu", "cuda", [one, several, extras]) == (
        "the gpu kernel goes layer by layer (2 of 3 combinations)"
    )
    assert kernels.fallback("auto", "cpu", [one, trained, several]) == (
        "the cpu kernel does not cover torch.float32 on cpu, 200 units, gradients of their constants; the reference "
        "computes it (1 of 3 combinations); the cpu kernel goes layer by layer (1 of 3 combinations)"
    )
    assert kernels.plan("gpu", "cuda", several).kernel == "gpu"
    assert kernels.plan("gpu", "cuda", deep).kernel == "reference"
    assert kernels.fallback("reference", "cpu", [several]) == kernels.fallback("auto", "cuda", [several]) == ""


@pytest.mark.parametrize(
    ("kernel", "device", "precision", "planned", "told"),
    [
        ("auto", "cpu", "truncated", "cpu", ""),
        ("auto", "cpu", "bf16", "reference", "the cpu kernel has no precision 'bf16'; the reference computes it"),
        ("gpu", "cuda", "bf16", "gpu", ""),
        ("gpu", "cuda", "truncated", "reference", "the gpu kernel has no precision 'truncated'"),
        ("auto", "cuda", "bf16", "reference", "auto takes the reference, which has no precision 'bf16'"),
        ("reference", "cpu", "truncated", "reference", ""),
    ],
)
def test_a_precision_that_a_kernel_has_not_is_told(
    kernel: str, device: str, precision: str, planned: str, told: str
) -> None:
    choice = kernels.plan(kernel, device, Shape((20,), True, precision))
    assert choice.kernel == planned
    assert told in choice.fallback if told else choice.fallback == ""


@pytest.mark.parametrize(
    ("kernel", "device", "precision", "refused"),
    [
        ("auto", "cpu", "exact", False),
        ("auto", "cpu", "truncated", False),
        ("auto", "cpu", "bf16", True),
        ("reference", "cpu", "truncated", True),
        ("auto", "cuda", "truncated", True),
        ("gpu", "cuda", "bf16", False),
    ],
)
def test_a_study_is_not_computed_in_another_precision_than_its_key_says(
    kernel: str, device: str, precision: str, refused: bool
) -> None:
    with pytest.raises(UserError, match=f"precision = '{precision}'") if refused else nullcontext():
        kernels.check_precision(kernel, device, precision)


def test_what_a_study_will_meet_is_foreseen() -> None:
    assert kernels.foresee("auto", "cpu", [Shape((20,), True, "truncated")]) == ""
    assert "(1 of 1 combinations)" in kernels.foresee("gpu", "cuda", [Shape((1025,), True)])
    with pytest.raises(UserError, match="precision = 'bf16'"):
        kernels.foresee("auto", "cpu", [Shape((20,), True), Shape((20,), True, "bf16")])
    with pytest.raises(UserError, match="--kernel gpu: there is no GPU here; take auto or cpu"):
        kernels.foresee("gpu", "cpu", [])


def test_a_network_of_another_precision_computes_by_the_reference_with_a_warning() -> None:
    network = SpikingNetwork(replace(SETTINGS, precision="bf16"), kernel="cpu")
    with pytest.warns(kernels.KernelFallbackWarning, match="no precision 'bf16'"):
        assert kernel_of(network) == "reference"
    assert kernel_of(SpikingNetwork(replace(SETTINGS, precision="truncated"), kernel="cpu")) == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_plan_for_a_gpu_names_the_kernel_that_computes_there() -> None:
    for nb_hidden in (200, 1025):
        network = SpikingNetwork(replace(SETTINGS, nb_hidden=nb_hidden), kernel="gpu").to("cuda")
        assert kernels.plan("gpu", "cuda", Shape((nb_hidden,), True)).kernel == kernel_of(network)
