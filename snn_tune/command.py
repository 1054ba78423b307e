"""How a command ends: its exit status, and one line on the standard error for what went wrong."""

import os
import select
import sys
from collections.abc import Callable

from snn_tune.errors import UserError, one_line


def exit_status(command: Callable[[], int], stopped: str = "stopped") -> int:
    """Run a command: its own status, 2 for something that the user can mend, 130 for a stop.

    Args:
        stopped: what a stopped one says.
    """
    status = 0
    try:
        status = command()
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"error: not enough memory: {one_line(error)}; choose smaller values", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130
    except BrokenPipeError:
        if not _reader_has_left():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be written
        return status


def _reader_has_left() -> bool:
    """Whether nobody reads the output any more, as with `| head`."""
    output = select.poll()
    output.register(sys.__stdout__ or sys.stdout, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))
