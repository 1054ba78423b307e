"""A whole study: load the data, find what is missing in the store, run it, keep it."""

import json
from contextlib import closing

from snn_tune import nodes, provenance, training
from snn_tune.cluster import Cluster
from snn_tune.datasets.dataset import Dataset
from snn_tune.jobs import Jobs
from snn_tune.nodes import Agreed
from snn_tune.quiet import output_to
from snn_tune.sharing import trial_bytes
from snn_tune.snn import kernels
from snn_tune.start import Start
from snn_tune.study import Study
from snn_tune.tracking import data_input
from snn_tune.tracking.describe import describe_study
from snn_tune.tracking.keeper import Keeper
from snn_tune.tracking.store import tracking_uri
from snn_tune.trial_reports import Fit
from snn_tune.where import Options

__all__ = ["Options", "run"]


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
    options.trials(study).make()
    uri = tracking_uri(options.tracking_uri, options.root)
    with (
        output_to(options.log(study)) as console,
        closing(Keeper(study.name, uri, options.root, console)) as keeper,
        closing(Cluster(options.address)) as cluster,
        keeper,  # its threads run neither as Ray forks its processes from this one, nor as it closes
    ):
        console.print(f"{study.name} runs on {cluster}")
        cluster.per_trial(options.cpus_per_trial, options.gpus_per_trial)  # too much is refused before the data is read
        trials = options.trials(study)
        with (
            trials.held(keeper.uri, "wait for it, or name another --root or --storage"),
            nodes.agreed(trials, options.address, console.print) as machines,
        ):
            return _run(study, options, fit, cluster, machines, keeper)


def _run(study: Study, options: Options, fit: Fit, cluster: Cluster, machines: Agreed, keeper: Keeper) -> int:
    console = keeper.console
    first = study.data.load(study.steps[0], options.data_dir)
    console.print(_describe(study, first))
    tags = _tags(study, first)
    grid = study.trials(first.fingerprint) if study.search.method == "grid" else []
    missing = grid if options.fresh else keeper.ledger.missing(grid)
    probes = [trial.parameters for trial in missing] if grid else study.probes()
    per_trial = cluster.per_trial(
        options.cpus_per_trial, options.gpus_per_trial, trial_bytes(study, probes, first), machines.card
    )
    told = kernels.foresee(  # it may refuse: before the study's run tells of this start
        options.kernel, "cuda" if per_trial.gpus else "cpu", [parameters.shape for parameters in probes]
    )
    describe_study(keeper.store, keeper.lease.parent_id, study, tags, data_input.description(study.data, tags))
    if options.fresh:
        options.trials(study).clear()
    keeper.open(options.fresh)
    jobs = Jobs(study, options, fit, cluster, per_trial, first, machines.ticket)
    return Start(study, jobs, keeper, tags, told).run(grid)


def _tags(study: Study, data: Dataset) -> dict[str, str]:
    """What every run of this start says of its origin."""
    samples = {f"nb_{name}": len(getattr(data, name)) for name in ("train", "valid", "test")}
    return {
        "dataset": study.data.name,
        "data_files": json.dumps(data.files),
        "data_remark": data.remark,
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
    return f"data: {study.data.name}, samples: {parts}{files}" + f"\n{data.remark}" * bool(data.remark)
