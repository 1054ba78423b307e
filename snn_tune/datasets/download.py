"""Getting a data set's official files when they are not there yet."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import urlopen

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from snn_tune.datasets import folder
from snn_tune.datasets.folder import DataFile
from snn_tune.errors import UserError
from snn_tune.files import write_whole

TIMEOUT = 30.0  # s without a byte


class UnreachableError(UserError):
    """A download that failed for the network's or the server's sake."""


@dataclass(frozen=True)
class Official:
    """A file as its authors publish it.

    Attributes:
        url: http or https.
        checksum: of the file at `url`, such as `md5:1503a5...` or `sha256:f48a44...`.
        max_bytes: more than it can hold once unpacked.
    """

    url: str
    checksum: str
    max_bytes: int

    @property
    def packed_name(self) -> str:
        return PurePosixPath(urlsplit(self.url).path).name

    @property
    def name(self) -> str:
        """Its name once unpacked."""
        return self.packed_name.removesuffix(".gz").removesuffix(".zip")


def obtain(sub: str, files: Sequence[Official], data_dir: Path) -> list[DataFile]:
    """Find the files of a data set in `data_dir/sub` or the cache; download those that are in neither.

    They go to `data_dir/sub` if nothing of this data set is there yet and it can be written, else to the cache.

    Raises:
        UserError: a file is in neither and cannot be downloaded; it says what to put where.
    """
    places = folder.places(sub, data_dir)
    missing = absent(sub, files, data_dir)
    destination = _destination(sub, files, data_dir) if missing else None
    for index, file in enumerate(missing):
        assert destination is not None
        try:
            download(file.url, destination / file.packed_name, file.checksum, file.max_bytes)
        except UnreachableError as err:
            names = ", ".join(file.name for file in missing[index:])
            urls = ", ".join(file.url for file in missing[index:])
            looked = " or ".join(str(place) for place in dict.fromkeys(places))
            raise UserError(f"no {names} in {looked}, and {err}: fetch {urls} into {places[0]} by hand") from err
    found = [folder.find(file.name, places) for file in files]
    return [file for file in found if file is not None]


def absent(sub: str, files: Sequence[Official], data_dir: Path) -> list[Official]:
    """Those of the files that are neither in `data_dir/sub` nor in the cache."""
    places = folder.places(sub, data_dir)
    return [file for file in files if folder.find(file.name, places) is None]


def download(url: str, target: Path, checksum: str, max_bytes: int) -> None:
    """Download a file, whole or not at all; a try that failed leaves nothing, and the next one starts anew.

    Raises:
        UnreachableError: no connection, or the server refuses or breaks off.
        UserError: the checksum is wrong, the file is larger than `max_bytes`, or the folder cannot be written.
    """
    write_whole(target, _verified(url, checksum, max_bytes))


def _destination(sub: str, files: Sequence[Official], data_dir: Path) -> Path:
    own, cache = folder.places(sub, data_dir)
    nearest = next(place for place in (own, *own.absolute().parents) if place.exists())
    # a folder that holds some of the files is somebody's: nothing is added beside them
    free = all(folder.find(file.name, [own]) is None for file in files)
    return own if free and os.access(nearest, os.W_OK | os.X_OK) else cache


def _verified(url: str, checksum: str, max_bytes: int) -> Iterator[bytes]:
    algorithm, expected = checksum.split(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    received = 0
    for chunk in _body(url):
        received += len(chunk)
        if received > max_bytes:
            raise UserError(f"{url}: sends more than the {max_bytes:,} bytes that this file may have")
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != expected:
        raise UserError(f"{url}: wrong {algorithm}, expected {expected}, got {digest.hexdigest()}")


def _body(url: str) -> Iterator[bytes]:
    _require_http(url)
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    try:
        with (
            urlopen(url, timeout=TIMEOUT) as response,
            Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress,
        ):
            _require_http(response.url)  # a redirect may lead elsewhere
            left = response.length  # None where the server does not tell
            task = progress.add_task(PurePosixPath(urlsplit(url).path).name, total=left)
            while chunk := response.read(folder.CHUNK):
                left = None if left is None else left - len(chunk)
                progress.advance(task, len(chunk))
                yield chunk
            if left:
                raise UnreachableError(f"{url} broke off {left:,} bytes before its end")
    except (OSError, HTTPException) as err:
        raise UnreachableError(f"{url} cannot be downloaded ({getattr(err, 'reason', None) or err})") from err


def _require_http(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"{url}: only http and https addresses are downloaded")
