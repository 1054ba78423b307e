"""Seconds for a sample, by the code that trains and scores in a study."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from snn_tune import training
from snn_tune.course import Trained
from snn_tune.datasets.dataset import Dataset
from snn_tune.errors import UserError
from snn_tune.parameters import Parameters
from snn_tune.training import Outcome
from snn_tune.trial import Epoch

PASSES = 3  # at least
STILL = 1e-9  # learning rate: the network stays as it starts, and a cost never depends on what it learned


@dataclass(frozen=True)
class Cost:
    """Medians over so many passes.

    Attributes:
        train_s, score_s: seconds for each sample, in training (a whole optimiser step) and in scoring.
    """

    train_s: float
    score_s: float
    passes: int


def cost(
    parameters: Parameters,
    data: Dataset,
    kernel: str,
    device: str,
    seconds: float,
    ready: Callable[[], object] = lambda: None,
) -> Cost:
    """Train for at least so many seconds, over and over the same few batches.

    Args:
        ready: called between the first pass, which compiles and warms up, and those that count.
    """
    endless = parameters.model_copy(update={"nb_epochs": 1_000_000_000, "lr": STILL})
    epochs = training.fit(endless, 0, data, device=device, kernel=kernel)
    _next(epochs)
    ready()
    train: list[float] = []
    score: list[float] = []
    end = time.perf_counter() + seconds
    while len(train) < PASSES or time.perf_counter() < end:
        started = time.perf_counter()
        train_s = _next(epochs).metrics["epoch_time_s"]
        score.append((time.perf_counter() - started - train_s) / len(data.valid))
        train.append(train_s / len(data.train))
    return Cost(median(train), median(score), len(train))


def _next(epochs: Iterator[Trained | Outcome]) -> Epoch:
    result = next(epochs)
    if isinstance(result, Outcome):
        raise UserError(f"the network diverges as it starts ({result.reason}): its cost cannot be measured")
    return result.epoch
