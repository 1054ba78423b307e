"""Fit one network: plain PyTorch, without Ray or MLflow. A result for each epoch, then the outcome."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snn_tune import evidence
from snn_tune.cuda_graph import recorded
from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.events import EventBatch
from snn_tune.scoring import Score, activity_tag, evaluate
from snn_tune.snn import NetworkSettings, Scores, SpikingNetwork, train_step
from snn_tune.trial import Epoch, Parameters


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: "finished"; or "diverged", with the reason.
        metrics: run_time_s; if finished also test_accuracy (last weights), best_epoch and best_*_accuracy.
        activity: "silent", "saturated" or "".
        model: the best weights, and what it takes to build the network around them.
        evidence: what the report draws, see `evidence.collect`.
    """

    state: str
    metrics: dict[str, float]
    reason: str = ""
    activity: str = ""
    model: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, NDArray[Any]] = field(default_factory=dict)


def fit(
    parameters: Parameters, seed: int, data: Dataset, *, device: str = "cpu", kernel: str = "auto", graph: bool = False
) -> Iterator[Epoch | Outcome]:
    """Train a network, an epoch at each `next`, and score it.

    The same arguments give the same numbers bit for bit on one machine, kernel and thread count, whatever ran before
    in the process: each random draw has a generator of its own.

    Args:
        seed: draws the initial weights, and with the epoch the order of the samples.
        graph: replay the step of full batches, see `cuda_graph.recorded`.

    Yields:
        An `Epoch` for each epoch, then one `Outcome`.
    """
    network = SpikingNetwork(network_settings(parameters, data), seed=seed, kernel=kernel).to(device)
    data = data.to(device)
    step = _Step(network, parameters, data, graph)
    best, run_time = _Best(network), 0.0
    for epoch in range(1, parameters.nb_epochs + 1):
        train_accuracy, train_loss, epoch_time = _train(step, data, np.random.default_rng([seed, epoch]))
        run_time += epoch_time
        valid = evaluate(network, data.valid, parameters.batch_size)
        if reason := divergence(network, train_loss, valid.loss):
            yield Outcome("diverged", {"run_time_s": run_time}, f"{reason} in epoch {epoch}")
            return
        best.offer(epoch, valid, network)
        metrics = {
            "train_accuracy": train_accuracy,
            "train_loss": train_loss,
            "valid_accuracy": valid.accuracy,
            "valid_loss": valid.loss,
            "spikes_per_neuron": valid.spikes_per_neuron,
            "epoch_time_s": epoch_time,
        }
        yield Epoch(epoch, metrics)
    yield _outcome(network, best, parameters, seed, data, run_time, valid.spikes_per_neuron)


def network_settings(parameters: Parameters, data: Dataset) -> NetworkSettings:
    """The network that these parameters mean on this data."""
    own = {"nb_inputs", "nb_classes", "dt", "units_per_channel"}
    shared = NetworkSettings.__dataclass_fields__.keys() - own
    return NetworkSettings(
        nb_inputs=data.nb_inputs,
        nb_classes=data.nb_classes,
        dt=parameters.dt / data.repeats,
        units_per_channel=parameters.units_per_channel if data.analog else 0,
        **parameters.model_dump(include=set(shared)),
    )


def compile_kernel(parameters: Parameters, data: Dataset, kernel: str) -> None:
    """Have all code compiled that training on this data needs, so that trials find it on disk."""
    network = SpikingNetwork(network_settings(parameters, data), kernel=kernel)
    _Step(network, parameters, data)
    evaluate(network, replace(data.train, samples=data.train.samples[:1], labels=data.train.labels[:1]), batch_size=1)


