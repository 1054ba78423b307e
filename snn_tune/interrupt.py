"""Ctrl-C while the libraries are imported, which takes seconds: one line and the end, not a traceback out of them."""

import os
import signal
from types import FrameType
from typing import NoReturn


def guard() -> None:
    """From here to `ready`, Ctrl-C ends the process: as an exception it might be taken for a broken library."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else who started this process ignores it
        signal.signal(signal.SIGINT, _leave)


def ready() -> None:
    """Ctrl-C is a KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(which: int, frame: FrameType | None) -> NoReturn:
    os.write(2, b"stopped before anything had begun\n")
    os._exit(130)
