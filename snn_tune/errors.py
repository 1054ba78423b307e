"""The one error that a user is meant to read: a sentence that names what they passed and how to mend it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

CAUSE = re.compile(r"""Caused by \w+\((["'])(?:HTTPS?Connection(?:Pool)?\(.*?\): )?(.*?)\1\)""")  # in urllib3's words
STATEMENT = re.compile(r" \[SQL: .*| \(Background on this error at: .*")  # SQLAlchemy's, at the end
OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory|not enough memory|low on memory", re.IGNORECASE)


class UserError(Exception):
    """Something that the user can mend. The command line prints it as one line and exits with 2."""


def near_match(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest of the known words, or an empty string."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean '{found[0]}'?)" if found else ""


def same_command(fresh: bool) -> str:
    """What to type to go on: --fresh never again, since it would delete what is kept."""
    return "the same command without --fresh" if fresh else "the same command"


def one_line(error: object) -> str:
    """What an exception says, in one line of bounded length, without the requests and statements that failed."""
    said = STATEMENT.sub("", " ".join(str(error).split()))
    if cause := CAUSE.search(said):
        said = cause[2]
    return without_password(said)[:300] or type(error).__name__


def why(error: object) -> str:
    """What made a trial fail, in one line; where memory ran out (torch's, NumPy's or the machine's), what to lower."""
    said = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else error
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)):
        return f"out of memory; lower batch_size, nb_hidden or --max-concurrent ({one_line(said)})"
    return one_line(said)


def without_password(text: str) -> str:
    """The text, with the user and password of every address in it struck out."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)
