"""The options of a command: what is wrong with them is one line."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from snn_tune.datasets.source import data_folder
from snn_tune.errors import near_match


def default_root() -> Path:
    """The environment's, which a cluster's file sets, else runs."""
    return Path(os.environ.get("SNN_TUNE_ROOT") or "runs")


def add_root(parser: argparse.ArgumentParser) -> None:
    about = "folder of all results (default: SNN_TUNE_ROOT, else runs)"
    parser.add_argument("--root", type=Path, default=default_root(), metavar="DIR", help=about)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    about = "folder of the data sets (env SNN_TUNE_DATA)"
    parser.add_argument("--data-dir", type=Path, default=data_folder(), metavar="DIR", help=about)


class OptionParser(argparse.ArgumentParser):
    """argparse without abbreviations, whose errors are one line, with the option that was perhaps meant."""

    def __init__(self, prog: str, description: str | None, epilog: str | None = None) -> None:
        super().__init__(prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        unknown = [word for word in message.split() if word.startswith("-")] if "unrecognized" in message else []
        near = near_match(unknown[0].partition("=")[0], self._option_string_actions) if unknown else ""
        self.exit(2, f"error: {message}{near}; see --help\n")
