"""A stand-in for `training.fit`: no training, the same results for the same trial, and faults on demand."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict
from typing import Any

import numpy as np

from snn_tune.course import State, Trained
from snn_tune.parameters import Parameters
from snn_tune.training import Outcome
from snn_tune.trial import Epoch

DIES_AFTER = 2  # epochs


def accuracy(parameters: Parameters, seed: int, epoch: int) -> float:
    """The same for all trials of a lineage."""
    digest = hashlib.sha256(f"{parameters.model_dump_json(exclude={'nb_epochs'})} {seed}".encode()).digest()
    return (digest[0] / 256 + epoch) / 1000


def fit(
    parameters: Parameters, seed: int, data: Any, *, device: str, kernel: str, start: State | None = None
) -> Iterator[Trained | Outcome]:
    """regularizer 13 raises, 14 diverges, 15 kills a worker that began anew; lr: seconds of an epoch, above 1 none."""
    epochs = deepcopy(start["epochs"]) if start else []

    def snapshot() -> State:
        return {"epochs": deepcopy(epochs)}

    yield from [Trained(Epoch(**epoch), snapshot) for epoch in epochs]
    for number in range(len(epochs) + 1, parameters.nb_epochs + 1):
        if parameters.regularizer == 13:
            raise RuntimeError("no luck\nat all")
        if parameters.regularizer == 14:
            yield Outcome("diverged", {"run_time_s": 1.0}, f"loss not finite in epoch {number}")
            return
        if parameters.regularizer == 15 and not start and number > DIES_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        if parameters.lr < 1:
            time.sleep(parameters.lr)
        names = "train_accuracy", "train_loss", "valid_accuracy", "valid_loss", "spikes_per_neuron", "epoch_time_s"
        epoch = Epoch(number, dict.fromkeys(names, accuracy(parameters, seed, number)))
        epochs.append(asdict(epoch))
        yield Trained(epoch, snapshot)
    value = accuracy(parameters, seed, parameters.nb_epochs)
    best = {f"best_{part}_accuracy": value for part in ("train", "valid", "test")}
    address = data.train.source.unit.data_ptr()
    evidence = {"pid": np.array(os.getpid()), "address": np.array(address)}
    evidence["trained"] = np.array(parameters.nb_epochs - (len(start["epochs"]) if start else 0))
    metrics = {"test_accuracy": value, "best_epoch": float(parameters.nb_epochs), **best}
    metrics["run_time_s"] = float(parameters.nb_hidden)
    yield Outcome("finished", metrics, model={"seed": seed}, evidence=evidence)
