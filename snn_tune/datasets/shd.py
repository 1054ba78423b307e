"""Spiking Heidelberg Digits: spoken digits as spikes of 700 channels of a cochlea (Cramer et al. 2020)."""

import hashlib
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt

from snn_tune.datasets import folder, shd_file
from snn_tune.datasets.dataset import Dataset, Samples, take
from snn_tune.datasets.download import Official, absent, obtain
from snn_tune.datasets.shd_file import MAX_BYTES, NB_CLASSES, NB_UNITS
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError

DIGITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
)
OFFICIAL = (8_156, 2_264)  # recordings for training and for testing
FILES = [
    Official("https://zenkelab.org/datasets/shd_train.h5.zip", "md5:f3252aeb598ac776c1b526422d90eecb", MAX_BYTES),
    Official("https://zenkelab.org/datasets/shd_test.h5.zip", "md5:1503a5064faa34311c398fb0a1ed0a6f", MAX_BYTES),
]


class Shd(DataSource):
    """The test file is the test part; whole speakers of the training file are the validation part.

    Attributes:
        max_time: time (s) that the steps divide; later spikes are left out.
        valid_speakers: who of the training file is for validation.
    """

    classes: ClassVar[tuple[str, ...]] = DIGITS
    name: Literal["shd"]
    nb_inputs: Literal[700] = NB_UNITS
    nb_classes: Literal[20] = NB_CLASSES
    max_time: float = Field(1.4, gt=0, allow_inf_nan=False)
    valid_speakers: tuple[NonNegativeInt, ...] = Field((3, 6), min_length=1, strict=False)

    def absent(self, data_dir: Path) -> list[str]:
        return [file.name for file in absent("shd", FILES, data_dir)]

    def load(self, nb_steps: int, data_dir: Path) -> Dataset:
        """Read both files and sort their spikes into steps."""
        files = obtain("shd", FILES, data_dir)
        train, test = (shd_file.recordings(file, nb_steps, self.max_time) for file in files)
        digest = hashlib.sha256(self.model_dump_json().encode() + train.content + test.content)
        train_samples, valid_samples = self._split(train.speakers, files[0].path)
        return Dataset(
            train=take(train.events, train.labels, train_samples),
            valid=take(train.events, train.labels, valid_samples),
            test=take(test.events, test.labels, np.arange(len(test.labels))),
            nb_inputs=self.nb_inputs,
            nb_classes=self.nb_classes,
            nb_steps=nb_steps,
            fingerprint=digest.hexdigest(),
            files={file.path.name: file.sha256 for file in files},
            remark=_remark(len(train.labels), len(test.labels)),
            table=self.model_dump(),
        )

    def read(self, path: Path, nb_steps: int, measured: dict[str, list[float]]) -> Samples:
        """Read a file laid out as the official ones, packed or not; labels may be absent."""
        return shd_file.samples(folder.named(path), nb_steps, self.max_time)

    def _split(self, speakers: NDArray[np.int64], path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        there = set(speakers.tolist())
        if absent := sorted(set(self.valid_speakers) - there):
            raise UserError(f"{path}: no recording of valid_speakers {absent}; there are {sorted(there)}")
        if not there - set(self.valid_speakers):
            raise UserError(f"{path}: valid_speakers are all its speakers, {sorted(there)}: none is left to train on")
        valid = np.isin(speakers, self.valid_speakers)
        return np.flatnonzero(~valid), np.flatnonzero(valid)


def _remark(*found: int) -> str:
    """Files are known as others by how many recordings they have; their bytes depend on how they were packed."""
    if found == OFFICIAL:
        return ""
    here, there = (" and ".join(f"{one:,}" for one in numbers) for numbers in (found, OFFICIAL))
    return f"not the official files, which have {there} recordings: these have {here}"
