"""Fit one network: plain PyTorch, without Ray or MLflow. A result for each epoch, then the outcome."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn_tune import evidence
from snn_tune.course import Course, State, Trained
from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.events import EventBatch
from snn_tune.scoring import activity_tag, evaluate
from snn_tune.snn import NetworkSettings, Scores, SpikingNetwork, train_step
from snn_tune.snn.cuda_graph import recorded
from snn_tune.trial import Epoch, Parameters

MODEL_FORMAT = 2  # of what `Outcome.model` holds; before it had a number, it lacked how its input was made


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: "finished"; or "diverged", with the reason.
        metrics: run_time_s; if finished also test_accuracy (last weights), best_epoch and best_*_accuracy.
        activity: "silent", "saturated" or "".
        model: the best weights, and all that it takes to classify with them; `snn_tune.model` reads it.
        evidence: what the report draws, see `evidence.collect`.
    """

    state: str
    metrics: dict[str, float]
    reason: str = ""
    activity: str = ""
    model: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, NDArray[Any]] = field(default_factory=dict)


def fit(
    parameters: Parameters,
    seed: int,
    data: Dataset,
    *,
    device: str = "cpu",
    kernel: str = "auto",
    graph: bool = False,
    start: State | None = None,
    network: Callable[..., nn.Module] | None = None,
) -> Iterator[Trained | Outcome]:
    """Train a network, an epoch at each `next`, and score it.

    The same arguments give the same numbers bit for bit on one machine, kernel and thread count, whatever ran before
    in the process: each random draw has a generator of its own.

    Args:
        seed: draws the initial weights; with the epoch the order of the samples, with the batch whom dropout silences.
        graph: replay the step of full batches, see `cuda_graph.recorded`.
        start: a snapshot of the same lineage. What is yielded is the same as without it, the epochs that it holds
            too, but those are not trained again.
        network: makes one of the caller's own: called with `NetworkSettings` and `seed=`, returns a module whose
            forward takes a batch (and, with dropout, a generator while it trains) and returns an `Activity`.

    Yields:
        A `Trained` for each epoch, then one `Outcome`.

    Raises:
        ValueError: `start` has more epochs than the parameters ask for.
    """
    make = network or partial(SpikingNetwork, kernel=kernel)
    trained = make(network_settings(parameters, data), seed=seed).to(device)
    data = data.to(device)
    step = _Step(trained, parameters, data, graph)
    course = Course(trained, step.optimizer, start)
    if len(course.epochs) > parameters.nb_epochs:
        raise ValueError(f"start: has {len(course.epochs)} epochs, more than nb_epochs = {parameters.nb_epochs}")
    yield from [Trained(epoch, course.snapshot) for epoch in course.epochs]
    for epoch in range(len(course.epochs) + 1, parameters.nb_epochs + 1):
        train_accuracy, train_loss, epoch_time = _train(step, data, seed, epoch)
        valid = evaluate(trained, data.valid, parameters.batch_size)
        if reason := divergence(trained, train_loss, valid.loss):
            yield Outcome("diverged", {"run_time_s": course.run_time + epoch_time}, f"{reason} in epoch {epoch}")
            return
        metrics = {
            "train_accuracy": train_accuracy,
            "train_loss": train_loss,
            "valid_accuracy": valid.accuracy,
            "valid_loss": valid.loss,
            "spikes_per_neuron": valid.spikes_per_neuron,
            "epoch_time_s": epoch_time,
        }
        yield course.add(Epoch(epoch, metrics))
    yield _outcome(trained, course, parameters, seed, data)


def network_settings(parameters: Parameters, data: Dataset) -> NetworkSettings:
    """The network that these parameters mean on this data."""
    return settings_for(parameters, data.nb_inputs, data.nb_classes, data.repeats if data.analog else 0)


def settings_for(parameters: Parameters, nb_inputs: int, nb_classes: int, repeats: int) -> NetworkSettings:
    """The same; repeats: steps for each frame of analog channels, 0 for events."""
    own = {"nb_inputs", "nb_classes", "dt", "units_per_channel"}
    shared = NetworkSettings.__dataclass_fields__.keys() - own
    return NetworkSettings(
        nb_inputs=nb_inputs,
        nb_classes=nb_classes,
        dt=parameters.dt / max(repeats, 1),
        units_per_channel=parameters.units_per_channel if repeats else 0,
        **parameters.model_dump(include=set(shared)),
    )


def compile_kernel(parameters: Parameters, data: Dataset, kernel: str) -> None:
    """Have all code compiled that training on this data needs, so that trials find it on disk.

    Always what computes a network of one layer by one call: `is_compiled` asks for that.
    """
    one = {"nb_hidden": parameters.hidden[0], "nb_layers": 1, "dropout": 0.0, "time_constants": "shared"}
    few = replace(data.train, samples=data.train.samples[:1], labels=data.train.labels[:1])
    for each in dict.fromkeys([parameters.model_copy(update=one), parameters]):
        network = SpikingNetwork(network_settings(each, data), kernel=kernel)
        _Step(network, each, data)
        evaluate(network, few, batch_size=1)


