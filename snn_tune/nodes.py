"""The machines of a cluster, asked before any trial starts: whether they see the storage, and run the same code."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from platform import python_version
from typing import Any
from uuid import uuid4

import ray
from ray.exceptions import GetTimeoutError, NodeDiedError, RayError, TaskUnschedulableError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from snn_tune import tickets
from snn_tune.errors import UserError, one_line
from snn_tune.place import Place
from snn_tune.provenance import git_commit
from snn_tune.sharing import card_bytes
from snn_tune.storage import at

ANSWER_S = 180.0  # a fresh machine reads PyTorch from a cold disk
PASSES = ".passes"  # a folder beside those of studies, whose names do not begin so
MOST_NAMES = 5
PACKAGES = ("ray", "torch", "numba", "numpy")


@dataclass(frozen=True)
class Agreed:
    """What came of asking.

    Attributes:
        ticket: a file in the storage, for `tickets.check`; None on this machine's own Ray, where nobody has to agree.
        card: bytes of the smallest GPU's memory, 0 where there is none or nobody knows.
    """

    ticket: Place | None
    card: int


@contextmanager
def agreed(storage: Place, address: str | None, say: Callable[[str], None]) -> Iterator[Agreed]:
    """Within it there is a file in the storage which the machines have shown that they see; late ones read it, too.

    Raises:
        UserError: a machine does not see the storage, has another version of this package, or cannot import it.
    """
    if address is None:
        yield Agreed(None, card_bytes())
        return
    passes = storage.parent / PASSES / storage.name
    for old in passes.files():  # of commands that were killed: one at a time runs a study
        old.delete()
    ticket = passes / uuid4().hex  # never a name that a machine may have seen before, or has of an own folder
    tickets.write(ticket)
    try:
        answers = _ask(str(ticket))
        _refuse({name: answer["trouble"] for name, answer in answers.items()})
        if told := differences(
            {"this command": facts(), **{name: answer["facts"] for name, answer in answers.items()}}
        ):
            say(f"the machines differ, and results may: {told}")
        yield Agreed(ticket, min((answer["card"] for answer in answers.values() if answer["card"]), default=0))
    finally:
        with suppress(UserError):
            ticket.delete()


def facts() -> dict[str, str]:
    """What runs here that may decide numbers."""
    return {
        "Python": python_version(),
        **{name: version(name) for name in PACKAGES},
        "commit": git_commit()[:12] or "unknown",
    }


def differences(machines: dict[str, dict[str, str]]) -> str:
    """What differs, and which machine has what: "Python 3.11.9 on a, b, 3.11.4 on c", or ""."""
    told = []
    for fact in next(iter(machines.values()), {}):
        having: defaultdict[str, list[str]] = defaultdict(list)
        for name, found in machines.items():
            having[found[fact]].append(name)
        if len(having) > 1:
            told.append(f"{fact} " + ", ".join(f"{value} on {_listed(names)}" for value, names in having.items()))
    return "; ".join(told)


def answer(ticket: str) -> dict[str, Any]:
    """What a machine says of itself."""
    import snn_tune.trainable  # noqa: F401  all that a trial needs is there

    trouble = ""
    try:
        tickets.check(at(ticket))
    except UserError as error:
        trouble = str(error)
    return {"trouble": trouble, "facts": facts(), "card": card_bytes()}


def _ask(ticket: str) -> dict[str, dict[str, Any]]:
    """The answers of all machines, by name; one that is lost meanwhile gives none."""

    def look(ticket: str) -> dict[str, Any]:  # goes there by value: it tells where this package is not installed
        try:
            from snn_tune.nodes import answer
        except ImportError as error:
            why = f"{type(error).__name__}: {error}"
            return {"trouble": f"snn_tune cannot be imported ({why}); install it there, in the Python that runs Ray"}
        return answer(ticket)

    asked: dict[str, ray.ObjectRef] = {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = ray.remote(look).options(num_cpus=0, scheduling_strategy=there)
            asked[_name(node, asked)] = task.remote(ticket)
    ray.wait(list(asked.values()), num_returns=len(asked), timeout=ANSWER_S)
    answers = {}
    for name, reference in asked.items():
        with suppress(NodeDiedError, TaskUnschedulableError):
            answers[name] = _answer(reference)
    return answers


def _answer(reference: ray.ObjectRef) -> dict[str, Any]:
    try:
        found: dict[str, Any] = ray.get(reference, timeout=0)
        return found
    except GetTimeoutError:
        return {"trouble": f"no answer within {ANSWER_S:.0f} s; look whether it is overloaded, or take it out"}
    except (NodeDiedError, TaskUnschedulableError):
        raise
    except RayError as error:
        return {"trouble": f"nothing can run there ({one_line(error)})"}


def _refuse(troubles: dict[str, str]) -> None:
    """One line for all machines that cannot take part."""
    having: defaultdict[str, list[str]] = defaultdict(list)
    for name, trouble in troubles.items():
        if trouble:
            having[trouble].append(name)
    if having:
        raise UserError("; ".join(f"on {_listed(names)}: {trouble}" for trouble, names in having.items()))


def _name(node: dict[str, Any], taken: Iterable[str]) -> str:
    """Host and address; where several nodes have them, also a part of the node's id."""
    name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
    return f"{name} {node['NodeID'][:6]}" if name in taken else name


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
