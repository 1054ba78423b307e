"""`python -m snn_tune.run STUDY`: the command line, and nothing else."""

import argparse
import sys

from snn_tune import interrupt

if __name__ == "__main__":
    interrupt.guard()

from snn_tune import dry_run
from snn_tune.command import exit_status
from snn_tune.errors import same_command
from snn_tune.quiet import Screen
from snn_tune.run_options import parse_axes, parser, storage
from snn_tune.snn import kernels
from snn_tune.study import Study
from snn_tune.study_file import available, read
from snn_tune.study_tables import override


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status.

    0 when all trials are over, or the time budget is used up; 1 if a trial failed, 2 for something to mend, 130 if
    stopped.
    """
    interrupt.ready()
    options = parser().parse_args(arguments)
    again = f"stopped; finished trials are kept: type {same_command(options.fresh)} to go on"
    return exit_status(lambda: _answer(options), again)


def _answer(options: argparse.Namespace) -> int:
    if options.study is None:
        _list_studies()
        return 0
    study = _study(options)
    kernels.check(options.kernel)
    if not options.dry_run:
        return _run(study, options)
    dry_run.show(study)
    if not options.address:
        dry_run.foresee(study, options.kernel, options.gpus_per_trial != 0)
    return 0


def _study(options: argparse.Namespace) -> Study:
    """The study of that name, with what the command line changes of it."""
    given = {
        "method": options.search,
        "scheduler": options.scheduler,
        "samples": options.samples,
        "objectives": options.objective,
        "time_budget": options.time_budget,
        "confirm": options.confirm,
        "warm_start": False if options.no_warm_start else None,
    }
    search = {name: value for name, value in given.items() if value is not None}
    return override(read(options.study), parse_axes(options.set), options.epochs, options.seeds, search)


def _run(study: Study, options: argparse.Namespace) -> int:
    from snn_tune import analysis, search  # Ray and MLflow, which the other answers need not wait for

    where = search.Options(
        root=options.root,
        data_dir=options.data_dir,
        tracking_uri=options.tracking_uri,
        address=options.address,
        kernel=options.kernel,
        max_concurrent=options.max_concurrent,
        cpus_per_trial=options.cpus_per_trial,
        gpus_per_trial=options.gpus_per_trial,
        fresh=options.fresh,
        storage=storage(options.storage),
    )
    nb_failed = search.run(study, where)
    analysis.conclude(study.name, options.root, options.tracking_uri, Screen())
    return 1 if nb_failed else 0


def _list_studies() -> None:
    print("studies (python -m snn_tune.run STUDY):")
    studies = available()
    width = max(map(len, studies))
    for name, path in studies.items():
        print(f"  {name:{width}}  {read(str(path)).description}")


if __name__ == "__main__":
    sys.exit(main())
