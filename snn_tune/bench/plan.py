"""What is measured of a study: the middle of its grid, the corners that a whole study's time is worked out from."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from snn_tune.bench.sample import input_spikes, sample
from snn_tune.datasets.dataset import Dataset
from snn_tune.errors import UserError
from snn_tune.parameters import Parameters
from snn_tune.sharing import card_bytes, trial_bytes, trials_per_gpu
from snn_tune.snn import kernels
from snn_tune.study import Study

BATCHES = 4  # that a network is trained on over and over
KIND = ("recurrent", "nb_layers", "time_constants", "dropout")  # the parameters that decide a network's kind
SLOW = "reference"  # is measured on one batch: seconds for a few passes


@dataclass(frozen=True)
class Way:
    """A kernel on a device."""

    kernel: str
    device: str

    def slots(self, bytes_each: int) -> int:
        """Trials that run at the same time on this machine, where each takes so much of a GPU's memory."""
        nb_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self.device == "cpu":
            return nb_cores
        nb_gpus = torch.cuda.device_count()
        return nb_gpus * trials_per_gpu(bytes_each, card_bytes(), nb_cores / nb_gpus)


@dataclass(frozen=True)
class Job:
    """What one process measures: these networks, the study's middle one first, and their data by number of steps."""

    way: Way
    cells: list[Parameters]
    data: dict[int, Dataset]


@dataclass(frozen=True)
class Plan:
    """A study made ready.

    Attributes:
        cells: what is measured, the middle first.
        data: a few batches, by number of steps.
        samples: of the whole data set's parts: train, valid, test.
        spikes: into the hidden layer, of a sample of the middle configuration.
        bytes_each: that the largest trial takes of a GPU's memory, see `sharing`.
    """

    study: Study
    cells: list[Parameters]
    data: dict[int, Dataset]
    samples: dict[str, int]
    spikes: float
    bytes_each: int

    def job(self, way: Way) -> Job:
        nb_batches = 1 if way.kernel == SLOW else BATCHES
        data = {steps: sample(few, self.cells[0].batch_size, nb_batches) for steps, few in self.data.items()}
        return Job(way, self.cells, data)


def ways(names: list[str]) -> list[Way]:
    """The kernels of these names, or all, that this machine has; the reference on each device that another uses.

    Raises:
        UserError: a kernel is not known, or needs a GPU that is not there.
    """
    there = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    every = [
        Way(kernel, device) for device in there for kernel in kernels.CHOICES if kernel in ("reference", _on(device))
    ]
    for name in names:
        kernels.check(name)
        if name == "auto" or name not in {way.kernel for way in every}:
            raise UserError(f"--kernel {name}: " + ("name one" if name == "auto" else "needs a GPU; there is none"))
    return [way for way in every if not names or way.kernel in names]


def plan(study: Study, data_dir: Path) -> Plan:
    """Load a study's data at the numbers of steps that are measured, and keep a few batches."""
    cells = measured_cells(study)
    few: dict[int, Dataset] = {}
    for steps in dict.fromkeys(cell.nb_steps for cell in cells):
        data = study.data.load(steps, data_dir)
        few[steps] = sample(data, cells[0].batch_size, BATCHES)
    samples = {name: len(getattr(data, name)) for name in ("train", "valid", "test")}
    spikes, bytes_each = input_spikes(few[cells[0].nb_steps], cells[0]), trial_bytes(study, study.cells(), data)
    return Plan(study, cells, few, samples, spikes, bytes_each)


def measured_cells(study: Study) -> list[Parameters]:
    """The middle of each axis; then of each `kind` that occurs least and most hidden units and steps."""
    middle = {name: values[len(values) // 2] for name, values in study.grid.items()}
    centre = study.parameters(study.space.those_that_count(middle))
    cells = study.cells()
    corners = []
    for each in sorted({kind(cell) for cell in cells}):
        of = sorted((cell for cell in cells if kind(cell) == each), key=lambda cell: sum(cell.hidden))
        ends = [cell.model_dump(include={"nb_hidden", *KIND}) for cell in (of[0], of[-1])]
        steps = {min(cell.nb_steps for cell in of), max(cell.nb_steps for cell in of)}
        corners += [
            centre.model_copy(update=end | {"nb_steps": nb_steps}) for end in ends for nb_steps in sorted(steps)
        ]
    return list(dict.fromkeys([centre, *corners]))


def kind(cell: Parameters) -> tuple[bool, int, str, bool]:
    """What tells networks apart that are computed otherwise, whatever their size."""
    shape = cell.shape
    return shape.recurrent, len(shape.hidden), shape.time_constants, shape.dropout


def _on(device: str) -> str:
    return "gpu" if device == "cuda" else "cpu"
