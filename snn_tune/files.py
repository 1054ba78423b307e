"""Files that are there whole or not at all, and errors that name them."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from uuid import uuid4

from snn_tune.errors import UserError


def write_whole(target: Path, chunks: Iterable[bytes]) -> Path:
    """Write a file under another name and rename it at the end: readers see all of it or nothing. Returns its path.

    Raises:
        UserError: the folder is full or cannot be written.
    """
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    with naming(target.parent):
        rest = iter(chunks)
        first = next(rest, b"")  # no folder is made for what cannot be had
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                for chunk in chain([first], rest):
                    stream.write(chunk)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return target


@contextmanager
def exclusive(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends.

    Raises:
        UserError: another process of this machine holds it.
    """
    with naming(lock.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise UserError(f"{what} by process {file.read() or '?'}; wait for it, or stop it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn the operating system's errors into a line that names the file or folder."""
    try:
        yield
    except OSError as err:
        raise UserError(f"{path}: {err.strerror or err}") from err
