"""Files that are there whole or not at all, errors that name them, and folders that one process holds."""

import errno
import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO
from uuid import uuid4

from snn_tune.errors import UserError

MENDS = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EROFS: "make it writable, or name another folder",
    errno.EACCES: "make it accessible, or name another folder",
}


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
def held(folder: Path, by: str, mend: str) -> Iterator[None]:
    """Within it no process may hold the folder for anything else, on any machine whose file system passes locks on.

    Args:
        by: what it is held for, in words; who holds it for the same is let in, since those settle it elsewhere.
        mend: what to do where it is held for something else.

    Raises:
        UserError: it is held for something else, or cannot be written.
    """
    with naming(folder):
        file = (folder / "held").open("ab+", buffering=0)
    with file:
        with naming(folder):
            other = _hold(file, by)
        if other != by:
            raise UserError(f"{folder} is held by {other or 'another command'}; {mend}")
        yield


def _hold(file: IO[bytes], by: str) -> str:
    """Who has it now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return file.read().decode(errors="replace")
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOTSUP):  # a file system without locks
            return by
        raise
    file.truncate(0)
    file.write(by.encode())
    return by


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn the operating system's errors into a line that names the file or folder, and how to mend it if we know."""
    try:
        yield
    except OSError as err:
        mend = MENDS.get(err.errno or 0, "")
        raise UserError(f"{path}: {err.strerror or err}{mend and f'; {mend}'}") from err
