"""`python -m snn_tune.bench [STUDY...]`: how fast this machine trains each study's networks, kernel by kernel."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from snn_tune.bench.estimate import Result, costs_by_cell, results
from snn_tune.bench.plan import Plan, Way, plan, ways
from snn_tune.bench.table import show
from snn_tune.bench.workers import measure
from snn_tune.command import exit_status
from snn_tune.compiled import is_compiled
from snn_tune.errors import UserError
from snn_tune.options import OptionParser, add_data_dir
from snn_tune.provenance import device_name, git_commit, versions
from snn_tune.study import Study
from snn_tune.study_file import available, read

EPILOG = (
    "An epoch is measured on a few batches of the study's middle configuration, as medians on one thread after "
    "warm-up, and scaled to all samples. The whole study is worked out from that and the corners of its grid (see "
    "snn_tune/bench/estimate.py), as many trials at a time as this machine runs."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, 2 for something to mend, 130 when stopped by the user."""
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _answer(options))


def _answer(options: argparse.Namespace) -> int:
    progress = Console(stderr=True, quiet=not sys.stderr.isatty())
    chosen = ways(options.kernel)
    studies = [study for name in options.study or available() if _is_grid(study := read(name), options.study)]
    left_out = {} if options.study else _without_data(studies, options.data_dir)
    if not is_compiled():
        progress.print("compiling the cpu kernel, once for this machine: some seconds", highlight=False)
    benches = []
    for study in studies:
        if study.name not in left_out:
            with progress.status(f"{study.name}: reading its data"):
                ready = plan(study, options.data_dir)
            benches.append((ready, _bench(ready, chosen, progress)))
    if options.json:
        print(json.dumps(_summary(benches, left_out), indent=2, allow_nan=False))
    else:
        show(Console(), benches, _machine(), left_out)
    return 0


def _is_grid(study: Study, asked_for: list[str]) -> bool:
    """Whether its trials are known before it runs.

    Raises:
        UserError: they are not, and it was asked for.
    """
    if asked_for and study.search.method != "grid":
        raise UserError(f"{study.name} is a search, whose trials are not known before: name a study that is a grid")
    return study.search.method == "grid"


def _without_data(studies: list[Study], folder: Path) -> dict[str, str]:
    """Why studies are left out, by name: their data would have to be downloaded."""
    absent = {study.name: study.data.absent(folder) for study in studies}
    return {
        name: f"no {', '.join(files)} in {folder} or the cache; name the study, and they are downloaded"
        for name, files in absent.items()
        if files
    }


def _bench(ready: Plan, chosen: list[Way], progress: Console) -> list[Result]:
    nb_trials = len(ready.study.cells()) * ready.study.budget.seeds
    at_once = {way: min(way.slots(ready.bytes_each), nb_trials) for way in chosen}
    measured = {}
    for way in chosen:
        with progress.status(f"{ready.study.name}: measuring the {way.kernel} kernel"):
            measured[way] = measure(ready.job(way), at_once[way])
    return results(ready, measured, at_once)


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{device_name('cpu')}, {os.cpu_count()} cores{load}, one thread; {versions()}"


def _summary(benches: list[tuple[Plan, list[Result]]], left_out: dict[str, str]) -> dict[str, Any]:
    machine = {
        "processor": device_name("cpu"),
        "cores": os.cpu_count(),
        "gpus": sorted(
            {device_name(result.way.device) for _, found in benches for result in found} - {device_name("cpu")}
        ),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "versions": dict(each.split(" ") for each in versions().split(", ")),
        "git_commit": git_commit(),
    }
    return {"machine": machine, "threads": 1, "studies": [_study(*bench) for bench in benches], "left_out": left_out}


def _study(ready: Plan, found: list[Result]) -> dict[str, Any]:
    return {
        "study": ready.study.name,
        "parameters": ready.cells[0].model_dump(),
        "samples": ready.samples,
        "trials": len(ready.study.cells()) * ready.study.budget.seeds,
        "input_spikes_per_sample": ready.spikes,
        "kernels": [
            {
                **vars(result.way),
                "epoch_s": result.epoch_s,
                "speedup": result.speedup,
                "spikes_per_s": result.spikes_per_s,
                "peak_memory": result.measured.peak_memory,
                "at_once": result.at_once,
                "crowding": result.measured.crowding,
                "study_s": result.study_s,
                "measured": costs_by_cell(ready.cells, result.measured.costs),
            }
            for result in found
        ],
    }


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser("python -m snn_tune.bench", __doc__, EPILOG)
    add = parser.add_argument
    add("study", nargs="*", help="names of studies or paths of study files (default: all whose data is there)")
    add("--json", action="store_true", help="print everything that was measured, as JSON")
    add_data_dir(parser)
    add("--kernel", action="append", default=[], metavar="NAME", help="measure this kernel alone; may be repeated")
    return parser


if __name__ == "__main__":
    sys.exit(main())
