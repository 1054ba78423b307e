"""The function that Ray Tune runs for each trial: fit, report, leave the files of the result."""

import io
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from ray import tune

from snn_tune.errors import UserError, one_line
from snn_tune.files import write_whole
from snn_tune.provenance import device_name
from snn_tune.snn.kernels import choose
from snn_tune.training import Outcome
from snn_tune.trial import Ending, Epoch, Trial

REPORT_EVERY_S = 2.0

Fit = Callable[..., Iterator[Epoch | Outcome]]


@dataclass(frozen=True)
class Job:
    """What all trials of a start share.

    Attributes:
        trials: by key.
        data: reference to the data set in Ray's object store, by number of steps.
        fit: `training.fit`, or a stand-in.
        folder: where each trial leaves its files, in a folder named by its key.
        threads: of each trial.
        beside: trials that run at the same time on a machine.
        lineage: for a key, keys of shorter trainings of the same network that are over, the longest first.
    """

    trials: dict[str, Trial]
    data: dict[int, Any]
    fit: Fit
    folder: Path
    kernel: str
    threads: int
    beside: int
    lineage: dict[str, tuple[str, ...]] = field(default_factory=dict)


def train_trial(config: dict[str, str], job: Job) -> None:
    """Run the trial of this key; report the epochs since the last report, and with the last of them the ending.

    An error in the trial is an ending too, "failed": Ray would only train it again, to the same error.
    """
    trial = job.trials[config["trial"]]
    torch.set_num_threads(job.threads)
    device = "cuda" if ray.get_gpu_ids() and torch.cuda.is_available() else "cpu"
    epochs: list[Epoch] = []
    tags = {"threads": str(job.threads), "trials_beside": str(job.beside), "device": device_name(device)}
    try:
        tags["kernel"] = choose(job.kernel, torch.zeros(1, device=device))
        outcome = _fit(trial, job, device, epochs)
        files = _save(outcome, job.folder / trial.key)
        ending = Ending(outcome.state, outcome.reason, outcome.activity, outcome.metrics, files, tags)
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        ending = Ending("failed", reason, files=_save_traceback(job.folder / trial.key), tags=tags)
    tune.report({"epochs": epochs, "ending": ending})


def _fit(trial: Trial, job: Job, device: str, epochs: list[Epoch]) -> Outcome:
    """Train and report as it goes; leaves in `epochs` what is not yet reported."""
    data = ray.get(job.data[trial.parameters.nb_steps])  # a view of the machine's one copy
    reported = time.monotonic()
    for result in job.fit(trial.parameters, trial.seed, data, device=device, kernel=job.kernel):
        if isinstance(result, Outcome):
            return result
        epochs.append(result)
        if time.monotonic() - reported > REPORT_EVERY_S:
            tune.report({"epochs": list(epochs)})
            epochs.clear()
            reported = time.monotonic()
    raise RuntimeError("fit ended without an outcome")


def _save_traceback(folder: Path) -> tuple[str, ...]:
    try:
        return (str(write_whole(folder / "error.txt", [traceback.format_exc().encode()])),)
    except UserError:  # a full disk, perhaps the very reason: the trial's failure must still be told
        return ()


def _save(outcome: Outcome, folder: Path) -> tuple[str, ...]:
    """The best weights and the evidence as files, where there are any."""
    files = []
    if outcome.model:
        model = io.BytesIO()
        torch.save(outcome.model, model)
        files.append(write_whole(folder / "model.pt", [model.getvalue()]))
    if outcome.evidence:
        arrays = io.BytesIO()
        np.savez_compressed(arrays, **outcome.evidence)  # type: ignore[arg-type]
        files.append(write_whole(folder / "evidence.npz", [arrays.getvalue()]))
    return tuple(map(str, files))
