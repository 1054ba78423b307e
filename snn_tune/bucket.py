"""A bucket as a storage: what an object store has under a prefix, through Arrow's file systems."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyarrow.fs import FileSelector, FileSystem

from snn_tune.errors import UserError, one_line
from snn_tune.place import Place

MENDS = {  # by a word of what the bucket's service says
    "NO_SUCH_BUCKET": "make the bucket, or name another --storage",
    "not found. To create": "make the bucket, or name another --storage",
    "ACCESS_DENIED": "look at the rights of the machine's role, or the keys in its environment",
    "ACCESS_KEY": "look at the keys in the machine's environment",
    "SIGNATURE": "look at the keys in the machine's environment",
    "NETWORK_CONNECTION": "check the network, and the address",
}


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
    if scheme == "s3":  # a file of a few megabytes is then put at once; else in parts, which a kill leaves behind
        query = f"allow_delayed_open=true&{query}".rstrip("&")
    store, root = FileSystem.from_uri(f"{scheme}://{bucket}" + (f"?{query}" if query else ""))
    return store, root.rstrip("/")
