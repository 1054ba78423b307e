"""What the best network took each class of the test part for."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Panel
from numpy.typing import NDArray

from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing

MOST_COUNTED = 12  # classes whose counts are written into the map


def draw(confusion: NDArray[np.int64]) -> Drawing:
    """confusion: (classes, classes) counts, true class by predicted class."""
    nb_classes = len(confusion)
    of_class = confusion.sum(axis=1)
    share = _percent(confusion, of_class[:, None])
    with style.styled():
        figure, (left, right) = style.panels(style.WIDE, 3.9, 1, 2, width_ratios=[1.25, 1])
        image = left.pcolormesh(_seen(share, confusion), cmap=style.MAP, vmin=0, vmax=100)
        figure.colorbar(image, ax=left, label="% of the true class", shrink=0.85)
        left.grid(False)
        left.spines[:].set_visible(True)
        left.set(xlim=(0, nb_classes), ylim=(nb_classes, 0), aspect="equal")
        left.set(xlabel="predicted class", ylabel="true class")
        if nb_classes <= MOST_COUNTED:
            _write_counts(left, confusion, share)
        places = np.arange(nb_classes) + 0.5
        right.plot(np.diag(share), places - 0.13, "s", color=style.BLUE, label="recall")
        precision = _percent(np.diag(confusion), confusion.sum(axis=0))
        right.plot(precision, places + 0.13, "o", color=style.ORANGE, label="precision")
        right.set(xlim=(min(right.get_xlim()[0], 90), 101), ylim=(nb_classes, 0), xlabel="%", ylabel="class")
        right.legend(loc="lower right", bbox_to_anchor=(1.01, 0.99), ncols=2, columnspacing=1, handletextpad=0.2)
        every = range(0, nb_classes, 1 if nb_classes <= MOST_COUNTED else -(-nb_classes // 10))
        for axis in (left.xaxis, left.yaxis, right.yaxis):
            axis.set_ticks([one + 0.5 for one in every], list(map(str, every)))
    true, predicted = np.indices(confusion.shape)
    numbers = pd.DataFrame({"true": true.ravel(), "predicted": predicted.ravel(), "count": confusion.ravel()})
    alt = f"Confusion matrix, {nb_classes} true classes by {nb_classes} predicted ones."
    return Drawing("confusion", "Confusion on the test part", alt, figure, numbers, _says(confusion), wide=True)


def _percent(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """NaN of nothing."""
    return np.divide(100.0 * part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _seen(share: NDArray[np.float64], confusion: NDArray[np.int64]) -> np.ma.MaskedArray:
    """What never happened has the page's colour."""
    return np.ma.masked_where(confusion == 0, share)


def _write_counts(panel: Panel, confusion: NDArray[np.int64], share: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            colour = "#000000" if share[row, column] > 55 else "#ffffff"
            panel.text(column + 0.5, row + 0.5, str(count), ha="center", va="center", color=colour, fontsize=8)


def _says(confusion: NDArray[np.int64]) -> str:
    total, right = int(confusion.sum()), int(np.trace(confusion))
    wrong = confusion - np.diag(np.diag(confusion))
    text = f"The best network reads {right:,} of {total:,} test samples right ({100 * right / max(total, 1):.2f} %)"
    if not wrong.any():
        return f"{text}."
    true, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    most = wrong[true, predicted]
    return (
        f"{text}. Its most frequent error is class {true} read as {predicted}: {most:,} of {confusion[true].sum():,} "
        f"samples of that class. {int((wrong.sum(axis=1) == 0).sum())} of {len(confusion)} classes have no error."
    )
