"""A file in the storage that tells what code a command runs: whoever reads it sees the storage, and can compare."""

from importlib.metadata import version

from snn_tune.errors import UserError, one_line
from snn_tune.place import Place
from snn_tune.trial import MODEL_VERSION

SHARE = "name a folder that all machines share (--storage /nfs/..., or --root there) or a bucket (--storage s3://...)"


def write(ticket: Place) -> None:
    """By the command.

    Raises:
        UserError: the storage cannot be written.
    """
    ticket.write(_code().encode())


def check(ticket: Place) -> None:
    """On the machine of a trial: it sees the storage, and runs the code that the command runs.

    Raises:
        UserError: it does not.
    """
    try:
        theirs = ticket.read().decode()
    except UserError as error:
        raise UserError(f"the storage {ticket.parent.parent.parent} is not seen ({one_line(error)}); {SHARE}") from None
    if theirs != _code():
        raise UserError(f"{_code()} runs there, and the command is of {theirs}; install the same everywhere")


def _code() -> str:
    """What decides results, and so has to be the same: they are kept under a key that says so."""
    return f"snn_tune {version('snn_tune')} (model {MODEL_VERSION})"