class _Step:
    """One optimiser step on one batch."""

    def __init__(self, network: SpikingNetwork, parameters: Parameters, data: Dataset, graph: bool = False) -> None:
        self.network, self.parameters = network, parameters
        optimizer = {"adamax": torch.optim.Adamax, "adam": torch.optim.Adam}[parameters.optimizer]
        self.optimizer = optimizer(network.parameters(), lr=parameters.lr, betas=(0.9, parameters.adam_beta2))
        self.run = recorded(self, network, self.optimizer, parameters.batch_size) if graph else self
        self.class_weights = None
        if parameters.class_weights == "balanced":
            counts = torch.bincount(data.train.labels, minlength=data.nb_classes)
            self.class_weights = (len(data.train) / (data.nb_classes * counts.clamp(min=1))).float()
        self.gradients(*next(data.train.batches(1)))  # compiles, or loads, what the first epoch would be timed with

    def __call__(self, inputs: EventBatch | Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Number of samples classified right, and the sum of their losses (without class weights or penalty)."""
        scores = self.gradients(inputs, labels)
        self.optimizer.step()
        return (scores.logits.argmax(dim=1) == labels).sum(), scores.nll.sum(dtype=torch.float64)

    def gradients(self, inputs: EventBatch | Tensor, labels: Tensor) -> Scores:
        return train_step(
            self.network,
            inputs,
            labels,
            strength=self.parameters.regularizer,
            reduction=self.parameters.reduction,
            class_weights=self.class_weights,
        )


def _train(step: _Step, data: Dataset, rng: np.random.Generator) -> tuple[float, float, float]:
    """One pass over the training part: accuracy and mean loss as it trains, and seconds."""
    started = time.perf_counter()
    right = loss = torch.zeros((), dtype=torch.float64, device=data.train.labels.device)
    for inputs, labels in data.train.batches(step.parameters.batch_size, rng.permutation(len(data.train))):
        batch_right, batch_loss = step.run(inputs, labels)
        right, loss = right + batch_right, loss + batch_loss
    nb_samples = len(data.train)
    return float(right) / nb_samples, float(loss) / nb_samples, time.perf_counter() - started


def divergence(network: SpikingNetwork, train_loss: float, valid_loss: float) -> str:
    """What is not finite, or "". Weights too: a membrane that is no number never fires, and hides in a finite loss."""
    if not (isfinite(train_loss) and isfinite(valid_loss)):
        return f"loss not finite (train {train_loss}, validation {valid_loss})"
    names = [name for name, weights in network.named_parameters() if not weights.isfinite().all()]
    return f"weights not finite ({', '.join(names)})" if names else ""


class _Best:
    """The weights of the epoch with the highest validation accuracy, then the lowest loss, then the earliest."""

    def __init__(self, network: SpikingNetwork) -> None:
        self.epoch, self.valid_accuracy, self._rank = 0, -1.0, (-1.0, 0.0)
        self.weights = network.state_dict()

    def offer(self, epoch: int, valid: Score, network: SpikingNetwork) -> None:
        rank = (valid.accuracy, -valid.loss)
        if rank > self._rank:
            self.epoch, self.valid_accuracy, self._rank = epoch, valid.accuracy, rank
            self.weights = {name: weights.detach().cpu().clone() for name, weights in network.state_dict().items()}


def _outcome(
    network: SpikingNetwork,
    best: _Best,
    parameters: Parameters,
    seed: int,
    data: Dataset,
    run_time: float,
    spikes_per_neuron: float,
) -> Outcome:
    """Score the last and the best weights, over every sample of each part."""
    size = parameters.batch_size
    last_test = evaluate(network, data.test, size)
    network.load_state_dict(best.weights)
    test = evaluate(network, data.test, size)
    metrics = {
        "test_accuracy": last_test.accuracy,
        "best_epoch": float(best.epoch),
        "best_train_accuracy": evaluate(network, data.train, size).accuracy,
        "best_valid_accuracy": best.valid_accuracy,  # over every sample, when its epoch ended
        "best_test_accuracy": test.accuracy,
        "run_time_s": run_time,
    }
    return Outcome(
        "finished",
        metrics,
        activity=activity_tag(spikes_per_neuron, data.nb_steps, parameters.reset),
        model={
            "weights": best.weights,
            "network": asdict(network.settings),
            "parameters": parameters.model_dump(),
            "seed": seed,
            "data": data.fingerprint,
        },
        evidence=evidence.collect(network, data.test, test.predictions),
    )
