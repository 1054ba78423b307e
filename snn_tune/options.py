"""The options of a command: what is wrong with them is one line."""

import argparse
from typing import NoReturn

from snn_tune.errors import near_match


class OptionParser(argparse.ArgumentParser):
    """argparse without abbreviations, whose errors are one line, with the option that was perhaps meant."""

    def __init__(self, prog: str, description: str | None, epilog: str | None = None) -> None:
        super().__init__(prog, description=description, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        unknown = [word for word in message.split() if word.startswith("-")] if "unrecognized" in message else []
        near = near_match(unknown[0].partition("=")[0], self._option_string_actions) if unknown else ""
        self.exit(2, f"error: {message}{near}; see --help\n")
