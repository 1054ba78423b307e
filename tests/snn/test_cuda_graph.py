"""A replayed step trains as one that is not; recordings are made up where there is no GPU. And no step waits for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from test_training import DATA, PARAMETERS

from snn_tune.datasets.dataset import Analog, Dataset, take
from snn_tune.network_settings import network_settings
from snn_tune.snn import SpikingNetwork, cuda_graph, score
from snn_tune.snn.cuda_graph import WARM_UP, Recorded, recorded
from snn_tune.training_step import TrainingStep, train_epoch

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
SIZE = PARAMETERS.batch_size  # 120 samples: four of these and a smaller one


def analog() -> Dataset:
    rng = np.random.default_rng(0)
    source = Analog(torch.from_numpy(rng.normal(size=(120, 10, 2)).astype(np.float32)), repeats=2)
    part = take(source, np.arange(120) % 3, np.arange(120))
    return Dataset(part, part, part, nb_inputs=2, nb_classes=3, nb_steps=20, fingerprint="")


@pytest.fixture(params=["events", "analog"])
def data(request: pytest.FixtureRequest) -> Dataset:
    return DATA.load(30, None) if request.param == "events" else analog()


def new_step(data: Dataset, device: str = "cpu", kernel: str = "auto") -> TrainingStep:
    changes = {"units_per_channel": 8, "init_scale": 3.0} if data.analog else {}
    parameters = PARAMETERS.model_copy(update=changes)
    network = SpikingNetwork(network_settings(parameters, data), kernel=kernel).to(device)
    return TrainingStep(network, parameters, data)


def train(step: TrainingStep, data: Dataset) -> list[Any]:
    """What three epochs give, and the weights after them."""
    told = [train_epoch(step, data, 0, epoch)[:2] for epoch in range(3)]
    return told + [weights.detach().cpu().numpy().tobytes() for weights in step.network.parameters()]


def test_every_batch_is_trained_on_once_and_full_ones_by_one_recording(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings: list[Callable[[], Any]] = []

    def record(work: Callable[[], Any]) -> Callable[[], Any]:
        recordings.append(work)
        return work

    monkeypatch.setattr(cuda_graph, "record", record)
    step = new_step(data)
    step.recorded = Recorded(step, SIZE)
    assert train(step, data) == train(new_step(data), data)
    assert len(recordings) == 1


def test_where_no_recording_can_be_made_the_step_runs(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(work: Callable[[], Any]) -> Callable[[], Any]:
        raise RuntimeError("not here")

    monkeypatch.setattr(cuda_graph, "record", record)
    step = new_step(data)
    step.recorded = Recorded(step, SIZE)
    with pytest.warns(UserWarning, match="cannot be recorded .*not here") as warned:
        assert train(step, data) == train(new_step(data), data)
    assert len(warned) == 1


def test_only_the_gpu_kernel_on_a_gpu_is_recorded(data: Dataset) -> None:
    step = new_step(data)
    assert recorded(step, step.network, step.optimizer, SIZE) is step
    assert not step.optimizer.param_groups[0]["capturable"]


@ON_GPU
def test_a_recording_gives_the_same_bits(data: Dataset) -> None:
    data = data.to("cuda")
    plain, replayed = (new_step(data, "cuda", "gpu") for _ in range(2))
    for step in (plain, replayed):
        step.recorded = recorded(step, step.network, step.optimizer, SIZE)
    plain.recorded = None
    assert train(replayed, data) == train(plain, data)
    assert replayed.recorded.replay is not None


@ON_GPU
@pytest.mark.parametrize("replayed", [False, True])
def test_no_step_waits_for_the_gpu(data: Dataset, replayed: bool) -> None:
    data = data.to("cuda")
    step = new_step(data, "cuda", "gpu")
    if replayed:
        step.recorded = recorded(step, step.network, step.optimizer, SIZE)
    batches = list(data.train.batches(SIZE, np.random.default_rng(0).permutation(len(data.train))))
    for inputs, labels in [*batches[:WARM_UP], *batches]:  # compiled, recorded
        step.run(inputs, labels)
        score(step.network, inputs, labels)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for (inputs, labels), (others, classes) in zip(batches, data.train.batches(SIZE), strict=True):
            step.run(inputs, labels)
            score(step.network, others, classes)
    finally:
        torch.cuda.set_sync_debug_mode("default")
