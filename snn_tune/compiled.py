"""How functions are compiled by Numba: once for a machine, to the user's cache folder, with NaN kept alive."""

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from platformdirs import user_cache_path

# Not `fastmath=True`, which includes "no NaN", nor "reassoc" with "nsz", which makes x - x zero where x is NaN: a
# network that diverges would go unseen. Vectors are explicit here, so nothing else is needed.
FAST = {"contract"}


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """A stage: compiled into whatever calls it, so that vectors stay in registers across the call."""
    return numba.njit(forceinline=True, fastmath=FAST, error_model="numpy")(function)


def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that Python calls: cached on disk, and without the interpreter's lock while it runs."""
    chosen = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = chosen or str(_cache_folder())
    try:
        return numba.njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = chosen


def is_compiled() -> bool:
    """Whether this machine has compiled a training step before; the first one takes some seconds longer.

    Also true for another type of processor that shares the cache: a message may depend on it, nothing else.
    """
    folder = Path(numba.config.CACHE_DIR or _cache_folder())
    return any(folder.rglob("entries.train*.nbi"))


@cache
def _cache_folder() -> Path:
    """One folder for each state of the sources: Numba looks at the file of the entry alone, not at those it calls.

    Where the user's cache cannot be written, a folder of this process: code is then compiled anew each time.
    """
    package = Path(__file__).parent
    kernel = sorted((package / "snn" / "kernels" / "cpu").glob("*.py"))
    sources = [Path(__file__), *kernel]
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    folder = user_cache_path("snn_tune", appauthor=False) / "numba" / state[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="snn_tune-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
