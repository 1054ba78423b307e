"""Keep what libraries print, down to their C++ parts, in a log file, so that the screen shows the study alone."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from snn_tune.files import naming

PLAIN_WIDTH = 200  # of tables in a file or a pipe; their lines of text are never broken


class Screen(Console):
    """A console whose reader may leave, or whose disk may be full: then it is silent, and the study goes on."""

    def __init__(self, file: IO[str] | None = None) -> None:
        file = file or sys.stdout
        width = None if file.isatty() else PLAIN_WIDTH
        super().__init__(file=file, width=width, soft_wrap=width is not None, highlight=False, markup=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True

    def print(self, *objects: Any, **options: Any) -> None:
        try:
            super().print(*objects, **options)
        except OSError:
            self.quiet = True


@contextmanager
def output_to(log: Path) -> Iterator[Console]:
    """Send standard output and error of this process to the log; yields a console on the real output.

    Raises:
        UserError: the log cannot be written.
    """
    with naming(log.parent):
        log.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.getLogger("snn_tune").addHandler(handler)
    screen = os.fdopen(os.dup(saved[0]), "w", encoding=sys.stdout.encoding or "utf-8", errors="replace")
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield Screen(screen)
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError):  # a full disk takes no more of the log
                    stream.flush()
            for copy, number in zip(saved, (1, 2), strict=True):
                os.dup2(copy, number)
                os.close(copy)
            logging.getLogger("snn_tune").removeHandler(handler)
            for closed in (screen, handler):
                with suppress(OSError):
                    closed.close()
