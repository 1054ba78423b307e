"""Library output goes to the log, ours to the screen, and both are restored after an error."""

import os
from pathlib import Path

import pytest

from snn_tune.errors import UserError
from snn_tune.quiet import output_to


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


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file/ray"), output_to(tmp_path / "file" / "ray" / "x.log"):
        pass
