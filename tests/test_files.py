"""A file is there whole or not at all, whatever happens while it is written; a folder is held by one."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.files import held, write_whole


def test_a_full_disk_names_the_folder_and_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    write_whole(target, [b"old"])

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match=f"^{target.parent}: No space left on device; free some space there"):
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


HOLD = """
import sys
from pathlib import Path
from snn_tune.files import held
with held(Path(sys.argv[1]), "store a", ""):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_for_one_thing_until_its_process_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=f"^{tmp_path} is held by store a; wait for it$"):
        held(tmp_path, "store b", "wait for it").__enter__()
    with held(tmp_path, "store a", ""):
        pass
    process.kill()
    process.communicate()
    with held(tmp_path, "store b", ""), pytest.raises(UserError, match="held by store b"):
        held(tmp_path, "store a", "").__enter__()
