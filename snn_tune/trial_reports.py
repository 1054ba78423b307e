"""What a worker does with a trial: fit, report, keep checkpoints, leave the files of the result."""

import logging
import os
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import ray
import torch

from snn_tune import tickets, trial_files
from snn_tune.checkpoint import Checkpoints
from snn_tune.course import Trained
from snn_tune.errors import UserError, one_line, why
from snn_tune.place import Place
from snn_tune.provenance import device_name
from snn_tune.snn.kernels import plan
from snn_tune.training import Outcome
from snn_tune.trial import Ending, Epoch, Trial

log = logging.getLogger("snn_tune")

REPORT_EVERY_S = 2.0
UNFIT_S = float(os.environ.get("SNN_TUNE_UNFIT_S", "20"))  # an unfit machine holds a trial: others take the rest
CHECKPOINT_EVERY_S = float(os.environ.get("SNN_TUNE_CHECKPOINT_S", "30"))

Fit = Callable[..., Iterator[Trained | Outcome]]
Report = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What all trials of a start share.

    Attributes:
        data: reference to the data set in Ray's object store, by number of steps.
        fit: `training.fit`, or a stand-in.
        folder: where each trial leaves its files, in a folder named by its key.
        threads: of each trial.
        beside: trials that run at the same time on a machine.
        rungs: epochs at which a trial reports, however soon.
        lineages: checkpoints of each lineage, see `checkpoint.lineages`.
        ticket: on a cluster, for machines that come later: see `tickets.check`.
    """

    data: dict[int, Any]
    fit: Fit
    folder: Place
    kernel: str
    threads: int
    beside: int
    rungs: frozenset[int] = frozenset()
    lineages: dict[str, list[Place]] = field(default_factory=dict)
    ticket: Place | None = None


def reports(trial: Trial, job: Job) -> Generator[Report, None, None]:
    """Run a trial; closed before its end, it leaves a checkpoint.

    An error in the trial is an ending too, "failed": Ray would only train it again, to the same error.

    Yields:
        epochs: those since the last report, in the first ones also what an earlier start or worker trained.
        ending: in the last report, with `done`.

    Raises:
        UserError: this machine cannot run trials; Ray then starts the trial again, as if the worker was lost.
    """
    yield {"epochs": []}  # before any work: while the search stops, Ray still starts the trials that wait
    if job.ticket:
        yield from _fit_machine(trial, job.ticket)
    torch.set_num_threads(job.threads)
    device = "cuda" if ray.get_gpu_ids() and torch.cuda.is_available() else "cpu"
    epochs: list[Epoch] = []
    tags = {"threads": str(job.threads), "trials_beside": str(job.beside), "device": device_name(device)}
    try:
        tags["kernel"] = plan(job.kernel, device, trial.parameters.shape).kernel
        outcome = yield from _train(trial, job, device, epochs)
        files = trial_files.leave(outcome, job.folder / trial.key)
        ending = Ending(outcome.state, outcome.reason, outcome.activity, outcome.metrics, files, tags)
    except Exception as error:
        ending = Ending("failed", why(error), files=trial_files.leave_traceback(job.folder / trial.key), tags=tags)
    yield {"epochs": epochs, "ending": ending, "done": True}


def _fit_machine(trial: Trial, ticket: Place) -> Iterator[Report]:
    """Raise, after a report that tells why and a while, where this machine cannot run trials."""
    try:
        tickets.check(ticket)
    except UserError as error:
        log.warning("trial %s cannot run on %s: %s", trial.key, socket.gethostname(), error)
        yield {"epochs": []}
        time.sleep(UNFIT_S)
        raise


def _train(trial: Trial, job: Job, device: str, epochs: list[Epoch]) -> Generator[Report, None, Outcome]:
    """Train, report and save as it goes; leaves in `epochs` what is not yet reported."""
    others = {file.parent for file in job.lineages.get(trial.lineage, ())}
    checkpoints = Checkpoints(trial, job.folder / trial.key, others)
    reported = saved = time.monotonic()
    with closing(checkpoints):
        for result in _results(trial, job, device, checkpoints):
            if isinstance(result, Outcome):
                return result
            epochs.append(result.epoch)
            last = result.epoch.epoch == trial.parameters.nb_epochs
            if last or time.monotonic() - saved > CHECKPOINT_EVERY_S:
                checkpoints.save(result.snapshot())
                saved = time.monotonic()
            if not last and (time.monotonic() - reported > REPORT_EVERY_S or result.epoch.epoch in job.rungs):
                try:
                    yield {"epochs": list(epochs)}
                except GeneratorExit:
                    checkpoints.save(result.snapshot())
                    raise
                epochs.clear()
                reported = time.monotonic()
    raise RuntimeError("fit ended without an outcome")


def _results(trial: Trial, job: Job, device: str, checkpoints: Checkpoints) -> Iterator[Trained | Outcome]:
    """Those of the whole training, begun at the furthest checkpoint that `fit` takes, or else anew."""
    data = ray.get(job.data[trial.parameters.nb_steps])  # a view of the machine's one copy
    fit = partial(job.fit, trial.parameters, trial.seed, data, device=device, kernel=job.kernel)
    for state in checkpoints.states():
        try:
            results = fit(start=state)
            first = next(results)
        except Exception as error:
            checkpoints.refused.append(f"the one of epoch {checkpoints.last}: {one_line(error)}")
        else:
            _tell_refused(trial, checkpoints, f"goes on after epoch {checkpoints.last}")
            return chain([first], results)
    _tell_refused(trial, checkpoints, "starts anew")
    return fit()


def _tell_refused(trial: Trial, checkpoints: Checkpoints, what: str) -> None:
    if checkpoints.refused:
        log.warning("trial %s %s: not used are %s", trial.key, what, "; ".join(checkpoints.refused))
