"""What `python -m snn_tune.run` can be told, and what of it is impossible."""

import argparse
import os
from pathlib import Path
from typing import Any, get_args

from snn_tune.axis import typed
from snn_tune.errors import UserError
from snn_tune.options import OptionParser, add_data_dir, add_root
from snn_tune.search_settings import METRICS, Method, Scheduler

ABOUT = "Train every network of a study, keep the trials in MLflow, print the optimal combination."
EPILOG = "Typed again, the same command runs what is missing. Trials are kept in MLflow, under --root by default."


def parser() -> argparse.ArgumentParser:
    made = OptionParser("python -m snn_tune.run", ABOUT, EPILOG)
    add = made.add_argument
    add("study", nargs="?", help="name of a study, or path of a study file; left out, the studies are listed")
    add_root(made)
    add_data_dir(made)
    add("--epochs", type=positive(int), metavar="N", help="epochs of each trial, in place of the study's")
    add("--seeds", type=positive(int), metavar="N", help="trials of each combination, in place of the study's")
    add("--set", action="append", default=[], metavar="NAME=V1,V2,...", help="values of a parameter; may be repeated")
    add("--search", choices=get_args(Method), help="all combinations, or samples of them (default: the study's)")
    add("--scheduler", choices=get_args(Scheduler), help="asha: stop trials that fall behind others")
    add("--samples", type=positive(int), metavar="N", help="combinations that random and optuna try")
    add("--objective", action="append", metavar="NAME:max|min", help=f"what is best: {', '.join(METRICS)}; repeatable")
    add("--time-budget", metavar="TIME", help="end after this time, for example 90s, 30min or 2h")
    add("--confirm", type=positive(int), metavar="K", help="run the best K again, each with --seeds (5) other seeds")
    add("--no-warm-start", action="store_true", help="do not learn from other studies of this data")
    add("--kernel", default="auto", metavar="NAME", help="how networks are computed: auto, cpu, gpu or reference")
    add("--max-concurrent", type=positive(int), metavar="N", help="trials at the same time, at most")
    add("--cpus-per-trial", type=positive(float), metavar="X", help="cores of a trial (default: 1)")
    add("--gpus-per-trial", type=share, metavar="X", help="GPU share of a trial (default: what fits the card)")
    add(
        "--address",
        default=os.environ.get("RAY_ADDRESS") or None,
        metavar="ADDR",
        help="Ray cluster (default: this machine)",
    )
    add("--tracking-uri", metavar="URI", help="MLflow store (default: MLFLOW_TRACKING_URI, else a database in --root)")
    add(
        "--storage",
        default=os.environ.get("SNN_TUNE_STORAGE"),
        metavar="URI",
        help="folder or bucket (s3://...) of trials/ (default: --root)",
    )
    add("--fresh", action="store_true", help="delete the study's earlier runs and start over")
    add("--dry-run", action="store_true", help="print the trials and start nothing")
    return made


def parse_axes(texts: list[str]) -> dict[str, Any]:
    """`nb_hidden=50,100` and the like as axes by name, written as study files have them (see `snn_tune.axis`).

    Raises:
        UserError: one is not NAME=V1,V2,..., or a name is there twice.
    """
    axes: dict[str, Any] = {}
    for text in texts:
        name, _, values = map(str.strip, text.partition("="))
        if not name or not all(part.strip() for part in values.split(",")):
            raise UserError(f"--set {text}: must be NAME=V1,V2,..., for example --set nb_hidden=50,100")
        if name in axes:
            raise UserError(f"--set {text}: {name} is set twice; give all its values at once, {name}=V1,V2,...")
        axes[name] = typed(values)
    return axes


def storage(given: str | None) -> str | None:
    """The folder or bucket that --storage names; None where it names none.

    Raises:
        UserError: it is neither, or another one wherever the command is typed.
    """
    if not given or "://" in given:
        return given or None
    path = Path(given).expanduser()
    if not path.is_absolute():
        raise UserError(f"--storage {given}: must be an absolute path, the same wherever the command is typed")
    if path.exists() and not path.is_dir():
        raise UserError(f"--storage {given}: is not a folder; name another one")
    return str(path)


def positive(kind: type) -> Any:
    def number(text: str) -> Any:
        value = kind(text)
        if not 0.01 <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not at least {'1' if kind is int else '0.01'}")
        return value

    number.__name__ = "whole number" if kind is int else "number"
    return number


def share(text: str) -> float:
    value = float(text)
    if not (0 <= value < 1 or (value.is_integer() and value > 0)):
        raise argparse.ArgumentTypeError(f"{text} is neither a share of a GPU (0 to 1) nor a whole number of them")
    return value
