"""randman: what is generated, and that the seed decides it."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from snn_tune.datasets import SOURCES, Events
from snn_tune.datasets.randman import Randman, smooth_manifold

SMALL = Randman(name="randman", nb_inputs=6, nb_classes=3, nb_spikes=2, nb_train=30, nb_valid=12, nb_test=9)


def test_every_unit_spikes_as_often(data_dir: Path) -> None:
    dataset = SMALL.load(20, data_dir)
    events = dataset.train.source
    assert isinstance(events, Events)
    sample = np.repeat(np.arange(51 * 20), events.bags.diff()) // 20
    spikes = np.zeros((51, 6))
    np.add.at(spikes, (sample, events.unit), events.count)
    assert (spikes == 2).all()
    assert list(data_dir.iterdir()) == []


def test_parts_are_apart_and_classes_even(data_dir: Path) -> None:
    dataset = SMALL.load(20, data_dir)
    parts = dataset.train, dataset.valid, dataset.test
    assert [len(part) for part in parts] == [30, 12, 9]
    assert sorted(np.concatenate([part.samples for part in parts])) == list(range(51))
    assert np.bincount(np.concatenate([part.labels for part in parts])).tolist() == [17, 17, 17]


def test_fingerprint_knows_settings_but_not_steps(data_dir: Path) -> None:
    fingerprint = SMALL.load(20, data_dir).fingerprint
    assert SMALL.load(40, data_dir).fingerprint == fingerprint
    assert SMALL.model_copy(update={"seed": 1}).load(20, data_dir).fingerprint != fingerprint


def test_manifold_is_smooth_and_fills_the_unit_interval() -> None:
    points = np.linspace(0, 1, 1000)[:, None]
    rough, smooth = (smooth_manifold(points, 5, alpha, np.random.default_rng(0)) for alpha in (1.0, 3.0))
    assert smooth.min(axis=0).tolist() == [0.0] * 5
    assert smooth.max(axis=0).tolist() == [1.0] * 5
    assert np.abs(np.diff(rough, axis=0)).mean() > 2 * np.abs(np.diff(smooth, axis=0)).mean()


def test_nearest_neighbour_tells_the_classes_apart(data_dir: Path) -> None:
    source = Randman(name="randman", nb_inputs=20, nb_classes=5, dim_manifold=1, nb_train=300, nb_valid=1, nb_test=100)
    dataset = source.load(100, data_dir)
    events = dataset.train.source
    assert isinstance(events, Events)
    steps = np.empty((len(events), 20))
    bag = np.repeat(np.arange(len(events) * 100), events.bags.diff())
    steps[bag // 100, events.unit.numpy()] = bag % 100
    known, asked = steps[dataset.train.samples], steps[dataset.test.samples]
    nearest = np.abs(asked[:, np.newaxis] - known).sum(axis=2).argmin(axis=1)
    assert (dataset.train.labels[nearest] == dataset.test.labels).double().mean() > 0.9


def test_settings_are_checked() -> None:
    with pytest.raises(ValidationError, match="extra"):
        SOURCES["randman"].model_validate({"name": "randman", "smothness": 2.0})
    with pytest.raises(ValidationError, match="smoothness"):
        Randman(name="randman", smoothness=0.0)
