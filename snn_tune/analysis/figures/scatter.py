"""Accuracy, run time and spikes of all combinations at once, and those that none beats in all three."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Panel

from snn_tune.analysis import words
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.formats import percent, seconds
from snn_tune.analysis.pareto import Front
from snn_tune.wording import count

MOST_VECTORS = 2000  # combinations; more are drawn as an image, those of the front still as points
AGAINST = {"run_time_s": "run time, s", "spikes_per_neuron": "spikes of a unit in a sample"}


def draw(found: Front) -> Drawing | None:
    """Validation accuracy against run time, and against spikes; None without a combination that has them."""
    against = {column: label for column, label in AGAINST.items() if column in found.objectives}
    if found.points.empty or not against:
        return None
    with style.styled():
        figure, two = style.panels(style.WIDE, 3.6, 1, len(against), sharey=True)
        for panel, (column, label) in zip(two, against.items(), strict=True):
            _scatter(panel, found.points, column, label)
        two[0].set_ylabel("validation accuracy, %")
        two[0].legend(loc="lower right", bbox_to_anchor=(1.01, 0.99), ncols=2, handletextpad=0.2)
    alt = f"Validation accuracy of every combination against {words.listed(AGAINST.values())}; the front is marked."
    title = "Accuracy, run time, spikes"
    return Drawing("pareto", title, alt, figure, found.points, _says(found, list(against)), wide=True)


def _scatter(panel: Panel, points: pd.DataFrame, column: str, label: str) -> None:
    x, y = points[column].to_numpy(float), 100 * points["valid_accuracy"].to_numpy(float)
    best, few = points["on_front"].to_numpy(bool), len(x) <= MOST_VECTORS
    faint = panel.plot(x[~best], y[~best], "o", color=style.FAINT, alpha=0.6, ms=4, mew=0, label="combination")
    faint[0].set_rasterized(not few)
    panel.plot(x[best], y[best], "D", color=style.VERMILION, ms=5.5, label="Pareto front")
    style.spread(panel, x)
    panel.set_xlabel(label)


def _says(found: Front, against: list[str]) -> str:
    points, front = found.points, found.front
    nb_front, of_all = f"{len(front):,}", count(len(points), "combination")
    objectives = words.listed(_NAMES[name] for name in found.objectives)
    text = (
        f"The Pareto front has {nb_front} of {of_all}: no other is at least as good in {objectives}, and better in one"
    )
    ends = {"most accurate": 0} | {_ENDS[name]: int(np.argmin(front[name])) for name in against}
    told = [f"the {word} has {_measures(front.iloc[place])}" for word, place in ends.items()]
    left = f" Left out: {count(found.nb_left_out, 'combination')} without them all." if found.nb_left_out else ""
    return f"{text}. Of these {'; '.join(told)}.{left}"


_NAMES = {"valid_accuracy": "accuracy", "run_time_s": "run time", "spikes_per_neuron": "spikes"}
_ENDS = {"run_time_s": "fastest", "spikes_per_neuron": "most sparing"}


def _measures(row: pd.Series) -> str:
    parts = [f"{percent(row['valid_accuracy'])} %"]
    parts += [f"in {seconds(row['run_time_s'])}"] if "run_time_s" in row else []
    parts += [f"with {row['spikes_per_neuron']:.3g} spikes a unit"] if "spikes_per_neuron" in row else []
    return " ".join(parts)
