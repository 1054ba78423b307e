"""Fashion-MNIST from small IDX files, and the whole real set."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from writers import IDX, PEAK, fashion_arrays, idx, listing, put, write_fashion

from snn_tune.datasets import Dataset, EventBatch
from snn_tune.datasets.fashion_mnist import FashionMnist
from snn_tune.datasets.latency import spike_step
from snn_tune.errors import UserError

SOURCE = FashionMnist(name="fashion_mnist")


def first_spikes(dataset: Dataset, part: str) -> np.ndarray:
    """(N, 784): the step of each pixel's spike, nb_steps where it has none."""
    chosen = getattr(dataset, part)
    batch, _ = next(chosen.batches(len(chosen)))
    assert isinstance(batch, EventBatch)
    units, counts, offsets = batch.bags()
    assert set(counts.tolist()) <= {1.0}
    bag = np.repeat(np.arange(len(offsets) - 1), offsets.diff())
    steps = np.full((len(batch), 784), batch.nb_steps)
    steps[bag // batch.nb_steps, units] = bag % batch.nb_steps
    return steps


@pytest.mark.parametrize("nb_steps", [100, 30])
def test_every_pixel_spikes_when_the_formula_says(data_dir: Path, nb_steps: int) -> None:
    write_fashion(data_dir)
    arrays, dataset = fashion_arrays(), SOURCE.load(nb_steps, data_dir)
    for part, file in (("train", "train"), ("valid", "train"), ("test", "t10k")):
        chosen = getattr(dataset, part)
        images = arrays[f"{file}-images-idx3-ubyte"].reshape(-1, 784)[chosen.samples]
        assert (first_spikes(dataset, part) == spike_step(images / 255, 20.0, 0.2, nb_steps)).all()
        assert (chosen.labels.numpy() == arrays[f"{file}-labels-idx1-ubyte"][chosen.samples]).all()


def test_parts(data_dir: Path) -> None:
    write_fashion(data_dir)
    dataset = SOURCE.load(100, data_dir)
    assert [len(part) for part in (dataset.train, dataset.valid, dataset.test)] == [90, 10, 20]
    assert sorted([*dataset.train.samples, *dataset.valid.samples]) == list(range(100))
    assert sorted(dataset.valid.labels) == list(range(10))
    assert (dataset.nb_inputs, dataset.nb_classes, dataset.nb_steps, dataset.analog) == (784, 10, 100, False)
    assert sorted(dataset.files) == sorted(f"{name}.gz" for name in fashion_arrays())


def test_the_data_folder_stays_as_it_is_and_the_cache_is_used_again(data_dir: Path, cache: Path) -> None:
    write_fashion(data_dir)
    before = listing(data_dir)
    SOURCE.load(100, data_dir)
    assert listing(data_dir) == before
    copies = {path: path.stat().st_mtime_ns for path in cache.rglob("*ubyte")}
    assert len(copies) == 4
    SOURCE.load(100, data_dir)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*ubyte")} == copies


def test_unpacked_files_are_read_in_place(data_dir: Path, cache: Path) -> None:
    write_fashion(data_dir, suffix="")
    SOURCE.load(100, data_dir)
    assert listing(cache) == {}


def test_some_packed_and_some_not(data_dir: Path) -> None:
    write_fashion(data_dir)
    fingerprint = SOURCE.load(100, data_dir).fingerprint
    name = "train-labels-idx1-ubyte"
    (data_dir / IDX / f"{name}.gz").unlink()
    put(data_dir / IDX / name, idx(fashion_arrays()[name]))
    assert SOURCE.load(100, data_dir).fingerprint == fingerprint


def test_fingerprint(data_dir: Path, tmp_path: Path) -> None:
    write_fashion(data_dir)
    fingerprint = SOURCE.load(100, data_dir).fingerprint
    assert SOURCE.load(50, data_dir).fingerprint == fingerprint
    assert SOURCE.model_copy(update={"split_seed": 1}).load(100, data_dir).fingerprint != fingerprint
    write_fashion(tmp_path / "plain", suffix="")
    assert SOURCE.load(100, tmp_path / "plain").fingerprint == fingerprint
    changed = fashion_arrays()["t10k-images-idx3-ubyte"].copy()
    changed[3, 4, 5] ^= 1
    write_fashion(tmp_path / "other", t10k_images_idx3_ubyte=changed)
    assert SOURCE.load(100, tmp_path / "other").fingerprint != fingerprint


BAD = {
    "wrong shape": ("train-images-idx3-ubyte", idx(np.zeros((100, 28, 27), np.uint8)), "28 x 28 images"),
    "cut": ("t10k-images-idx3-ubyte", idx(fashion_arrays()["t10k-images-idx3-ubyte"])[:-1], "28 x 28 images"),
    "longer": ("train-labels-idx1-ubyte", idx(np.zeros(100, np.uint8)) + b"x", "IDX file of labels"),
    "no header": ("t10k-labels-idx1-ubyte", b"\x00\x00", "IDX file of labels"),
    "other magic": ("t10k-labels-idx1-ubyte", idx(np.zeros((20, 1), np.uint8)), "IDX file of labels"),
    "empty": ("t10k-images-idx3-ubyte", idx(np.zeros((0, 28, 28), np.uint8)), "28 x 28 images"),
    "fewer labels": ("train-labels-idx1-ubyte", idx(np.zeros(99, np.uint8)), "not as many labels"),
    "a label of 10": ("t10k-labels-idx1-ubyte", idx(np.full(20, 10, np.uint8)), "label 10"),
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_named(data_dir: Path, what: str, suffix: str) -> None:
    name, content, complaint = BAD[what]
    write_fashion(data_dir, suffix)
    path = put(data_dir / IDX / (name + suffix), content)
    with pytest.raises(UserError, match=complaint) as caught:
        SOURCE.load(100, data_dir)
    assert str(caught.value).startswith(f"{path}: ")


def test_an_empty_part_is_refused(data_dir: Path) -> None:
    write_fashion(data_dir)
    with pytest.raises(UserError, match=r"valid_fraction = 0.01"):
        FashionMnist(name="fashion_mnist", valid_fraction=0.01).load(100, data_dir)


@pytest.mark.parametrize("wrong", [{"nb_inputs": 28}, {"tau": float("inf")}, {"threshold": 1.0}, {"valid_fraction": 0}])
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        FashionMnist.model_validate({"name": "fashion_mnist", **wrong})


@pytest.mark.slow
def test_the_real_set_fits_in_little_memory(real_data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "fashion_mnist", str(real_data)], capture_output=True, text=True, check=True
    )
    *sizes, peak = done.stdout.split()
    assert sizes == ["54000", "6000", "10000"]
    assert float(peak) < 300
