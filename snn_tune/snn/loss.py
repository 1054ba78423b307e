"""The classification loss (thesis, equation 15)."""

from torch import Tensor
from torch.nn import functional


def weighted_nll(logits: Tensor, labels: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean over the batch of `-w[label] log_softmax(logits)[label]`, divided by the batch's mean weight.

    Args:
        logits: (B, O).
        labels: (B,), classes as int64.
        class_weights: (O,), or None for equal weights.

    Returns:
        A scalar.
    """
    return functional.nll_loss(functional.log_softmax(logits, dim=1), labels, weight=class_weights)
