"""A whole study: load the data, find what is missing in the store, run it, keep it."""

import json
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray

from snn_tune import checkpoint, provenance, training
from snn_tune.cluster import Cluster, PerTrial
from snn_tune.compiled import is_compiled
from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.source import cache_folder
from snn_tune.errors import UserError
from snn_tune.executor import execute
from snn_tune.files import held, naming
from snn_tune.progress import ProgressLine
from snn_tune.quiet import output_to
from snn_tune.snn import kernels
from snn_tune.study import Study
from snn_tune.tracking.keeper import Keeper
from snn_tune.tracking.store import tracking_uri
from snn_tune.tracking.tracker import Tracker, describe_study
from snn_tune.trainable import Fit, Job


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
    storage: Path | None = None

    def log(self, study: Study) -> Path:
        """What the libraries say."""
        return self.root / "ray" / f"{study.name}.log"

    def trials(self, study: Study) -> Path:
        """A folder for each trial: its checkpoints, and what it leaves until that is in the tracking store."""
        return (self.storage or self.root).resolve() / "trials" / study.name


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
    kernels.check(options.kernel)
    with naming(options.trials(study)):
        options.trials(study).mkdir(parents=True, exist_ok=True)
    uri = tracking_uri(options.tracking_uri, options.root)
    with (
        output_to(options.log(study)) as console,
        closing(Keeper(study.name, uri, options.root, console)) as keeper,
        closing(Cluster(options.address)) as cluster,
        keeper,  # its threads run neither as Ray forks its processes from this one, nor as it closes
    ):
        console.print(f"{study.name} runs on {cluster}")
        per_trial = cluster.per_trial(options.cpus_per_trial, options.gpus_per_trial)
        with held(options.trials(study), keeper.uri, "wait for it, or name another --root or --storage"):
            return _run(study, options, fit, cluster, per_trial, keeper)


def _run(study: Study, options: Options, fit: Fit, cluster: Cluster, per_trial: PerTrial, keeper: Keeper) -> int:
    console, ledger = keeper.console, keeper.ledger
    first = study.data.load(min(cell.nb_steps for cell in study.cells()), options.data_dir)
    console.print(_describe(study, first))
    tags, trials = _tags(study, first), study.trials(first.fingerprint)
    missing = trials if options.fresh else ledger.missing(trials)
    told = kernels.foresee(  # it may refuse: before the study's run tells of this start
        options.kernel, "cuda" if per_trial.gpus else "cpu", [trial.parameters.size for trial in missing]
    )
    describe_study(keeper.store, keeper.lease.parent_id, study, tags)
    if options.fresh:
        for folder in options.trials(study).glob("*/"):
            shutil.rmtree(folder, ignore_errors=True)
    keeper.open(options.fresh)
    missing = ledger.missing(trials)
    console.print(ledger.summary(trials))
    if not missing:
        return 0
    if told:
        console.print(told)
    if fit is training.fit and options.kernel in ("auto", "cpu") and not is_compiled():
        console.print("compiling the cpu kernel, once for this machine: some seconds")
        training.compile_kernel(missing[0].parameters, first, options.kernel)
    data = _share(study, {trial.parameters.nb_steps for trial in missing}, first, options.data_dir)
    del first  # the store has it
    lineages = checkpoint.holders(options.trials(study))
    job = Job(
        trials={trial.key: trial for trial in missing},
        data=data,
        fit=fit,
        folder=options.trials(study),
        kernel=options.kernel,
        threads=max(1, int(per_trial.cpus)),
        beside=min(cluster.slots(per_trial)[0], options.max_concurrent or len(missing), len(missing)),
        lineages=lineages,
    )
    tracker = Tracker(study, keeper.lease.parent_id, tags, keeper.keep)
    reached = sum(checkpoint.reached(trial, lineages.get(trial.lineage, ())) for trial in missing)
    nb_epochs = sum(trial.parameters.nb_epochs for trial in missing) - reached
    records = options.root / "ray" / study.name / keeper.lease.parent_id
    with ProgressLine(console, list(study.grid), len(trials), len(trials) - len(missing), nb_epochs) as progress:
        troubles = execute(job, [tracker, progress], per_trial, options.max_concurrent, records, console.print)
    if troubles:
        raise UserError(f"{len(troubles)} results were lost, the first because: {troubles[0]}; type {keeper.again}")
    if progress.failed:
        console.print(
            f"{progress.failed} trials failed: each one's error.txt is with its run, what Ray says in "
            f"{options.log(study)}; {keeper.again} tries them again"
        )
    return progress.failed


def _share(study: Study, steps: set[int], first: Dataset, data_dir: Path) -> dict[int, Any]:
    """Put the data set into the object store once for each number of steps; only one is held here at a time."""
    return {
        nb_steps: ray.put(first if nb_steps == first.nb_steps else study.data.load(nb_steps, data_dir))
        for nb_steps in sorted(steps)
    }


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
