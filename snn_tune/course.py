"""A training up to now, and going on from there: an interrupted one ends as if nothing had happened, bit for bit."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from snn_tune.trial import Epoch

State = dict[str, Any]  # of tensors, numbers and text in plain containers alone, so that reading it runs no code


@dataclass(frozen=True)
class Trained:
    """An epoch, and the means to go on from it.

    Attributes:
        snapshot: gives a copy of the training as it is when this is called, for `fit` to start from.
    """

    epoch: Epoch
    snapshot: Callable[[], State]


class Course:
    """The epochs of a training, the best of them with its weights, and all that it takes to go on.

    Besides weights and optimiser that is nothing: no draw depends on an earlier one, no schedule on nb_epochs.

    Args:
        start: a snapshot; the network and the optimiser are put where it was taken.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer, start: State | None) -> None:
        self.network, self.optimizer = network, optimizer
        self.epochs: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_weights: dict[str, Tensor] = {}
        self.run_time = 0.0
        if start is not None:
            self._restore(start)

    def add(self, epoch: Epoch) -> Trained:
        """An epoch has ended, with the network as it is."""
        self._count(epoch)
        if self.best is epoch:
            self.best_weights = _copy(self.network.state_dict())
        return Trained(epoch, self.snapshot)

    def snapshot(self) -> State:
        """Epochs as dictionaries, weights, state of the optimiser, and the best epoch's weights."""
        state = {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "weights": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best_weights": self.best_weights,
        }
        return _copy(state)

    def _restore(self, start: State) -> None:
        for epoch in start["epochs"]:
            self._count(Epoch(**epoch))
        self.network.load_state_dict(start["weights"])
        self.optimizer.load_state_dict(_copy(start["optimizer"]))  # which would take the tensors, not copy them
        self.best_weights = start["best_weights"]

    def _count(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)
        self.run_time += epoch.metrics["epoch_time_s"]
        if self.best is None or _rank(epoch) > _rank(self.best):
            self.best = epoch


def _rank(epoch: Epoch) -> tuple[float, float]:
    """The best epoch has the highest validation accuracy, then the lowest loss; of equals it is the earliest."""
    return epoch.metrics["valid_accuracy"], -epoch.metrics["valid_loss"]


def _copy(value: Any) -> Any:
    """Containers as they are, tensors on the CPU: a GPU that is almost full has no room for them."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
