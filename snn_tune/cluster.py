"""Ray: this machine or a cluster, what it has, and how many trials fit."""

import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray

from snn_tune.collection import no_collection
from snn_tune.errors import UserError, one_line

CONNECT_S = 5.0
TRIALS_PER_GPU = 4  # the networks are small: one alone leaves a card idle most of the time


@dataclass(frozen=True)
class PerTrial:
    """Resources of one trial."""

    cpus: float
    gpus: float


class Cluster:
    """A running Ray, ended (if it is this machine's own) or left with `close`.

    Args:
        address: of a running cluster, or None to start one on this machine.

    Raises:
        UserError: no cluster answers at that address.
    """

    def __init__(self, address: str | None) -> None:
        self.address = address
        with _our_sigterm():
            self._start(address)
        self.nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]

    def _start(self, address: str | None) -> None:
        if address is None:
            ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
            _guard_token()
            return
        _probe(address)
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise UserError(f"the Ray cluster at {address} cannot be joined: {one_line(error)}") from None

    def __str__(self) -> str:
        cpus, gpus = (sum(node.get(kind, 0) for node in self.nodes) for kind in ("CPU", "GPU"))
        size = f"{cpus:g} cores, {f'{gpus:g} GPUs' if gpus else 'no GPU'}"
        return (
            f"this machine ({size})"
            if self.address is None
            else f"cluster {self.address} ({len(self.nodes)} nodes, {size})"
        )

    def per_trial(self, cpus: float | None, gpus: float | None) -> PerTrial:
        """What was asked for, or a default that keeps all cores and GPUs busy.

        Raises:
            UserError: no machine here has that much.
        """
        if gpus is None:
            node = max(self.nodes, key=lambda node: node.get("GPU", 0))
            share = min(TRIALS_PER_GPU, int(node.get("CPU", 0) // node["GPU"])) if node.get("GPU") else 0
            gpus = 1.0 / max(1, share) if node.get("GPU") else 0.0
        asked = PerTrial(1.0 if cpus is None else cpus, gpus)
        if not self.slots(asked):
            most = max(self.nodes, key=lambda node: (node.get("GPU", 0), node.get("CPU", 0)))
            raise UserError(
                f"a trial asks for {asked.cpus:g} cores and {asked.gpus:g} GPUs, but the largest machine here has "
                f"{most.get('CPU', 0):g} and {most.get('GPU', 0):g}; lower --cpus-per-trial or --gpus-per-trial"
            )
        return asked

    def slots(self, asked: PerTrial) -> list[int]:
        """How many trials fit on each machine that takes any, the most first."""
        fits = [
            int(min(node.get(kind, 0) // need for kind, need in (("CPU", asked.cpus), ("GPU", asked.gpus)) if need))
            for node in self.nodes
        ]
        return sorted(filter(None, fits), reverse=True)

    def close(self) -> None:
        gc.collect()  # Ray ends the process if another thread's collection meets a reference to its objects meanwhile
        with no_collection():
            ray.shutdown()


@contextmanager
def _our_sigterm() -> Iterator[None]:
    """Ray puts its own answer to SIGTERM in place of ours, which ends Python with that status: here it is a stop."""
    ours = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit as ended:
        if ended.code == signal.SIGTERM:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGTERM, ours)


def _probe(address: str) -> None:
    """Refuse at once an address where nothing listens: Ray itself would try for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not (host and port.isdigit()):
        raise UserError(f"--address {address}: must be HOST:PORT, ray://HOST:PORT or auto")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {address}: {one_line(error)}") from None


def _guard_token() -> None:
    """Ray makes its token readable by all users of the machine."""
    token = Path.home() / ".ray" / "auth_token"
    if token.exists() and token.stat().st_uid == os.getuid():
        token.chmod(0o600)
