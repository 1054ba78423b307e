"""The options of a command: what is wrong with them is one line."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from snn_tune.errors import near_match


def add_root(parser: argparse.ArgumentParser) -> None:
    """--root, whose default may come from the environment: on a cluster its file sets that."""
    default = Path(os.environ.get("SNN_TUNE_ROOT") or "runs")
    about = "folder of all results (default: SNN_TUNE_ROOT, else runs)"
    parser.add_argument("--root", type=Path, default=default, metavar="DIR", help=about)


class OptionParser(argparse.ArgumentParser):
    """argparse without abbreviations, whose errors are one line, with the option that was perhaps meant."""

    def __init__(self, prog: str, description: str | None, epilog: str | None = None) -> None:
        super().__init__(prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        unknown = [word for word in message.split() if word.startswith("-")] if "unrecognized" in message else []
        near = near_match(unknown[0].partition("=")[0], self._option_string_actions) if unknown else ""
        self.exit(2, f"error: {message}{near}; see --help\n")
