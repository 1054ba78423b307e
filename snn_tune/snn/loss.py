"""The classification loss (thesis, equation 15)."""

from torch import Tensor
from torch.nn import functional


def weighted_nll(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None = None, whole: Tensor | None = None
) -> Tensor:
    """Mean over the batch of `-w[label] log_softmax(logits)[label]`, divided by the batch's mean weight.

    Args:
        logits: (B, O).
        labels: (B,), classes as int64.
        class_weights: (O,), or None for equal weights.
        whole: the labels of the batch, where these are of a micro-batch: what it adds to the batch's loss.

    Returns:
        A scalar.
    """
    total = functional.nll_loss(functional.log_softmax(logits, dim=1), labels, weight=class_weights, reduction="sum")
    whole = labels if whole is None else whole
    return total / (len(whole) if class_weights is None else class_weights[whole].sum())
