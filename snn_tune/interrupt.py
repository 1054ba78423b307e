"""Ctrl-C and SIGTERM before any trial runs: amid the imports one line and the end, then an exception that counts.

Python drops an exception that comes up in a destructor or in the callback of a weak reference, of which SQLAlchemy has
many, and libraries drop some; so that a signal came is remembered.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_asked = False


def guard() -> None:
    """From here to `ready`, Ctrl-C ends the process: as an exception it might be taken for a broken library."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else who started this process ignores it
        signal.signal(signal.SIGINT, _leave)


def ready() -> None:
    """From here on both are a KeyboardInterrupt."""
    global _asked
    _asked = False
    if signal.getsignal(signal.SIGINT) in (_leave, signal.default_int_handler):
        signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)


def check() -> None:
    """Raise the KeyboardInterrupt of a signal that came since `ready`, should it have been dropped."""
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def our_sigterm() -> Iterator[None]:
    """Ray puts its own answer to SIGTERM in place of ours, which ends Python with that status: here it is a stop."""
    ours = signal.getsignal(signal.SIGTERM)
    in_main = threading.current_thread() is threading.main_thread()  # elsewhere nobody may set it, Ray neither
    try:
        yield
    except SystemExit as ended:
        if ended.code == signal.SIGTERM:
            raise KeyboardInterrupt from None
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, ours)


def _leave(which: int, frame: FrameType | None) -> NoReturn:
    os.write(2, b"stopped before anything had begun\n")
    os._exit(130)


def _stop(which: int, frame: FrameType | None) -> NoReturn:
    global _asked
    _asked = True
    raise KeyboardInterrupt
