"""Fit one network: plain PyTorch, without Ray or MLflow. A result for each epoch, then the outcome."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import isfinite
from typing import Any

from numpy.typing import NDArray
from torch import nn

from snn_tune import evidence
from snn_tune.course import Course, State, Trained
from snn_tune.datasets.dataset import Dataset
from snn_tune.network_settings import network_settings
from snn_tune.parameters import Parameters
from snn_tune.scoring import activity_tag, evaluate
from snn_tune.snn import SpikingNetwork
from snn_tune.training_step import TrainingStep, train_epoch
from snn_tune.trial import Epoch

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
    step = TrainingStep(trained, parameters, data, graph)
    course = Course(trained, step.optimizer, start)
    if len(course.epochs) > parameters.nb_epochs:
        raise ValueError(f"start: has {len(course.epochs)} epochs, more than nb_epochs = {parameters.nb_epochs}")
    yield from [Trained(epoch, course.snapshot) for epoch in course.epochs]
    for epoch in range(len(course.epochs) + 1, parameters.nb_epochs + 1):
        train_accuracy, train_loss, epoch_time = train_epoch(step, data, seed, epoch)
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


def compile_kernel(parameters: Parameters, data: Dataset, kernel: str) -> None:
    """Have all code compiled that training on this data needs, so that trials find it on disk.

    Always what computes a network of one layer by one call: `is_compiled` asks for that.
    """
    one = {"nb_hidden": parameters.hidden[0], "nb_layers": 1, "dropout": 0.0, "time_constants": "shared"}
    few = replace(data.train, samples=data.train.samples[:1], labels=data.train.labels[:1])
    for each in dict.fromkeys([parameters.model_copy(update=one), parameters]):
        network = SpikingNetwork(network_settings(each, data), kernel=kernel)
        TrainingStep(network, each, data)
        evaluate(network, few, batch_size=1)


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
