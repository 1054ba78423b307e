"""A file is there whole or not at all, whatever happens while it is written; a lock ends with its process."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.files import exclusive, write_whole


def test_a_full_disk_names_the_folder_and_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    write_whole(target, [b"old"])

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match=f"^{target.parent}: No space left on device$"):
        write_whole(target, chunks())
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    assert target.read_bytes() == b"old"


def test_a_target_is_replaced_whole(tmp_path: Path) -> None:
    target = write_whole(tmp_path / "target", [b"old"])

    def chunks() -> Iterator[bytes]:
        yield b"new"
        assert target.read_bytes() == b"old"

    write_whole(target, chunks())
    assert target.read_bytes() == b"new"


def test_nothing_is_made_for_what_cannot_be_had(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        raise UserError("no such thing")
        yield b""

    with pytest.raises(UserError, match="no such thing"):
        write_whole(tmp_path / "deep" / "target", chunks())
    assert list(tmp_path.iterdir()) == []


HOLD = (
    "import sys, time, pathlib; from snn_tune.files import exclusive; lock = exclusive(pathlib.Path(sys.argv[1]), '')\n"
)
HOLD += "with lock: print('held', flush=True); time.sleep(60)"


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=f"busy by process {holder.pid};"), exclusive(lock, "busy"):
            pass
    finally:
        holder.kill()
        holder.wait()
    with exclusive(lock, "busy"):
        assert lock.read_text().isdigit()
