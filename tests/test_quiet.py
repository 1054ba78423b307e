"""Library output goes to the log, ours to the screen, and both are restored after an error."""

import contextlib
import io
import os
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.quiet import Screen, output_to


def test_only_the_console_reaches_the_screen(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    log = tmp_path / "deep" / "study.log"
    with pytest.raises(ZeroDivisionError), output_to(log) as console:
        console.print("ours")
        os.write(1, b"a library's\n")
        os.write(2, b"a library's complaint\n")
        _ = 1 / 0
    print("after")
    screen = capfd.readouterr()
    assert screen.out.split() == ["ours", "after"]
    assert screen.err == ""
    assert log.read_text() == "a library's\na library's complaint\n"


def test_a_reader_that_leaves_and_a_full_disk_stop_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    for file in (os.fdopen(write, "w"), open("/dev/full", "w")):  # noqa: SIM115, PTH123
        screen = Screen(file)
        for _ in range(3):
            screen.print("x" * 100_000)
        with contextlib.suppress(OSError):
            file.close()


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file/ray"), output_to(tmp_path / "file" / "ray" / "x.log"):
        pass


def test_a_pipe_gets_whole_lines() -> None:
    file = io.StringIO()
    Screen(file).print("word " * 100 + "/" + "long" * 100)
    assert file.getvalue() == "word " * 100 + "/" + "long" * 100 + "\n"
