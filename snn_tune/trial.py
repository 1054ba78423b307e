"""A trial: one training of one network with one combination of parameters, and its identity."""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from snn_tune.parameters import Parameters

# Raise it when a change of the model, of training or of a default changes numbers: old results keep their old keys.
MODEL_VERSION = 1

OVER = ("finished", "pruned", "diverged")  # states of a trial that is not run again


@dataclass(frozen=True)
class Trial:
    """One combination, one seed, one data set.

    Attributes:
        data: fingerprint of the data set, its split included.
        network: a network of the user's own, by its name and a hash of its code; "" for ours.
    """

    parameters: Parameters
    seed: int
    data: str
    network: str = ""

    @property
    def key(self) -> str:
        """Identity: trials of one key have one result; bit for bit on one kind of machine, kernel and thread count."""
        return self._hash(set())

    @property
    def lineage(self) -> str:
        """The key without nb_epochs: trials of one lineage are longer or shorter runs of the same training."""
        return self._hash({"nb_epochs"})

    def _hash(self, without: set[str]) -> str:
        # Without what is as ever: a parameter that comes later, at its default, leaves all keys as they are.
        parameters = self.parameters.model_dump(exclude_defaults=True, exclude=without)
        if len(self.parameters.hidden) > 1:  # [200, 200], and two layers of 200, are one network
            parameters |= {"nb_hidden": self.parameters.hidden}
            parameters.pop("nb_layers", None)
        identity = {"model": MODEL_VERSION, "data": self.data, "seed": self.seed, "parameters": parameters}
        identity |= {"network": self.network} if self.network else {}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]


def as_text(value: object) -> str:
    """A parameter's value as `--set` takes it."""
    return str(list(value)) if isinstance(value, tuple) else str(value)


def label(parameters: Parameters, axes: Iterable[str]) -> str:
    """`nb_hidden=50 lr=0.0123`: what tells a trial from others, for the eye."""
    return " ".join(f"{axis}={_short(getattr(parameters, axis))}" for axis in axes)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) and len(str(value)) > 8 else as_text(value)


def now_ms() -> int:
    """The time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Epoch:
    """Metrics of one epoch, and when they were made: delivered twice, they are still one value.

    Attributes:
        metrics: train_accuracy and train_loss as it trained; valid_accuracy, valid_loss, spikes_per_neuron over the
            validation part; epoch_time_s, of the training pass alone. Losses are without the penalty.
    """

    epoch: int
    metrics: dict[str, float]
    time_ms: int = field(default_factory=now_ms)


@dataclass(frozen=True)
class Ending:
    """How a trial ended.

    Attributes:
        state: one of OVER, failed or interrupted.
        reason: in words, where it is not finished.
        activity: "silent", "saturated" or "".
        files: what it leaves, to be kept with its run.
        tags: where and how it ran: device, kernel, threads, trials_beside.
    """

    state: str
    reason: str = ""
    activity: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    time_ms: int = field(default_factory=now_ms)
