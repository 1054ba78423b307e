"""What a storage is to the code that keeps something there, be it a folder or a bucket."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self


class Place(ABC):
    """A folder or a file, there or not; `str` gives its path or URI, of which `storage.at` makes the place again."""

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
