"""Keep what libraries print, down to their C++ parts, in a log file, so that the screen shows the study alone."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from snn_tune.files import naming


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
    with log.open("ab") as file, os.fdopen(os.dup(saved[0]), "w", encoding=sys.stdout.encoding or "utf-8") as screen:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield Console(file=screen, soft_wrap=not screen.isatty())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for copy, number in zip(saved, (1, 2), strict=True):
                os.dup2(copy, number)
                os.close(copy)
            logging.getLogger("snn_tune").removeHandler(handler)
            handler.close()
