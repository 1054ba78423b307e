"""Storage: where trials leave what outlives them, in a folder or under a prefix of a bucket, the same to their code.

A file is there whole or not at all. What goes wrong is a UserError that names the folder or the URI.
"""

import os
import re
import shutil
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from snn_tune.errors import UserError
from snn_tune.files import held, naming, write_whole
from snn_tune.place import Place

SECRET = re.compile("secret|key|token|sas|password|^sig", re.IGNORECASE)  # in the name of an option of a bucket


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
    if secret := next((name for name, _ in parse_qsl(query, keep_blank_values=True) if SECRET.search(name)), ""):
        raise UserError(f"--storage: {secret} in a URI is seen by others; put it into the environment, or give a role")
    scheme, _, path = uri.partition("://")
    if scheme == "file":
        return Folder(Path(path))
    if not path.split("/")[0]:
        raise UserError(f"--storage {where}: names no bucket; it must be {scheme}://BUCKET/PREFIX")
    from snn_tune.bucket import Bucket  # and Arrow, a third of a second that who keeps a folder need not wait for

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
