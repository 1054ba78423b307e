"""Where `training.fit` spends its time: a clock that is always on exactly one part of it."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch

import torch

from snn_tune import training, training_step
from snn_tune.datasets.dataset import Part
from snn_tune.snn.kernels.cpu import entries
from snn_tune.training import Outcome

START = "start: network, optimiser, first step"
COMPILED, STEP, OPTIMISER = "training step: compiled code", "training step: around it", "optimiser"
FEEDING, PASS, VALIDATION, EPOCH = "data feeding", "rest of the training pass", "validation", "rest of the epoch"
REPORTING, SCORING = "reporting epochs to Ray", "final scoring, evidence"
PER_TRIAL = (START, SCORING)  # the others are of each epoch


class Stopwatch:
    """Attributes: seconds: by part, each without the parts inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.parts, self.since = [START], time.perf_counter()

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        self._lap()
        self.parts.append(part)
        try:
            yield
        finally:
            self._lap()
            self.parts.pop()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with the clock on its part; whatever a trial does at its start or end is of that part."""

        def run(*args: Any, **kwargs: Any) -> Any:
            if part == PASS and self.parts == [START]:
                self._lap()
                self.parts = [EPOCH]
            with self.on(self.parts[-1] if self.parts[-1] in PER_TRIAL else part):
                return function(*args, **kwargs)

        return run

    def fed(self, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The generator function with the clock on feeding while it makes the next item."""

        def run(*args: Any, **kwargs: Any) -> Iterator[Any]:
            following = self.timed(FEEDING, iter(function(*args, **kwargs)).__next__)
            with suppress(StopIteration):
                while True:
                    yield following()

        return run

    def _lap(self) -> None:
        now = time.perf_counter()
        self.seconds[self.parts[-1]] += now - self.since
        self.since = now


def fit(record: Callable[[dict[str, Any]], None], *args: Any, **kwargs: Any) -> Iterator[Any]:
    """`training.fit`; before its outcome it tells when it ran, where, and how long it was in each part."""
    began, watch = time.time(), Stopwatch()
    spots = [
        (training, "_outcome", SCORING),
        (training, "train_epoch", PASS),
        (training, "evaluate", VALIDATION),
        (training_step, "train_step", STEP),
        (torch.optim.Adamax, "step", OPTIMISER),
        (entries, "train", COMPILED),
        (entries, "train_analog", COMPILED),
    ]
    with ExitStack() as stack:
        for owner, name, part in spots:
            stack.enter_context(patch.object(owner, name, watch.timed(part, getattr(owner, name))))
        stack.enter_context(patch.object(Part, "batches", watch.fed(Part.batches)))
        for result in training.fit(*args, **kwargs):
            if isinstance(result, Outcome):
                with watch.on(SCORING):
                    record({"pid": os.getpid(), "began": began, "ended": time.time(), "parts": dict(watch.seconds)})
                yield result
                return
            with watch.on(REPORTING):
                yield result
