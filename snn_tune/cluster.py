"""Ray: this machine or a cluster, what it has, and how many trials fit."""

import gc
import os
import socket
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray

from snn_tune.autoscaling import Resources, to_come
from snn_tune.collection import no_collection
from snn_tune.errors import UserError, one_line
from snn_tune.interrupt import our_sigterm
from snn_tune.sharing import trials_per_gpu

CONNECT_S = 5.0
HEAD = "node:__internal_head__"  # a resource that Ray gives to the head alone


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
        with our_sigterm():
            self._start(address)
        self.address = address and ray.get_runtime_context().gcs_address  # of "auto", too
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self.nodes, self.most = alive, _most(alive) if address else []

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
        if self.address is None:
            return f"this machine ({_size(self.nodes)})"
        grows = f"; may grow to {len(self.most)} nodes, {_size(self.most)}" if self.most else ""
        return f"cluster {self.address} ({len(self.nodes)} nodes, {_size(self.nodes)}{grows})"

    def per_trial(self, cpus: float | None, gpus: float | None, bytes_each: int = 0, card: int = 0) -> PerTrial:
        """What was asked for, or a default that keeps all cores and GPUs busy.

        Args:
            bytes_each: that a trial takes on a GPU, 0 where that is not known yet.
            card: bytes of the smallest GPU, 0 where that is not known.

        Raises:
            UserError: no machine here has that much.
        """
        machines, cores = self.most or self.nodes, 1.0 if cpus is None else cpus
        if gpus is None:
            node = max(machines, key=lambda node: node.get("GPU", 0))
            of_each = node.get("CPU", 0) / cores / node.get("GPU", 1)
            share = 10_000 // trials_per_gpu(bytes_each, card, of_each) / 10_000  # Ray counts in these
            gpus = share if node.get("GPU") else 0.0
        asked = PerTrial(cores, gpus)
        if not self.slots(asked):
            most = max(machines, key=lambda node: (node.get("GPU", 0), node.get("CPU", 0)))
            raise UserError(
                f"a trial asks for {asked.cpus:g} cores and {asked.gpus:g} GPUs, but the largest machine here has "
                f"{most.get('CPU', 0):g} and {most.get('GPU', 0):g}; lower --cpus-per-trial or --gpus-per-trial"
            )
        return asked

    def slots(self, asked: PerTrial) -> list[int]:
        """How many trials fit on each machine that takes any, the most first."""
        fits = [
            int(min(node.get(kind, 0) // need for kind, need in (("CPU", asked.cpus), ("GPU", asked.gpus)) if need))
            for node in self.most or self.nodes
        ]
        return sorted(filter(None, fits), reverse=True)

    def close(self) -> None:
        gc.collect()  # Ray ends the process if another thread's collection meets a reference to its objects meanwhile
        with no_collection():
            ray.shutdown()


def _size(machines: list[Resources]) -> str:
    cpus, gpus = (sum(node.get(kind, 0) for node in machines) for kind in ("CPU", "GPU"))
    return f"{cpus:g} cores, {f'{gpus:g} GPUs' if gpus else 'no GPU'}"


def _most(nodes: list[Resources]) -> list[Resources]:
    """The machines that an autoscaler may have at most; none where there is none, or this is not its head."""
    heads = [node for node in nodes if HEAD in node]
    here = f"node:{ray.util.get_node_ip_address()}"
    return heads + workers if heads and here in heads[0] and (workers := to_come()) else []


def _probe(address: str) -> None:
    """Refuse at once an address where nothing listens: Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if "://" in address:  # through Ray's client Tune would run elsewhere, without all that is told of the trials here
        raise UserError(f"--address {address}: type the command on the cluster itself, by ray exec or ray job submit")
    if not (host and port.isdigit()):
        raise UserError(f"--address {address}: must be HOST:PORT or auto")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {address}: {one_line(error)}") from None


def _guard_token() -> None:
    """Ray makes its token readable by all users of the machine."""
    token = Path.home() / ".ray" / "auth_token"
    if token.exists() and token.stat().st_uid == os.getuid():
        token.chmod(0o600)
