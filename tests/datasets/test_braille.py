"""Tactile Braille Letters from small pickles, and the real file."""

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from writers import BRAILLE, LETTERS, braille_trials, listing, write_braille

from snn_tune.datasets import Analog, Dataset
from snn_tune.datasets.braille import Braille
from snn_tune.errors import UserError

SOURCE = Braille(name="tbl")


def values(dataset: Dataset) -> np.ndarray:
    source = dataset.train.source
    assert isinstance(source, Analog)
    return source.values.numpy()


def test_values_are_scaled_by_the_training_part(data_dir: Path) -> None:
    write_braille(data_dir)
    dataset = SOURCE.load(76, data_dir)
    raw = np.stack([1 - trial["taxel_data"][:76, [1, 2, 6, 10]] / 255 for trial in braille_trials()])
    train = raw[dataset.train.samples].reshape(-1, 4)
    expected = (raw - train.mean(axis=0)) / (train.std(axis=0) + 1e-3)
    assert values(dataset).dtype == np.float32
    assert np.allclose(values(dataset), expected, atol=1e-6)


def test_parts(data_dir: Path) -> None:
    write_braille(data_dir)
    dataset = SOURCE.load(76, data_dir)
    parts = dataset.train, dataset.valid, dataset.test
    assert sorted(np.concatenate([part.samples for part in parts])) == list(range(270))
    for part, each in zip(parts, (7, 1, 2), strict=True):
        assert np.bincount(part.labels).tolist() == [each] * 27
        assert (part.labels == part.samples // 10).all()
    assert (dataset.nb_inputs, dataset.nb_classes, dataset.analog) == (4, 27, True)


def test_labels_are_the_letters_in_whatever_order(data_dir: Path) -> None:
    trials = braille_trials()
    order = np.random.default_rng(0).permutation(len(trials))
    write_braille(data_dir, [trials[place] for place in order])
    dataset = SOURCE.load(76, data_dir)
    for sample, label in zip(dataset.test.samples, dataset.test.labels, strict=True):
        assert trials[order[sample]]["letter"] == LETTERS[label]


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_frames_are_held(data_dir: Path, repeats: int) -> None:
    write_braille(data_dir)
    dataset = SOURCE.load(76 * repeats, data_dir)
    batch, _ = next(dataset.valid.batches(2, np.array([0, 3])))
    assert isinstance(batch, torch.Tensor)
    assert dataset.repeats == repeats
    assert batch.shape == (2, 76 * repeats, 4)
    frames = values(dataset)[dataset.valid.samples[[0, 3]]]
    assert (batch.numpy() == frames[:, np.arange(76 * repeats) // repeats]).all()


@pytest.mark.parametrize(("nb_steps", "near"), [(100, "76 or 152"), (10, "take 76"), (153, "152 or 228")])
def test_steps_must_hold_whole_frames(data_dir: Path, nb_steps: int, near: str) -> None:
    with pytest.raises(ValueError, match=f"nb_steps = {nb_steps} is no multiple of the 76 frames .*{near}$"):
        SOURCE.check_steps(nb_steps)
    with pytest.raises(ValueError, match="no multiple"):
        SOURCE.load(nb_steps, data_dir)
    SOURCE.check_steps(152)


def test_fingerprint_and_files(data_dir: Path, cache: Path) -> None:
    path = write_braille(data_dir)
    before = listing(data_dir)
    dataset = SOURCE.load(76, data_dir)
    assert listing(data_dir) == before
    assert listing(cache) == {}
    assert list(dataset.files) == [path.name]
    assert SOURCE.load(152, data_dir).fingerprint == dataset.fingerprint
    assert SOURCE.model_copy(update={"taxels": (1, 2, 6, 9)}).load(76, data_dir).fingerprint != dataset.fingerprint
    content = gzip.decompress(path.read_bytes())
    path.unlink()
    path.with_suffix("").write_bytes(content)
    assert SOURCE.load(76, data_dir).fingerprint == dataset.fingerprint
    trials = braille_trials()
    trials[5]["taxel_data"][3, 4] += 1
    write_braille(data_dir, trials)
    path.with_suffix("").unlink()
    assert SOURCE.load(76, data_dir).fingerprint != dataset.fingerprint


def changed(**entries: Any) -> list[dict[str, Any]]:
    trials = braille_trials()
    trials[7].update(entries)
    return trials


BAD = {
    "no list": ({}, "not a list of trials"),
    "empty": ([], "not a list of trials"),
    "no dictionary": ([3], "trial 0 has no letter"),
    "another letter": (changed(letter="Ä"), "trial 7 has no letter"),
    "an array as letter": (changed(letter=np.zeros(3)), "trial 7 has no letter"),
    "a list as data": (changed(taxel_data=[1.0]), "trial 7 has no taxel_data of 12"),
    "11 taxels": (changed(taxel_data=np.zeros((76, 11))), "trial 7 has no taxel_data of 12"),
    "NaN": (changed(taxel_data=np.full((76, 12), np.nan)), "trial 7 has taxel_data that is not a number"),
    "short": (changed(taxel_data=np.zeros((70, 12))), "only 70 frames, but frames = 76"),
    "too few": (braille_trials(3), "a part is empty"),
    "no plain data": (changed(taxel_data=os.system), r"it asks for \w+\.system"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_named(data_dir: Path, what: str) -> None:
    trials, complaint = BAD[what]
    path = write_braille(data_dir, trials)
    with pytest.raises(UserError, match=complaint) as caught:
        SOURCE.load(76, data_dir)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_truncated_file_is_named(data_dir: Path) -> None:
    path = write_braille(data_dir)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=rf"{BRAILLE}: cannot be read"):
        SOURCE.load(76, data_dir)


def test_a_bomb_is_stopped(data_dir: Path) -> None:
    write_braille(data_dir, bytes(33 << 20))
    with pytest.raises(UserError, match="holds more than"):
        SOURCE.load(76, data_dir)


@pytest.mark.parametrize(
    "wrong",
    [
        {"taxels": [1, 2, 6]},
        {"taxels": [1, 2, 6, 6]},
        {"taxels": [1, 2, 6, 12]},
        {"test_fraction": 0.5, "valid_fraction": 0.5},
    ],
)
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Braille.model_validate({"name": "tbl", **wrong})


def test_the_real_file(real_data: Path) -> None:
    dataset = SOURCE.load(152, real_data)
    assert [len(part) for part in (dataset.train, dataset.valid, dataset.test)] == [945, 135, 270]
    assert np.bincount(dataset.valid.labels).tolist() == [5] * 27
    assert np.bincount(dataset.test.labels).tolist() == [10] * 27
    train = values(dataset)[dataset.train.samples].reshape(-1, 4)
    assert np.allclose(train.mean(axis=0), 0, atol=1e-4)
    deviation = train.std(axis=0)  # below 1 for the 1e-3, much so where a taxel hardly moves
    assert ((deviation > 0.6) & (deviation < 1)).all()
