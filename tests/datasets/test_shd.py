"""SHD from small HDF5 files, hostile ones, and the whole real set."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from test_events import dense
from writers import PEAK, listing, shd_arrays, write_h5, write_shd

from snn_tune.datasets import EventBatch, shd, shd_file
from snn_tune.datasets.shd import Shd
from snn_tune.errors import UserError

SOURCE = Shd(name="shd")


def expected(arrays: dict[str, Any], nb_steps: int) -> torch.Tensor:
    """(N, T, 700), spike by spike."""
    counts = torch.zeros(len(arrays["labels"]), nb_steps, 700)
    for sample, (times, units) in enumerate(zip(arrays["times"], arrays["units"], strict=True)):
        for time, unit in zip(times.tolist(), units.tolist(), strict=True):
            if (step := int(time / 1.4 * nb_steps)) < nb_steps:
                counts[sample, step, unit] += 1
    return counts


@pytest.mark.parametrize("nb_steps", [1, 7, 100])
def test_spikes_fall_into_their_steps(data_dir: Path, nb_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shd_file, "ROWS", 5)
    write_shd(data_dir)
    dataset = SOURCE.load(nb_steps, data_dir)
    train, test = expected(shd_arrays(24, 1), nb_steps), expected(shd_arrays(12, 2, (4, 5)), nb_steps)
    for part, counts in ((dataset.train, train), (dataset.valid, train), (dataset.test, test)):
        batch, _ = next(part.batches(len(part)))
        assert isinstance(batch, EventBatch)
        assert torch.equal(dense(batch, 700), counts[part.samples])


def test_edges_of_time(data_dir: Path) -> None:
    """Bins start at 0, coincident spikes add up, what comes at the end or later goes nowhere."""
    arrays = shd_arrays(24, 1)
    arrays["times"][0] = np.array([0.0, 0.0, 0.25, 1.0, np.inf, 0.2498], dtype=np.float16)
    arrays["units"][0] = np.array([0, 0, 699, 5, 5, 699], dtype=np.uint16)
    write_shd(data_dir, **arrays)
    dataset = Shd(name="shd", max_time=1.0).load(4, data_dir)
    batch, _ = next(dataset.train.batches(1))
    assert isinstance(batch, EventBatch)
    units, counts, offsets = batch.bags()
    assert offsets.tolist() == [0, 2, 3, 3, 3]
    assert units.tolist() == [0, 699, 699]
    assert counts.tolist() == [2.0, 1.0, 1.0]


def test_parts_are_speakers(data_dir: Path) -> None:
    write_shd(data_dir)
    dataset, arrays = SOURCE.load(10, data_dir), shd_arrays(24, 1)
    assert set(arrays["speaker"][dataset.train.samples]) == {0, 1}
    assert set(arrays["speaker"][dataset.valid.samples]) == {3, 6}
    assert (dataset.valid.labels.numpy() == arrays["labels"][dataset.valid.samples]).all()
    assert [len(part) for part in (dataset.train, dataset.valid, dataset.test)] == [12, 12, 12]


def test_other_files_than_the_official_ones_are_told(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shd(data_dir)
    assert SOURCE.load(10, data_dir).remark == (
        "not the official files, which have 8,156 and 2,264 recordings: these have 24 and 12"
    )
    monkeypatch.setattr(shd, "OFFICIAL", (24, 12))
    assert SOURCE.load(10, data_dir).remark == ""


@pytest.mark.parametrize("suffix", ["", ".gz", ".zip"])
def test_packed_or_not_it_is_the_same_data(data_dir: Path, tmp_path: Path, cache: Path, suffix: str) -> None:
    write_shd(data_dir, suffix)
    before = listing(data_dir)
    dataset = SOURCE.load(10, data_dir)
    assert listing(data_dir) == before
    assert sorted(dataset.files) == sorted(f"shd_{part}.h5{suffix}" for part in ("train", "test"))
    assert len(list(cache.rglob("*.h5"))) == (2 if suffix else 0)
    write_shd(tmp_path / "plain")
    assert SOURCE.load(20, tmp_path / "plain").fingerprint == dataset.fingerprint


def test_fingerprint_knows_content_and_settings_alone(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shd(data_dir)
    fingerprint = SOURCE.load(10, data_dir).fingerprint
    assert Shd(name="shd", valid_speakers=(3,)).load(10, data_dir).fingerprint != fingerprint
    assert Shd(name="shd", max_time=1.0).load(10, data_dir).fingerprint != fingerprint
    monkeypatch.setattr(shd_file, "ROWS", 1)
    assert SOURCE.load(10, data_dir).fingerprint == fingerprint
    speakers = shd_arrays(24, 1)["speaker"]
    speakers[0] = 7
    write_shd(tmp_path / "other", speaker=speakers)
    assert SOURCE.load(10, tmp_path / "other").fingerprint != fingerprint


def spoilt(**changes: Any) -> dict[str, Any]:
    arrays = shd_arrays(24, 1)
    for name, value in changes.items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            arrays[name][2] = np.array([value])
    return arrays


BAD = {
    "unit 700": (spoilt(times=0.5, units=700), r"a unit outside 0\.\.699"),
    "NaN": (spoilt(times=np.nan, units=3), "negative or not a number"),
    "negative": (spoilt(times=-0.5, units=3), "negative or not a number"),
    "a time too few": (spoilt(times=0.5) | {"units": [np.zeros(2, np.uint16)] * 24}, "more spikes/times than"),
    "label 20": (spoilt(labels=np.full(24, 20, np.uint16)), r"a label outside 0\.\.19"),
    "labels missing": (spoilt(labels=np.zeros(23, np.uint16)), "24 spikes/times, but 23 labels"),
    "text as labels": (spoilt(labels=np.array([b"one"] * 24)), "labels is of type"),
    "labels of two dimensions": (spoilt(labels=np.zeros((24, 1), np.uint16)), "one-dimensional"),
    "real speakers": (spoilt(speaker=np.zeros(24)), "extra/speaker is of type float64"),
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_named(data_dir: Path, what: str, suffix: str) -> None:
    arrays, complaint = BAD[what]
    write_shd(data_dir, suffix, **arrays)
    with pytest.raises(UserError, match=complaint) as caught:
        SOURCE.load(10, data_dir)
    assert str(caught.value).startswith(f"{data_dir}/shd/shd_train.h5{suffix}: ")
    assert "\n" not in str(caught.value)


def change(data_dir: Path, name: str) -> h5py.File:
    """The training file, opened to be spoilt, without this data set."""
    h5 = h5py.File(data_dir / "shd/shd_train.h5", "r+")
    del h5[name]
    return h5


@pytest.mark.parametrize("name", ["spikes/times", "spikes/units", "spikes", "labels", "extra/speaker"])
@pytest.mark.parametrize("instead", ["nothing", "external link", "soft link", "group"])
def test_each_data_set_must_lie_in_the_file(data_dir: Path, tmp_path: Path, name: str, instead: str) -> None:
    write_shd(data_dir)
    write_h5(tmp_path / "elsewhere.h5", **shd_arrays(24, 1))
    with change(data_dir, name) as h5:
        if instead == "external link":
            h5[name] = h5py.ExternalLink(str(tmp_path / "elsewhere.h5"), f"/{name}")
        elif instead == "soft link":
            h5["way"] = h5py.ExternalLink(str(tmp_path / "elsewhere.h5"), f"/{name}")
            h5[name] = h5py.SoftLink("/way")
        elif instead == "group":
            h5.create_group(name)
    with pytest.raises(UserError, match=r"shd_train\.h5: .*(no data set|link|not a (one-dimensional )?data set).*"):
        SOURCE.load(10, data_dir)


def test_data_stored_elsewhere_is_not_read(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(48))
    write_shd(data_dir)
    with change(data_dir, "labels") as h5:
        h5.create_dataset("labels", (24,), np.uint16, external=[(str(tmp_path / "secret"), 0, 48)])
    with pytest.raises(UserError, match="labels lies in another file"):
        SOURCE.load(10, data_dir)
    with change(data_dir, "labels") as h5:
        layout = h5py.VirtualLayout((24,), np.uint16)
        layout[:] = h5py.VirtualSource(str(tmp_path / "elsewhere.h5"), "labels", (24,))
        h5.create_virtual_dataset("labels", layout)
    with pytest.raises(UserError, match="labels lies in another file"):
        SOURCE.load(10, data_dir)


def test_a_claim_of_endless_samples_is_refused(data_dir: Path) -> None:
    write_shd(data_dir)
    with h5py.File(data_dir / "shd/shd_train.h5", "r+") as h5:
        for name in ("spikes/times", "spikes/units", "labels", "extra/speaker"):
            dtype = h5[name].dtype
            del h5[name]
            h5.create_dataset(name, (10**12,), dtype, chunks=(1000,))
    with pytest.raises(UserError, match="1000000000000 spikes/times"):
        SOURCE.load(10, data_dir)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_no_hdf5_at_all(data_dir: Path, content: bytes) -> None:
    write_shd(data_dir)
    (data_dir / "shd/shd_test.h5").write_bytes(content)
    with pytest.raises(UserError, match=r"shd_test\.h5: not a whole SHD file"):
        SOURCE.load(10, data_dir)


def test_truncated_hdf5(data_dir: Path) -> None:
    write_shd(data_dir)
    path = data_dir / "shd/shd_train.h5"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"shd_train\.h5: not a whole SHD file"):
        SOURCE.load(10, data_dir)


def test_speakers_must_be_there_and_some_left(data_dir: Path) -> None:
    write_shd(data_dir)
    with pytest.raises(UserError, match=r"shd_train\.h5: no recording of valid_speakers \[8\]"):
        Shd(name="shd", valid_speakers=(3, 8)).load(10, data_dir)
    with pytest.raises(UserError, match="none is left to train on"):
        Shd(name="shd", valid_speakers=(0, 1, 3, 6)).load(10, data_dir)


@pytest.mark.parametrize("wrong", [{"valid_speakers": []}, {"max_time": float("inf")}, {"nb_classes": 10}])
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Shd.model_validate({"name": "shd", **wrong})


@pytest.mark.slow
def test_the_real_set_fits_in_little_memory(real_data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "shd", str(real_data)], capture_output=True, text=True, check=True
    )
    train, valid, test, peak = done.stdout.split()
    assert int(test) == 2264
    assert 0.1 < int(valid) / (int(train) + int(valid)) < 0.2
    assert float(peak) < 500
