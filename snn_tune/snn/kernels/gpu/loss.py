"""What the loss adds up, and its gradient; PyTorch, on whatever device the tensors are."""

import torch
from torch import Tensor
from torch.nn import functional


def share(labels: Tensor, class_weights: Tensor | None) -> Tensor:
    """What each sample's nll counts in the batch's weighted mean, (B,)."""
    if class_weights is None:
        return torch.full((len(labels),), 1 / len(labels), device=labels.device)
    weights = class_weights[labels]
    return weights / weights.sum()


def nll(logits: Tensor, labels: Tensor) -> Tensor:
    """-log_softmax(logits)[label] of each sample, (B,)."""
    return functional.cross_entropy(logits, labels, reduction="none")


def nll_back(logits: Tensor, labels: Tensor, share: Tensor) -> Tensor:
    """Gradient of the mean nll, (B, O): share (softmax - 1 at the label).

    What the label's probability lacks is summed from the others': the small difference from 1 that is left to learn.
    """
    label = labels[:, None]
    others = torch.softmax(logits, dim=1).scatter(1, label, 0.0)
    return share[:, None] * others.scatter(1, label, -others.sum(1, keepdim=True))


def penalty(counts: Tensor, strength: float, reduction: str, nb_samples: int) -> Tensor:
    """`snn_tune.snn.spike_penalty`, a scalar, from the spikes of each unit over batch and steps, (H,) float64."""
    if reduction == "mean":
        return strength * counts.mean() / nb_samples
    squares = counts.square().mean() if reduction == "sum_l2" else 0.0
    return strength * (counts.sum() + squares)


def penalty_back(counts: Tensor, strength: float, reduction: str, nb_samples: int) -> Tensor:
    """Gradient of the penalty by a spike of each unit, (H,) float32."""
    if reduction == "mean":
        return torch.full_like(counts, strength / (nb_samples * len(counts)), dtype=torch.float32)
    if reduction == "sum":
        return torch.full_like(counts, strength, dtype=torch.float32)
    return (strength * (1.0 + 2.0 * counts / len(counts))).float()
