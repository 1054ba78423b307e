"""Mean validation accuracy by the values of two parameters at once, for the pairs that interact most."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Panel

from snn_tune.analysis import words
from snn_tune.analysis.cells import Axes, scored
from snn_tune.analysis.effects import Effect
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.formats import number

MOST_WRITTEN = 36  # cells whose means are written into a map


def draw(trials: pd.DataFrame, axes: Axes, pairs: list[Effect]) -> Drawing:
    """A map for each pair, all of one scale."""
    cells = scored(trials, axes)
    maps = {pair.names: _means(cells, axes, *pair.names) for pair in pairs}
    every = np.concatenate([means.ravel() for means in maps.values()])
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    with style.styled():
        figure, panels = style.panels(style.WIDE, 3.0, 1, len(maps))
        for panel, (pair, means) in zip(panels, maps.items(), strict=True):
            _map(panel, axes, pair, means, low, high)
        figure.colorbar(panels[-1].collections[0], ax=panels, label="mean validation accuracy, %", pad=0.01)
    rows = [
        {"row": a, "row_value": axes[a][i], "column": b, "column_value": axes[b][j], "mean_valid_accuracy": mean / 100}
        for (a, b), means in maps.items()
        for (i, j), mean in np.ndenumerate(means)
    ]
    alt = "Maps of mean validation accuracy: " + "; ".join(f"{a} by {b}" for a, b in maps) + "."
    numbers = pd.DataFrame(rows, dtype=object)
    says = _says(pairs)
    return Drawing("interactions", "Interactions", alt, figure, numbers, says, wide=True)


def _means(cells: pd.DataFrame, axes: Axes, rows: str, columns: str) -> np.ndarray:
    table = cells.pivot_table(index=rows, columns=columns, values="valid_accuracy")
    return 100 * table.reindex(index=range(len(axes[rows])), columns=range(len(axes[columns]))).to_numpy(float)


def _says(pairs: list[Effect]) -> str:
    """Without interactions the maps would be sums of a row's part and a column's."""
    told = [f"{one.label} with {100 * one.share:.1f} % of the variance" for one in pairs]
    kind = "The strongest interaction of two is" if len(pairs) == 1 else "The strongest interactions of two are"
    return f"{kind} {words.listed(told)}. Without them each map would be a part for its row plus one for its column."


def _map(panel: Panel, axes: Axes, pair: tuple[str, ...], means: np.ndarray, low: float, high: float) -> None:
    panel.grid(False)
    panel.pcolormesh(np.ma.masked_invalid(means), cmap=style.MAP, vmin=low, vmax=max(high, low + 0.01))
    for name, axis in zip(pair, (panel.yaxis, panel.xaxis), strict=True):
        values = axes[name]
        every = range(0, len(values), -(-len(values) // 10))
        axis.set_ticks([one + 0.5 for one in every], [number(values[one]) for one in every])
    panel.set_ylabel(pair[0])
    panel.set_xlabel(pair[1])
    if means.size > MOST_WRITTEN:
        return
    for (row, column), mean in np.ndenumerate(means):
        if np.isfinite(mean):
            colour = "#000000" if mean - low > 0.55 * (high - low) else "#ffffff"
            panel.text(column + 0.5, row + 0.5, f"{mean:.1f}", ha="center", va="center", color=colour, fontsize=8.5)
