"""Tactile Braille Letters: pressure on a fingertip's taxels that slides over one of 27 letters (Müller-Cleve 2022)."""

import hashlib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from snn_tune.datasets import folder, plain_pickle
from snn_tune.datasets.dataset import Analog, Dataset, Samples, stratified, take
from snn_tune.datasets.download import Official, absent, obtain
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError

MAX_BYTES = 32 << 20  # the pickle has 10 MB
FILE = Official(
    "https://raw.githubusercontent.com/fzenke/spytorch/main/notebooks/data/tutorial5_braille_spiking_data.pkl.gz",
    "sha256:f48a449264a00ee665df62329f2364059e49d0d0faeee4993e595d08616e5a1c",
    MAX_BYTES,
)
LETTERS = ("Space", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
NB_TAXELS = 12

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Braille(DataSource):
    """Each letter's recordings are split by the same fractions; the training part's mean and deviation scale all.

    Attributes:
        taxels: which of the 12 are the channels, from 0.
        frames: of each recording, from its start; all have at least 76.
        test_fraction, valid_fraction: of all recordings of each letter.
        split_seed: draws the parts.
    """

    analog: ClassVar[bool] = True
    classes: ClassVar[tuple[str, ...]] = LETTERS
    name: Literal["tbl"]
    nb_inputs: Literal[4] = 4
    nb_classes: Literal[27] = 27
    taxels: tuple[Annotated[int, Field(ge=0, lt=NB_TAXELS)], ...] = Field((1, 2, 6, 10), strict=False)
    frames: PositiveInt = 76
    test_fraction: float = Field(0.2, gt=0, lt=1)
    valid_fraction: float = Field(0.1, gt=0, lt=1)
    split_seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> "Braille":
        if len(set(self.taxels)) != len(self.taxels) or len(self.taxels) != self.nb_inputs:
            raise ValueError(f"taxels must be {self.nb_inputs} different ones (nb_inputs), not {self.taxels}")
        if self.test_fraction + self.valid_fraction >= 1:
            raise ValueError("test_fraction and valid_fraction leave nothing to train on")
        return self

    def check_steps(self, nb_steps: int) -> None:
        if nb_steps % self.frames:
            below = nb_steps // self.frames * self.frames
            near = f"{below} or {below + self.frames}" if below else f"{self.frames}"
            raise ValueError(
                f"nb_steps = {nb_steps} is no multiple of the {self.frames} frames of a recording, each of which is "
                f"held for a whole number of steps: take {near}"
            )

    def repeats(self, nb_steps: int) -> int:
        return nb_steps // self.frames

    def absent(self, data_dir: Path) -> list[str]:
        return [file.name for file in absent("braille", [FILE], data_dir)]

    def load(self, nb_steps: int, data_dir: Path) -> Dataset:
        """Read the recordings and scale them; each frame is held for `nb_steps / frames` steps."""
        self.check_steps(nb_steps)
        (file,) = obtain("braille", [FILE], data_dir)
        recordings, labels = _recordings(file.path)
        if labels is None:
            raise UserError(f"{file.path}: no trial has a letter, A to Z or Space")
        digest = hashlib.sha256(self.model_dump_json().encode() + labels.tobytes())
        for recording in recordings:
            digest.update(repr(recording.shape).encode() + recording.tobytes())
        train, valid, test = self._split(labels, file.path)
        values = self._values(recordings, file.path)
        mean, deviation = values[train].mean(axis=(0, 1)), values[train].std(axis=(0, 1))
        source = self._scaled(values, mean, deviation, nb_steps)
        return Dataset(
            train=take(source, labels, train),
            valid=take(source, labels, valid),
            test=take(source, labels, test),
            nb_inputs=self.nb_inputs,
            nb_classes=self.nb_classes,
            nb_steps=nb_steps,
            fingerprint=digest.hexdigest(),
            files={file.path.name: file.sha256},
            table=self.model_dump(),
            measured={"mean": mean.tolist(), "deviation": deviation.tolist()},
        )

    def read(self, path: Path, nb_steps: int, measured: dict[str, list[float]]) -> Samples:
        """Read a pickle of trials, packed or not; letters may be absent from all of them."""
        recordings, labels = _recordings(folder.named(path).path)
        mean, deviation = (np.array(measured[name]) for name in ("mean", "deviation"))
        return Samples(self._scaled(self._values(recordings, path), mean, deviation, nb_steps), labels)

    def _split(self, labels: Places, path: Path) -> tuple[Places, Places, Places]:
        rest, test = stratified(labels, self.test_fraction, self.split_seed)
        fraction = self.valid_fraction / (1 - self.test_fraction)  # of what is left
        train, valid = (rest[places] for places in stratified(labels[rest], fraction, self.split_seed))
        if not (len(train) and len(valid) and len(test)):
            raise UserError(f"{path}: too few recordings of a letter for these fractions: a part is empty")
        return train, valid, test

    def _values(self, recordings: list[Floats], path: Path) -> Floats:
        """Pressure (N, frames, channels)."""
        if (shortest := min(len(recording) for recording in recordings)) < self.frames:
            raise UserError(f"{path}: a recording has only {shortest} frames, but frames = {self.frames}")
        return 1 - np.stack([recording[: self.frames, list(self.taxels)] for recording in recordings]) / 255

    def _scaled(self, values: Floats, mean: Floats, deviation: Floats, nb_steps: int) -> Analog:
        """With mean 0 and deviation 1 of each channel over the training part."""
        scaled = ((values - mean) / (deviation + 1e-3)).astype(np.float32)  # 1e-3 as SpyTorch's tutorial 5
        return Analog(torch.from_numpy(scaled), self.repeats(nb_steps))


def _recordings(path: Path) -> tuple[list[Floats], Places | None]:
    """The taxels (frames, 12) of each trial, and its letter's place in LETTERS; None where no trial has a letter."""
    trials = plain_pickle.loads(b"".join(folder.contents(path, MAX_BYTES)), path)
    if not isinstance(trials, list) or not trials:
        raise UserError(f"{path}: not a list of trials")
    recordings, labels = [], []
    lettered = any(not isinstance(trial, dict) or "letter" in trial for trial in trials)
    for place, trial in enumerate(trials):
        letter, taxels = (trial.get("letter"), trial.get("taxel_data")) if isinstance(trial, dict) else (None, None)
        if lettered and (not isinstance(letter, str) or letter not in LETTERS):
            raise UserError(f"{path}: trial {place} has no letter, A to Z or Space")
        if not isinstance(taxels, np.ndarray) or taxels.ndim != 2 or taxels.shape[1] != NB_TAXELS:
            raise UserError(f"{path}: trial {place} has no taxel_data of {NB_TAXELS} taxels")
        recordings.append(np.asarray(taxels, dtype=np.float64))
        labels.append(LETTERS.index(letter) if letter else 0)
        if not np.isfinite(recordings[-1]).all():
            raise UserError(f"{path}: trial {place} has taxel_data that is not a number")
    return recordings, np.array(labels, dtype=np.int64) if lettered else None
