"""How a command ends."""

import subprocess
import sys

import pytest

from snn_tune.command import exit_status
from snn_tune.errors import UserError


def fails(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("nb_hidden = 0: must be positive"), 2, "error: nb_hidden = 0: must be positive\n"),
        (MemoryError("4 TB"), 2, "error: not enough memory: 4 TB; choose smaller values\n"),
        (KeyboardInterrupt(), 130, "stopped: go on with this\n"),
    ],
)
def test_what_goes_wrong_is_a_line_and_a_status(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture
) -> None:
    assert exit_status(lambda: fails(error), "stopped: go on with this") == status
    assert capsys.readouterr() == ("", said)


def test_its_own_status_is_kept() -> None:
    assert [exit_status(lambda status=status: status) for status in (0, 1, 2)] == [0, 1, 2]


def test_a_pipe_of_something_else_is_no_reader_that_has_left() -> None:
    with pytest.raises(BrokenPipeError):
        exit_status(lambda: fails(BrokenPipeError()))


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_leaves_is_no_error(lines: int) -> None:
    command = f"print('word\\n' * {lines})"
    program = f"from snn_tune.command import exit_status; import sys\ndef f():\n    {command}\n    return 0\n"
    program += "sys.stdin.read(); sys.exit(exit_status(f))"
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", program], **pipe)
    process.stdout.close()
    process.stdin.close()
    said = process.stderr.read()
    assert (process.wait(timeout=60), said) == (0, "")
