"""A whole study: load the data, find what is missing in the store, run it, keep it."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from rich.console import Console

from snn_tune import checkpoint, provenance, training
from snn_tune.cluster import Cluster, PerTrial
from snn_tune.compiled import is_compiled
from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.source import cache_folder
from snn_tune.errors import UserError
from snn_tune.executor import execute
from snn_tune.files import exclusive
from snn_tune.progress import ProgressLine
from snn_tune.quiet import output_to
from snn_tune.snn.kernels import check
from snn_tune.store import tracking_uri
from snn_tune.study import Study
from snn_tune.tracking import OVER, Tracker
from snn_tune.trainable import Fit, Job
from snn_tune.trial import Trial


@dataclass(frozen=True)
class Options:
    """Where and how a study runs; see `python -m snn_tune.run --help`."""

    root: Path = Path("runs")
    data_dir: Path = field(default_factory=cache_folder)
    tracking_uri: str | None = None
    address: str | None = None
    kernel: str = "auto"
    max_concurrent: int | None = None
    cpus_per_trial: float | None = None
    gpus_per_trial: float | None = None
    fresh: bool = False


def run(study: Study, options: Options, fit: Fit = training.fit) -> int:
    """Run the trials of a study that are not over yet; the command typed again finishes what is missing.

    Args:
        fit: what trains a network, `training.fit` or a stand-in for it.

    Returns:
        How many trials failed.

    Raises:
        UserError: something that the user can mend; nothing finished is lost.
        KeyboardInterrupt: stopped by the user; the running trials are marked so.
    """
    check(options.kernel)
    folder = options.root / "ray"
    busy = f"{study.name} in {options.root} is being run"
    with exclusive(folder / f"{study.name}.lock", busy), output_to(folder / f"{study.name}.log") as console:
        cluster = Cluster(options.address)
        try:
            console.print(f"{study.name} runs on {cluster}")
            per_trial = cluster.per_trial(options.cpus_per_trial, options.gpus_per_trial)
            if options.kernel == "gpu" and not per_trial.gpus:
                raise UserError("--kernel gpu: there is no GPU here; take auto or cpu")
            return _run(study, options, fit, cluster, per_trial, console)
        finally:
            cluster.close()


def _run(study: Study, options: Options, fit: Fit, cluster: Cluster, per_trial: PerTrial, console: Console) -> int:
    first = study.data.load(min(cell.nb_steps for cell in study.cells()), options.data_dir)
    console.print(_describe(study, first))
    uri = tracking_uri(options.tracking_uri, options.root)
    tracker = Tracker(study, uri, options.root / "artifacts", _tags(study, first))
    status = "KILLED"
    try:
        trials = study.trials(first.fingerprint)
        missing = _missing(trials, tracker, options.fresh, console)
        nb_done = len(trials) - len(missing)
        console.print(f"{len(trials)} trials: {nb_done} done, {len(missing)} to run")
        if missing:
            if fit is training.fit and options.kernel in ("auto", "cpu") and not is_compiled():
                console.print("compiling the cpu kernel, once for this machine: some seconds")
                training.compile_kernel(missing[0].parameters, first, options.kernel)
            data = _share(study, {trial.parameters.nb_steps for trial in missing}, first, options.data_dir)
            del first  # the store has it
            job = _job(study, options, fit, cluster, per_trial, missing, data)
            nb_epochs = sum(trial.parameters.nb_epochs for trial in missing)
            records = options.root / "ray" / study.name
            with ProgressLine(console, list(study.grid), len(trials), nb_done, nb_epochs) as progress:
                troubles = execute(job, [tracker, progress], per_trial, options.max_concurrent, records, console.print)
            if troubles:
                raise UserError(
                    f"{len(troubles)} results were not stored in {uri}, the first because: {troubles[0]}; "
                    "type the same command to run those trials again"
                )
            if progress.failed:
                log = options.root / "ray" / f"{study.name}.log"
                console.print(
                    f"{progress.failed} trials failed: each one's error.txt is with its run, what Ray says in {log}; "
                    "the same command tries them again"
                )
        status = "FINISHED"
        return progress.failed if missing else 0
    finally:
        tracker.close(status)


def _missing(trials: list[Trial], tracker: Tracker, fresh: bool, console: Console) -> list[Trial]:
    """The trials that are not over. What the store holds of them is deleted: each starts anew, in a run of its own."""
    states = tracker.states()
    if fresh and states:
        console.print(f"--fresh: deleting the {len(states)} runs that the study has")
    over = set() if fresh else {key for key, state in states.items() if state in OVER}
    missing = [trial for trial in trials if trial.key not in over]
    tracker.delete(states.keys() if fresh else {trial.key for trial in missing})
    return missing


def _share(study: Study, steps: set[int], first: Dataset, data_dir: Path) -> dict[int, Any]:
    """Put the data set into the object store once for each number of steps; only one is held here at a time."""
    return {
        nb_steps: ray.put(first if nb_steps == first.nb_steps else study.data.load(nb_steps, data_dir))
        for nb_steps in sorted(steps)
    }


def _job(
    study: Study,
    options: Options,
    fit: Fit,
    cluster: Cluster,
    per_trial: PerTrial,
    missing: list[Trial],
    data: dict[int, Any],
) -> Job:
    folder = options.root.resolve() / "trials" / study.name
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    return Job(
        trials={trial.key: trial for trial in missing},
        data=data,
        fit=fit,
        folder=folder,
        kernel=options.kernel,
        threads=max(1, int(per_trial.cpus)),
        beside=min(cluster.slots(per_trial)[0], options.max_concurrent or len(missing), len(missing)),
        lineages=checkpoint.holders(folder),
    )


def _tags(study: Study, data: Dataset) -> dict[str, str]:
    """What every run of this start says of its origin."""
    samples = {f"nb_{name}": len(getattr(data, name)) for name in ("train", "valid", "test")}
    return {
        "dataset": study.data.name,
        "data_files": json.dumps(data.files),
        "data_fingerprint": data.fingerprint,
        "samples": json.dumps(samples),
        "nb_classes": str(data.nb_classes),
        "git_commit": provenance.git_commit(),
        "versions": provenance.versions(),
        "command": provenance.command(),
    }


def _describe(study: Study, data: Dataset) -> str:
    parts = ", ".join(f"{len(getattr(data, name))} {name}" for name in ("train", "valid", "test"))
    files = "".join(f"; {name} sha256 {digest[:12]}" for name, digest in data.files.items())
    return f"data: {study.data.name}, samples: {parts}{files}"
