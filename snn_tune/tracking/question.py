"""Asking a tracking store: its answer, or one line for the user that says why there is none."""

from collections.abc import Callable
from typing import Any, TypeVar

from snn_tune.errors import UserError, one_line, without_password

RESTORE = "move the damaged file aside, or put a copy back"
MENDS = {  # by a word of what MLflow, its database or the system says
    "locked": "wait, or stop the other program that holds it",
    "not a database": RESTORE,
    "malformed": RESTORE,
    "no such table": RESTORE,
    "disk is full": "free some space",
    "disk I/O": "free some space, or look at the disk",
    "readonly": "make it writable, or name another --root",
    "No module named": "install it with pip",
    "unable to open": "make its folder writable, or name another --root",
}
Answer = TypeVar("Answer")


def ask(uri: str, question: Callable[..., Answer], *what: Any) -> Answer:
    """The answer of a store, or one line that says which store gave none."""
    try:
        return question(*what)
    except UserError:  # says it already
        raise
    except Exception as error:  # MLflow lets through whatever its database, its server or the network raise
        said = f"{type(error).__name__}: {one_line(error)}"
        mend = next((mend for word, mend in MENDS.items() if word in str(error)), "check that it runs, and its address")
        raise UserError(f"the tracking store {without_password(uri)} cannot be used ({said}): {mend}") from error
