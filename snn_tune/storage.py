"""Storage: where trials leave what outlives them, in a folder or under a prefix of a bucket, the same to their code.

A file is there whole or not at all. What goes wrong is a UserError that names the folder or the URI.
"""

import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from snn_tune.errors import UserError, one_line
from snn_tune.files import held, naming, write_whole

MENDS = {  # by a word of what the bucket's service says
    "NO_SUCH_BUCKET": "make the bucket, or name another --storage",
    "not found. To create": "make the bucket, or name another --storage",
    "ACCESS_DENIED": "look at the rights of the machine's role, or the keys in its environment",
    "ACCESS_KEY": "look at the keys in the machine's environment",
    "SIGNATURE": "look at the keys in the machine's environment",
    "NETWORK_CONNECTION": "check the network, and the address",
}


class Place(ABC):
    """A folder or a file, there or not; `str` gives its path or URI, of which `at` makes the place again."""

    @abstractmethod
    def __truediv__(self, name: str) -> Self:
        """What is there under this name."""

    @property
    @abstractmethod
    def parent(self) -> Self: ...

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def make(self) -> None:
        """Have the folder there, and writable."""

    @abstractmethod
    def files(self) -> list[Self]:
        """All files in this folder and those in it; none where it is not there."""

    @abstractmethod
    def read(self) -> bytes: ...

    @abstractmethod
    def write(self, content: bytes) -> None: ...

    @abstractmethod
    def delete(self) -> None:
        """Remove this file, if it is there, and its folder if that is empty then."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all folders in this one, with what they hold."""

    @abstractmethod
    def local(self) -> AbstractContextManager[Path | None]:
        """This file, or a copy of it, on this machine; None where there is none."""

    @abstractmethod
    def held(self, by: str, mend: str) -> AbstractContextManager[None]:
        """Within it the folder is held for one thing, see `files.held`."""


def at(where: str) -> Place:
    """The place that a path or a URI names.

    Raises:
        UserError: no storage has such a URI.
    """
    if "://" not in where:
        return Folder(Path(where).absolute())
    if re.match(r"[^/]+://[^/]*:[^/]*@", where):
        raise UserError("--storage: keys in a URI are seen by others; put them into the environment, or give a role")
    uri, _, query = where.partition("?")
    scheme, _, path = uri.partition("://")
    if scheme == "file":
        return Folder(Path(path))
    if not path.split("/")[0]:
        raise UserError(f"--storage {where}: names no bucket; it must be {scheme}://BUCKET/PREFIX")
    bucket = Bucket(f"{scheme}://{path.rstrip('/')}", query)
    with bucket.open():
        return bucket


@dataclass(frozen=True)
class Folder(Place):
    """A folder, or a file in one."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: str) -> "Folder":
        return Folder(self.path / name)

    @property
    def parent(self) -> "Folder":
        return Folder(self.path.parent)

    @property
    def name(self) -> str:
        return self.path.name

    def make(self) -> None:
        with naming(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def files(self) -> list["Folder"]:
        return [Folder(Path(folder, name)) for folder, _, names in os.walk(self.path) for name in names]

    def read(self) -> bytes:
        with naming(self.path):
            return self.path.read_bytes()

    def write(self, content: bytes) -> None:
        write_whole(self.path, [content])

    def delete(self) -> None:
        with naming(self.path):
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # something else is kept there
            self.path.parent.rmdir()

    def clear(self) -> None:
        for folder in self.path.glob("*/"):
            shutil.rmtree(folder, ignore_errors=True)

    def local(self) -> AbstractContextManager[Path | None]:
        return nullcontext(self.path if self.path.is_file() else None)

    def held(self, by: str, mend: str) -> AbstractContextManager[None]:
        return held(self.path, by, mend)


@dataclass(frozen=True)
class Bucket(Place):
    """What an object store has under a prefix; any that Arrow knows (s3, gs, abfs, ...), with its options as a query.

    Keys come from where that store's own tools take them: the environment, or the machine's role.
    """

    uri: str
    query: str = ""

    def __str__(self) -> str:
        return f"{self.uri}?{self.query}" if self.query else self.uri

    def __truediv__(self, name: str) -> "Bucket":
        return Bucket(f"{self.uri}/{name}", self.query)

    @property
    def parent(self) -> "Bucket":
        return Bucket(self.uri.rpartition("/")[0], self.query)

    @property
    def name(self) -> str:
        return self.uri.rpartition("/")[2]

    def make(self) -> None:
        with self.open() as (store, path):
            store.create_dir(path)

    def files(self) -> list["Bucket"]:
        from pyarrow.fs import FileSelector

        with self.open() as (store, path):
            found = store.get_file_info(FileSelector(path, allow_not_found=True, recursive=True))
        return [self / info.path[len(path) :].strip("/") for info in found if info.is_file]

    def read(self) -> bytes:
        with self.open() as (store, path), store.open_input_stream(path) as stream:
            content: bytes = stream.read()
        return content

    def write(self, content: bytes) -> None:
        with self.open() as (store, path), store.open_output_stream(path) as stream:
            stream.write(content)

    def delete(self) -> None:
        with self.open() as (store, path), suppress(FileNotFoundError):
            store.delete_file(path)

    def clear(self) -> None:
        with self.open() as (store, path):
            store.delete_dir_contents(path, missing_dir_ok=True)

    @contextmanager
    def local(self) -> Iterator[Path | None]:
        with TemporaryDirectory(prefix="snn_tune-") as folder:
            copy = Path(folder, self.name)
            with self.open() as (store, path), suppress(FileNotFoundError), store.open_input_stream(path) as stream:
                copy.write_bytes(stream.read())
            yield copy if copy.exists() else None

    def held(self, by: str, mend: str) -> AbstractContextManager[None]:
        """Nothing: object stores have no locks. The lease in MLflow lets one driver run a study for each tracking
        store; that two stores do not take one prefix is left to who names it."""
        return nullcontext()

    @contextmanager
    def open(self) -> Iterator[tuple[Any, str]]:
        """The store and the path in it, for one request; what it raises becomes a line."""
        scheme, _, rest = self.uri.partition("://")
        first, _, rest = rest.partition("/")
        try:
            store, root = _store(scheme, first, self.query)
            yield store, f"{root}/{rest}".rstrip("/")
        except (OSError, ValueError, NotImplementedError) as error:  # Arrow's own errors are these, too
            mend = next((mend for word, mend in MENDS.items() if word in str(error)), "")
            raise UserError(f"{self}: {one_line(error)}{mend and f'; {mend}'}") from None


@cache
def _store(scheme: str, bucket: str, query: str) -> tuple[Any, str]:
    """A client, one for each bucket and process, and the path of the bucket in it."""
    from pyarrow.fs import FileSystem  # half a second that who keeps a folder need not wait for

    if scheme == "s3":  # a file of a few megabytes is then put at once; else in parts, which a kill leaves behind
        query = f"allow_delayed_open=true&{query}".rstrip("&")
    store, root = FileSystem.from_uri(f"{scheme}://{bucket}" + (f"?{query}" if query else ""))
    return store, root.rstrip("/")
