"""Where a data set's files are, in the data folder (only read here) or the user's cache, and how they are unpacked."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from snn_tune.datasets.source import cache_folder
from snn_tune.errors import UserError, near_match
from snn_tune.files import naming, write_whole

CHUNK = 1 << 20  # bytes
PACKED = (".gz", ".zip")
UNREADABLE = (OSError, EOFError, RuntimeError, KeyError, zlib.error, zipfile.BadZipFile)  # what gzip and zipfile raise


@dataclass(frozen=True)
class DataFile:
    """A file that was found, packed or not, and the sha256 of its bytes."""

    path: Path
    sha256: str

    @property
    def plain_name(self) -> str:
        """Its name without the packing."""
        return self.path.stem if self.path.suffix in PACKED else self.path.name


def places(sub: str, data_dir: Path) -> list[Path]:
    """The folders that may hold a data set's files, in the order in which they are looked through."""
    return [data_dir / sub, cache_folder() / sub]


def find(name: str, folders: Iterable[Path]) -> DataFile | None:
    """The first file of this name, or packed (`name.gz`, `name.zip`), in these folders.

    Raises:
        UserError: it is there but cannot be read.
    """
    for folder in folders:
        for suffix in ("", *PACKED):
            path = folder / (name + suffix)
            with naming(path):
                if path.is_file():
                    return DataFile(path, sha256(path))
    return None


def named(path: Path) -> DataFile:
    """The file of this path.

    Raises:
        UserError: there is none, with the near match beside it, or it cannot be read.
    """
    with naming(path):
        if not path.is_file():
            beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
            raise UserError(f"{path}: there is no such file{near_match(path.name, beside)}")
        return DataFile(path, sha256(path))


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def plain(file: DataFile, max_bytes: int) -> Path:
    """The file unpacked: itself, or a copy in the cache that is made once.

    The copy's folder is named by the hash of the packed file, so it is never stale and never another data folder's.

    Raises:
        UserError: as `unpack`.
    """
    if file.path.suffix not in PACKED:
        return file.path
    target = cache_folder() / "unpacked" / file.sha256 / file.plain_name
    unpack(file.path, target, max_bytes)
    return target


def unpack(path: Path, target: Path, max_bytes: int) -> None:
    """Write what a file holds to `target`, whole or not at all, unless it is there already and as it was written.

    Raises:
        UserError: the file is damaged or holds more than `max_bytes`, or the target's folder is full or read-only.
    """
    seal = target.with_name(f"{target.name}.sha256")
    with naming(target.parent):
        if target.is_file() and seal.is_file() and seal.read_text() == sha256(target):
            return
    write_whole(target, contents(path, max_bytes))
    write_whole(seal, [sha256(target).encode()])


def contents(path: Path, max_bytes: int) -> Iterator[bytes]:
    """What a file holds once unpacked, in pieces.

    Raises:
        UserError: the file is damaged, or it holds more than `max_bytes` (a decompression bomb).
    """
    left = max_bytes
    try:
        with _opened(path) as stream:
            while chunk := stream.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise UserError(f"{path}: holds more than the {max_bytes:,} bytes that this file may have")
                yield chunk
    except UNREADABLE as err:
        raise UserError(f"{path}: cannot be read, damaged or incomplete ({err}): fetch it again") from err


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if path.suffix == ".gz":
        with gzip.open(path) as stream:
            yield stream
    elif path.suffix == ".zip":
        # only the member that we want, whatever else the archive holds and wherever it would go
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(path.stem).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile("unusual compression")
            with archive.open(path.stem) as member:
                yield member
    else:
        with path.open("rb") as stream:
            yield stream