class _Step:
    """One optimiser step on one batch."""

    def __init__(self, network: nn.Module, parameters: Parameters, data: Dataset, graph: bool = False) -> None:
        self.network, self.parameters = network, parameters
        optimizer = {"adamax": torch.optim.Adamax, "adam": torch.optim.Adam}[parameters.optimizer]
        self.optimizer = optimizer(network.parameters(), lr=parameters.lr, betas=(0.9, parameters.adam_beta2))
        self.run = recorded(self, network, self.optimizer, parameters.batch_size) if graph else self
        self.class_weights = None
        if parameters.class_weights == "balanced":
            counts = torch.bincount(data.train.labels, minlength=data.nb_classes)
            self.class_weights = (len(data.train) / (data.nb_classes * counts.clamp(min=1))).float()
        self.gradients(*next(data.train.batches(1)))  # compiles, or loads, what the first epoch would be timed with

    def __call__(
        self, inputs: EventBatch | Tensor, labels: Tensor, rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Number of samples classified right, and the sum of their losses (without class weights or penalty)."""
        scores = self.gradients(inputs, labels, rng)
        self.optimizer.step()
        return (scores.logits.argmax(dim=1) == labels).sum(), scores.nll.sum(dtype=torch.float64)

    def gradients(self, inputs: EventBatch | Tensor, labels: Tensor, rng: np.random.Generator | None = None) -> Scores:
        return train_step(
            self.network,
            inputs,
            labels,
            strength=self.parameters.regularizer,
            reduction=self.parameters.reduction,
            class_weights=self.class_weights,
            rng=rng,
        )


def _train(step: _Step, data: Dataset, seed: int, epoch: int) -> tuple[float, float, float]:
    """One pass over the training part: accuracy and mean loss as it trains, and seconds."""
    started = time.perf_counter()
    right = loss = torch.zeros((), dtype=torch.float64, device=data.train.labels.device)
    order = np.random.default_rng([seed, epoch]).permutation(len(data.train))
    for number, batch in enumerate(data.train.batches(step.parameters.batch_size, order), 1):
        # From 1: to NumPy a last 0 is as none, and the order of the samples would be drawn again.
        dropout = {"rng": np.random.default_rng([seed, epoch, number])} if step.parameters.dropout else {}
        batch_right, batch_loss = step.run(*batch, **dropout)
        right, loss = right + batch_right, loss + batch_loss
    nb_samples = len(data.train)
    return float(right) / nb_samples, float(loss) / nb_samples, time.perf_counter() - started


def divergence(network: nn.Module, train_loss: float, valid_loss: float) -> str:
    """What is not finite, or "". Weights too: a membrane that is no number never fires, and hides in a finite loss."""
    if not (isfinite(train_loss) and isfinite(valid_loss)):
        return f"loss not finite (train {train_loss}, validation {valid_loss})"
    names = [name for name, weights in network.named_parameters() if not weights.isfinite().all()]
    return f"weights not finite ({', '.join(names)})" if names else ""


def _outcome(network: nn.Module, course: Course, parameters: Parameters, seed: int, data: Dataset) -> Outcome:
    """Score the last and the best weights, over every sample of each part."""
    size, best = parameters.batch_size, course.best
    assert best is not None
    last_test = evaluate(network, data.test, size)
    network.load_state_dict(course.best_weights)
    test = evaluate(network, data.test, size)
    metrics = {
        "test_accuracy": last_test.accuracy,
        "best_epoch": float(best.epoch),
        "best_train_accuracy": evaluate(network, data.train, size).accuracy,
        "best_valid_accuracy": best.metrics["valid_accuracy"],  # over every sample, when its epoch ended
        "best_test_accuracy": test.accuracy,
        "run_time_s": course.run_time,
    }
    spikes_per_neuron = course.epochs[-1].metrics["spikes_per_neuron"]
    return Outcome(
        "finished",
        metrics,
        activity=activity_tag(spikes_per_neuron, data.nb_steps, parameters.reset),
        model={
            "format": MODEL_FORMAT,
            "weights": course.best_weights,
            "network": asdict(network_settings(parameters, data)),
            "own_network": "" if type(network) is SpikingNetwork else type(network).__qualname__,
            "parameters": parameters.model_dump(),
            "seed": seed,
            "data": data.fingerprint,
            "table": data.table,
            "measured": data.measured,
        },
        evidence=evidence.collect(network, data, test.predictions),
    )
