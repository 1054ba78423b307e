"""Which kernel computes a network: known before it is there, and told once."""

from dataclasses import replace

import pytest
import torch
from test_step import SETTINGS

from snn_tune.snn import SpikingNetwork, kernels
from snn_tune.snn.step import kernel_of

pytest.importorskip("triton")


@pytest.mark.parametrize("kernel", ["auto", "reference", "cpu"])
@pytest.mark.parametrize("recurrent", [True, False])
def test_the_plan_names_the_kernel_that_computes(kernel: str, recurrent: bool) -> None:
    network = SpikingNetwork(replace(SETTINGS, nb_hidden=1100, recurrent=recurrent), kernel=kernel)
    assert kernels.plan(kernel, "cpu", 1100, recurrent) == (kernel_of(network), "")


def test_on_a_gpu_what_no_kernel_covers_is_planned_for_the_reference() -> None:
    assert kernels.plan("auto", "cuda", 200, True) == ("reference", "")  # the gpu kernel is not proven yet
    assert kernels.plan("gpu", "cuda", 1024, True) == ("gpu", "")
    assert kernels.plan("gpu", "cuda", 1025, False) == ("gpu", "")
    assert kernels.plan("gpu", "cuda", 1025, True).kernel == "reference"
    assert kernels.plan("cpu", "cuda", 200, True).kernel == "reference"


def test_fallbacks_are_one_line() -> None:
    sizes = [(nb_hidden, recurrent) for nb_hidden in (200, 1025, 2000) for recurrent in (True, False)]
    assert kernels.fallback("auto", "cuda", sizes) == kernels.fallback("cpu", "cpu", sizes) == ""
    assert kernels.fallback("gpu", "cuda", sizes) == (
        "the gpu kernel does not cover torch.float32 on cuda, 1025 recurrent units; the reference computes it "
        "(2 of 6 combinations)"
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_plan_for_a_gpu_names_the_kernel_that_computes_there() -> None:
    for nb_hidden in (200, 1025):
        network = SpikingNetwork(replace(SETTINGS, nb_hidden=nb_hidden), kernel="gpu").to("cuda")
        assert kernels.plan("gpu", "cuda", nb_hidden, True).kernel == kernel_of(network)
