"""Parts, analog channels and the stratified split."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn_tune.datasets.dataset import Analog, Dataset, Part, stratified

VALUES = np.arange(12, dtype=np.float32).reshape(2, 3, 2)


def test_analog_holds_each_frame() -> None:
    analog = Analog(VALUES, 2)
    batch = analog.batch(np.array([1]))
    assert analog.nb_steps == 6
    assert isinstance(batch, torch.Tensor)
    assert batch[0, :, 0].tolist() == [6.0, 6.0, 8.0, 8.0, 10.0, 10.0]


def test_part_keeps_samples_and_labels_together() -> None:
    part = Part(Analog(VALUES, 1), np.array([1, 0]), np.array([7, 3]))
    batch, labels = part.batch(np.array([1, 0, 1]))
    assert isinstance(batch, torch.Tensor)
    assert batch[:, 0, 0].tolist() == [0.0, 6.0, 0.0]
    assert labels.tolist() == [3, 7, 3]


def test_repeats_and_analog_of_a_dataset() -> None:
    part = Part(Analog(VALUES, 4), np.array([0]), np.array([0]))
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
