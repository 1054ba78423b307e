"""For each parameter, mean accuracies and mean run time by its values (thesis, figures 13-26)."""

from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Panel
from matplotlib.ticker import MaxNLocator
from scipy.special import stdtrit

from snn_tune.analysis import words
from snn_tune.analysis.cells import ACCURACIES, TIME, Axes, by_draw, comparable, pairs
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.formats import number
from snn_tune.analysis.optimum import Optimum
from snn_tune.analysis.significance import Comparison

MEANS = (*ACCURACIES, TIME)
INTERVALS = (
    "Bars at means are 95 % intervals for comparing the values of a parameter with each other: what all values share "
    "under the same setting of the others is taken out (Cousineau 2005, Morey 2008)."
)


def draw(trials: pd.DataFrame, axes: Axes, found: Optimum, compared: dict[str, list[Comparison]]) -> list[Drawing]:
    """A figure for each parameter that varies and has at least two values with a score."""
    cells = comparable(trials, axes)
    drawings = []
    for name, values in axes.items():
        numbers = _numbers(cells, axes, name, found)
        if numbers["mean_valid_accuracy"].notna().sum() > 1:
            drawings.append(_draw(name, values, numbers, found, compared[name]))
    return drawings


def _numbers(cells: pd.DataFrame, axes: Axes, name: str, found: Optimum) -> pd.DataFrame:
    """A row for each value: the marginal means, and half the width of their 95 % intervals."""
    halves = {measure: _halves(cells, axes, name, measure) for measure in MEANS}
    rows = []
    for place, marginal in enumerate(found.marginals[name]):
        row: dict[str, Any] = {name: marginal.value, "nb_trials": marginal.scores.nb_trials}
        for measure in MEANS:
            row |= {f"mean_{measure}": getattr(marginal.scores, measure), f"half_{measure}": halves[measure][place]}
        rows.append(row)
    return pd.DataFrame(rows).astype({name: object})


def _halves(cells: pd.DataFrame, axes: Axes, name: str, measure: str) -> np.ndarray:
    """Half widths for means that are compared with each other: what all values of a block share is taken out.

    A block holds the trials that differ in this parameter alone. D. Cousineau, Tutor. Quant. Methods Psychol. 1, 42
    (2005), with R. Morey's correction, the same 4, 61 (2008).
    """
    nb_values = len(axes[name])
    whole = pairs(cells, name, axes, measure).dropna(axis="columns", how="all").dropna()
    if measure != TIME:
        whole = by_draw(whole)
    half = np.full(nb_values, nan)
    if len(whole) > 1 and whole.shape[1] > 1:
        within = whole.sub(whole.mean(axis=1), axis=0)
        correction = sqrt(whole.shape[1] / (whole.shape[1] - 1))
        standard_error = within.std(ddof=1) * correction / sqrt(len(whole))
        half[list(whole.columns)] = stdtrit(len(whole) - 1, 0.975) * standard_error
    return half


def _draw(name: str, values: list[Any], numbers: pd.DataFrame, found: Optimum, compared: list[Comparison]) -> Drawing:
    with style.styled():
        figure, (upper, lower) = style.panels(style.HALF, 3.9, 2, sharex=True, height_ratios=[1.55, 1])
        for part, shift in zip(style.PARTS, (-0.13, 0.0, 0.13), strict=True):
            _series(upper, numbers, f"{part}_accuracy", *style.PARTS[part], shift, 100, style.PART_NAMES[part])
        upper.set_ylabel("mean accuracy, %")
        upper.legend(loc="lower right", bbox_to_anchor=(1.01, 0.98), ncols=3, columnspacing=1, handletextpad=0.2)
        upper.set_ylim(top=min(upper.get_ylim()[1], 100.5))
        _series(lower, numbers, "run_time_s", style.GREEN, "D", 0.0, 1, "run time")
        lower.set_ylabel("mean run time, s")
        lower.set_xlabel(name)
        lower.set_ylim(bottom=0)
        lower.yaxis.set_major_locator(MaxNLocator(4))
        texts = list(map(number, values))
        lower.set_xticks(range(len(values)), texts, rotation=30 if sum(map(len, texts)) > 40 else 0)
        lower.set_xlim(-0.5, len(values) - 0.5)
        figure.align_ylabels()
    chosen = found.chosen.parameters[name] if found.chosen else None
    alt = f"Mean train, validation and test accuracy, and below mean run time, at each value of {name}, with intervals."
    says = words.marginal(name, found.marginals[name], compared, chosen)
    return Drawing(f"mean_by_{name}", f"Mean by {name}", alt, figure, numbers, says)


def _series(
    panel: Panel, numbers: pd.DataFrame, measure: str, colour: str, marker: str, shift: float, unit: float, label: str
) -> None:
    places = np.arange(len(numbers)) + shift
    mean, half = (unit * numbers[f"{of}_{measure}"].to_numpy(float) for of in ("mean", "half"))
    ran = np.isfinite(mean)
    if not ran.any():
        return
    upper = np.minimum(half, 100 - mean) if unit == 100 else half
    bars = np.nan_to_num(np.stack([half, upper]))[:, ran]
    panel.plot(places[ran], mean[ran], color=colour, lw=0.8, alpha=0.45)
    panel.errorbar(places[ran], mean[ran], bars, fmt=marker, color=colour, elinewidth=1.3, capsize=2.5, label=label)
