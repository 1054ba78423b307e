"""What a data set's module offers: the settings of a study file's [data] table, and the way to load them."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict

from snn_tune.datasets.dataset import Dataset, Samples


def cache_folder() -> Path:
    """Where downloads and unpacked files go; the data folder too, unless the user names another."""
    return user_cache_path("snn_tune", appauthor=False)


def data_folder() -> Path:
    """Where data sets are looked for first: SNN_TUNE_DATA, else the cache."""
    return Path(os.environ.get("SNN_TUNE_DATA") or cache_folder())


class DataSource(BaseModel, ABC):
    """The [data] table of a study file. Every field decides which samples there are, and is in the fingerprint.

    Attributes:
        name: the data set's name, as `datasets.SOURCES` has it.
        analog: whether the samples are analog channels, which need an encoder.
        nb_inputs: input units, or channels of analog data; fixed (a Literal) where the data fixes it.
        nb_classes: classes, likewise.
        classes: their names, where they have any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    analog: ClassVar[bool] = False
    classes: ClassVar[tuple[str, ...]] = ()
    name: str
    nb_inputs: int
    nb_classes: int

    def check_steps(self, nb_steps: int) -> None:
        """Raise a ValueError that names nb_steps and says why, if this data cannot be cut into so many time steps."""

    def repeats(self, nb_steps: int) -> int:
        """Time steps for each frame of the recording; 1 where steps are what the spikes are binned into."""
        return 1

    def absent(self, data_dir: Path) -> list[str]:
        """Names of the files that `load` would download."""
        return []

    @abstractmethod
    def load(self, nb_steps: int, data_dir: Path) -> Dataset:
        """Read (or download, or generate) the samples and bring them to `nb_steps` time steps.

        Raises:
            UserError: a file is missing and cannot be had, or is damaged; it names the file.
        """

    @abstractmethod
    def read(self, path: Path, nb_steps: int, measured: dict[str, list[float]]) -> Samples:
        """Read one file of this data's format, and bring its samples to the form that `load` gives.

        Args:
            measured: as the `Dataset` has it that the network was trained on.

        Raises:
            UserError: the file is missing, damaged, or of another format; it names the file.
        """
