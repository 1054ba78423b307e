"""Parts, analog channels and the stratified split."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn_tune.datasets.dataset import Analog, Dataset, stratified, take

VALUES = torch.arange(12.0).view(2, 3, 2)


def test_analog_holds_each_frame() -> None:
    analog = Analog(VALUES, 2)
    batch = analog.batch(torch.tensor([1]))
    assert analog.nb_steps == 6
    assert isinstance(batch, torch.Tensor)
    assert batch[0, :, 0].tolist() == [6.0, 6.0, 8.0, 8.0, 10.0, 10.0]


def test_part_keeps_samples_and_labels_together() -> None:
    part = take(Analog(VALUES, 1), np.array([3, 7]), np.array([1, 0]))
    batches = list(part.batches(2, np.array([1, 0, 1])))
    assert [batch[:, 0, 0].tolist() for batch, _ in batches] == [[0.0, 6.0], [0.0]]
    assert [labels.tolist() for _, labels in batches] == [[3, 7], [3]]
    assert next(part.batches(5))[1].tolist() == [7, 3]


def test_another_process_reads_the_same_memory_and_parts_share_their_source() -> None:
    buffers: list[pickle.PickleBuffer] = []
    part = take(Analog(VALUES, 1), np.arange(2), np.arange(2))
    dataset = Dataset(part, part, part, nb_inputs=2, nb_classes=2, nb_steps=3, fingerprint="")
    pickled = pickle.dumps(dataset, protocol=5, buffer_callback=buffers.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pickle.loads(pickled, buffers=[buffer.raw().toreadonly() for buffer in buffers])
    assert again.train.source.values.data_ptr() == VALUES.data_ptr()
    assert again.train.source is again.test.source
    assert again.to("cpu").train.source is again.train.source
    moved = again.to("meta")
    assert (moved.train.labels.device.type, moved.valid.source.values.device.type) == ("meta", "meta")
    assert moved.train.source is moved.test.source


def test_repeats_and_analog_of_a_dataset() -> None:
    part = take(Analog(VALUES, 4), np.array([0]), np.array([0]))
    dataset = Dataset(part, part, part, nb_inputs=2, nb_classes=2, nb_steps=12, fingerprint="")
    assert dataset.analog
    assert dataset.repeats == 4


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.floats(0.05, 0.95), st.integers(0, 5))
def test_stratified_splits_every_class_alike(classes: list[int], fraction: float, seed: int) -> None:
    labels = np.array(classes)
    first, second = stratified(labels, fraction, seed)
    assert sorted([*first, *second]) == list(range(len(labels)))
    assert (np.diff(first) > 0).all()
    assert (np.diff(second) > 0).all()
    for label in set(classes):
        assert (labels[second] == label).sum() == round(fraction * classes.count(label))


@pytest.mark.parametrize("seed", [0, 1])
def test_stratified_is_drawn_by_its_seed(seed: int) -> None:
    labels = np.zeros(100, dtype=int)
    assert (stratified(labels, 0.3, seed)[1] == stratified(labels, 0.3, seed)[1]).all()
    assert (stratified(labels, 0.3, seed)[1] != stratified(labels, 0.3, seed + 1)[1]).any()


def test_no_torchvision_until_it_is_needed() -> None:
    code = "import sys, snn_tune.datasets; sys.exit('torchvision' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
