"""A single file, read for a network that is trained already, gives what `load` gives of it."""

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from writers import braille_trials, idx, put, shd_arrays, write_braille, write_fashion, write_h5, write_shd

from snn_tune.datasets.braille import Braille
from snn_tune.datasets.dataset import Analog, Dataset, Part, Samples
from snn_tune.datasets.fashion_mnist import FashionMnist
from snn_tune.datasets.own import Own
from snn_tune.datasets.randman import Randman
from snn_tune.datasets.shd import Shd
from snn_tune.errors import UserError


def check(found: Samples, part: Part, places: Any = None) -> None:
    """The same input and classes, the part's samples being at these places of the file."""
    places = torch.arange(len(part)) if places is None else torch.as_tensor(places)
    assert found.labels is None or (found.labels[places] == part.labels.numpy()).all()
    ours, theirs = part.source.batch(part.samples), found.source.batch(places)
    if isinstance(part.source, Analog):
        assert torch.equal(ours, theirs)
    else:
        assert all(map(torch.equal, ours.bags(), theirs.bags()))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zip"])
def test_shd(suffix: str, data_dir: Path) -> None:
    write_shd(data_dir, suffix)
    source = Shd(name="shd")
    found = source.read(data_dir / f"shd/shd_test.h5{suffix}", 50, {})
    assert found.labels is not None
    check(found, source.load(50, data_dir).test)


def test_shd_without_labels(data_dir: Path) -> None:
    path = write_h5(data_dir / "mine.h5", **shd_arrays(12, 2, (4, 5)))
    with h5py.File(path, "r+") as h5:
        del h5["labels"], h5["extra"]
    write_shd(data_dir)
    found = Shd(name="shd").read(path, 50, {})
    assert found.labels is None
    check(found, Shd(name="shd").load(50, data_dir).test)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_fashion_mnist(suffix: str, data_dir: Path) -> None:
    write_fashion(data_dir, suffix)
    source, folder = FashionMnist(name="fashion_mnist"), data_dir / "FashionMNIST/raw"
    images = folder / f"t10k-images-idx3-ubyte{suffix}"
    found = source.read(images, 100, {})
    assert found.labels is not None
    check(found, source.load(100, data_dir).test)
    (folder / f"t10k-labels-idx1-ubyte{suffix}").unlink()
    assert source.read(images, 100, {}).labels is None
    put(folder / f"t10k-labels-idx1-ubyte{suffix}", idx(np.zeros(3, np.uint8)))
    with pytest.raises(UserError, match="not a class, 0 to 9, for each of the 20 images"):
        source.read(images, 100, {})
    with pytest.raises(UserError, match="not an IDX file of 28 x 28 images"):
        source.read(folder / f"t10k-labels-idx1-ubyte{suffix}", 100, {})


def braille(data_dir: Path) -> tuple[Braille, Dataset]:
    write_braille(data_dir)
    source = Braille(name="tbl")
    return source, source.load(152, data_dir)


def test_braille_is_scaled_as_the_training_part_was(data_dir: Path) -> None:
    source, data = braille(data_dir)
    path = next((data_dir / "braille").iterdir())
    found = source.read(path, 152, data.measured)
    for part in (data.train, data.valid, data.test):
        check(found, part, part.samples)
    some = [{"taxel_data": trial["taxel_data"]} for trial in braille_trials()[5:8]]
    few = source.read(put(data_dir / "few.pkl", pickle.dumps(some)), 152, data.measured)
    assert few.labels is None
    assert torch.equal(few.source.batch(torch.arange(3)), found.source.batch(torch.arange(5, 8)))


def spikes(data: Part) -> dict[str, np.ndarray]:
    """Of a part, each in the middle of its step."""
    batch = data.source.batch(data.samples)
    unit, count, offsets = batch.bags()
    bag = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    every = np.repeat(np.arange(len(unit)), count.int())
    return {
        "sample": (bag // batch.nb_steps)[every],
        "time": ((bag % batch.nb_steps + 0.5) / batch.nb_steps)[every],
        "unit": unit.numpy()[every],
    }


@pytest.mark.parametrize("max_time", [1.0, 20.0])
def test_an_npz_file_of_spikes(max_time: float, tmp_path: Path) -> None:
    randman = Randman(name="randman", nb_inputs=7, nb_classes=3, nb_train=6, nb_valid=5, nb_test=4, nb_spikes=2)
    data = randman.load(30, tmp_path)
    source = randman if max_time == 1 else Own(nb_inputs=7, nb_classes=3, max_time=max_time)
    arrays = spikes(data.test)
    arrays["time"] *= max_time
    np.savez(tmp_path / "spikes.npz", **arrays, label=data.test.labels.numpy())
    found = source.read(tmp_path / "spikes.npz", 30, {})
    assert found.labels is not None
    check(found, data.test)
    np.savez_compressed(tmp_path / "unknown.npz", **arrays)
    assert source.read(tmp_path / "unknown.npz", 30, {}).labels is None


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"sample": [0], "time": [0.1]}, "has no array unit"),
        ({"sample": [0], "time": [0.1], "unit": [7]}, "unit must be 0 to 6; it is 7 to 7"),
        ({"sample": [0], "time": [0.1], "unit": [1.5]}, "unit must be whole numbers; it is float64"),
        ({"sample": [0], "time": ["a"], "unit": [1]}, "time must be numbers"),
        ({"sample": [0], "time": [-1], "unit": [1]}, "time must be 0 or more"),
        ({"sample": [10**9], "time": [0], "unit": [1]}, "at most 1,000,000 samples"),
        ({"sample": [2], "time": [0], "unit": [1], "label": [0, 1]}, "sample must be 0 to 1; it is 2 to 2"),
        ({"sample": [], "time": [], "unit": []}, "neither spikes nor labels"),
        ({"sample": [0], "time": [0, 1], "unit": [1]}, "must be of one length"),
        ({"sample": [0], "time": [None], "unit": [1]}, "not an .npz file of spikes"),
    ],
)
def test_spikes_that_do_not_fit_are_named(arrays: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "spikes.npz", **arrays)
    with pytest.raises(UserError, match=complaint) as caught:
        Randman(name="randman", nb_inputs=7, nb_classes=3).read(tmp_path / "spikes.npz", 30, {})
    assert "\n" not in str(caught.value)


SOURCES = [Shd(name="shd"), FashionMnist(name="fashion_mnist"), Braille(name="tbl"), Randman(name="randman")]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_no_such_file_is_one_line(source: Any, tmp_path: Path) -> None:
    measured = {"mean": [0.0] * 4, "deviation": [1.0] * 4}
    (tmp_path / "file").write_bytes(b"nonsense")
    for name, complaint in (("file", "file: "), ("fil", r"there is no such file \(did you mean 'file'\?\)")):
        with pytest.raises(UserError, match=complaint) as caught:
            source.read(tmp_path / name, source.repeats(76) * 76, measured)
        assert "\n" not in str(caught.value)
