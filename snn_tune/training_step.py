"""An optimiser step on a batch, and an epoch of them."""

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.events import EventBatch
from snn_tune.parameters import Parameters
from snn_tune.snn import Scores, train_step
from snn_tune.snn.cuda_graph import recorded


class TrainingStep:
    """One optimiser step on one batch."""

    def __init__(self, network: nn.Module, parameters: Parameters, data: Dataset, graph: bool = False) -> None:
        self.network, self.parameters = network, parameters
        optimizer = {"adamax": torch.optim.Adamax, "adam": torch.optim.Adam}[parameters.optimizer]
        self.optimizer = optimizer(network.parameters(), lr=parameters.lr, betas=(0.9, parameters.adam_beta2))
        # Not `else self`: what refers to itself keeps its weights until Python looks for such rings, many trials later.
        self.recorded = recorded(self, network, self.optimizer, parameters.batch_size) if graph else None
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

    def run(self, *batch: Any, **rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The same, by the recording if there is one."""
        return (self.recorded or self)(*batch, **rng)

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


def train_epoch(step: TrainingStep, data: Dataset, seed: int, epoch: int) -> tuple[float, float, float]:
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
