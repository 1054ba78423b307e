"""The course of a search, and where in its space the good trials lie."""

from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Panel
from matplotlib.ticker import MaxNLocator

from snn_tune.analysis import words
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.formats import number, percent
from snn_tune.axis import Axis, Range
from snn_tune.study import Study
from snn_tune.wording import count

MOST_VECTORS = 2000  # trials; more are drawn as an image
MOST_TICKS = 6  # of a list of values


def course(trials: pd.DataFrame) -> Drawing | None:
    """Validation accuracy of each trial in the order of the proposals, and the best so far."""
    score = _score(trials)
    if not score.notna().any():
        return None
    best = score.cummax().ffill()
    numbers = pd.DataFrame({"sample": 1 + score.index, "best_valid_accuracy": score, "best_so_far": best})
    with style.styled():
        figure, (panel,) = style.panels(style.WIDE, 3.0)
        sample, many = numbers["sample"], len(score) > MOST_VECTORS
        panel.plot(sample, 100 * score, "o", color=style.FAINT, ms=4.5, mew=0, label="trial", rasterized=many)
        panel.plot(sample, 100 * best, color=style.BLUE, drawstyle="steps-post", label="best so far")
        panel.set_xlabel("trial, in the order of the proposals")
        panel.set_ylabel("validation accuracy, %")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.legend(loc="lower right", bbox_to_anchor=(1.01, 0.99), ncols=2)
    first = int(np.nanargmax(score))
    says = (
        f"The best of {count(int(score.notna().sum()), 'finished trial')}, {percent(best.iloc[-1])} %, "
        f"was proposed as number {first + 1} of {len(score):,}."
    )
    alt = "Validation accuracy of each trial in the order of the proposals, and the best so far as a line."
    return Drawing("course", "Course of the search", alt, figure, numbers, says, wide=True)


def slices(trials: pd.DataFrame, study: Study) -> Drawing | None:
    """Validation accuracy against each parameter that varies; of trials in which it counts."""
    score = _score(trials)
    names = [name for name in study.space if name in trials.columns]
    if not names or score.notna().sum() < 2:
        return None
    chosen = [study.space.those_that_count(dict(row)) for _, row in trials.iterrows()]
    counting = {name: pd.Series([name in one for one in chosen], index=trials.index) for name in names}
    columns = 4 if len(names) in (4, 8) else min(3, len(names))
    rows = ceil(len(names) / columns)
    with style.styled():
        figure, panels = style.panels(style.WIDE, 0.4 + 2.2 * rows, rows, columns, sharey=True)
        for panel, name in zip(panels, names, strict=False):
            shown = score.notna() & counting[name]
            values = trials.loc[shown, name]
            x = _places(study.space[name], values, panel)
            panel.plot(
                x,
                100 * score[shown],
                "o",
                color=style.BLUE,
                ms=4,
                mew=0,
                alpha=0.6,
                rasterized=len(values) > MOST_VECTORS,
            )
            panel.set_xlabel(name)
        for panel in panels[len(names) :]:
            panel.remove()
        for panel in panels[::columns]:
            panel.set_ylabel("validation, %")
    numbers = trials.loc[score.notna(), ["key", *names, "best_valid_accuracy"]]
    top = trials.loc[score.nlargest(max(len(numbers) // 10, 2)).index]
    those = {name: top.loc[counting[name][top.index], name] for name in names}
    parts = [f"{name} {_range(values)}" for name, values in those.items() if len(values)]
    says = f"The best {count(len(top), 'trial')} of {len(numbers):,} have {words.listed(parts)}."
    alt = f"Validation accuracy of each finished trial against {words.listed(names)}."
    return Drawing("slices", "Where the good trials lie", alt, figure, numbers, says, wide=True)


def _score(trials: pd.DataFrame) -> pd.Series:
    if trials.empty:
        return pd.Series(dtype=float)
    score = trials["best_valid_accuracy"].astype(float)
    return score.where((trials["state"] == "finished") & np.isfinite(score))


def _is_number(values: pd.Series) -> bool:
    return all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values)


def _places(axis: Axis, values: pd.Series, panel: Panel) -> list[float]:
    """Numbers of a range as they are, logarithmic where it is; the values of a list side by side."""
    if isinstance(axis.what, Range):
        if axis.what.log and len(values):
            style.spread(panel, values)
        return [float(value) for value in values]
    listed = list(axis.what.values)
    every = range(0, len(listed), ceil(len(listed) / MOST_TICKS))
    panel.set_xticks(list(every), [number(listed[place]) for place in every])
    panel.set_xlim(-0.5, len(listed) - 0.5)
    return [float(listed.index(value)) for value in values]


def _range(values: pd.Series) -> str:
    if _is_number(values):
        low, high = number(min(values)), number(max(values))
        return low if low == high else f"{low} to {high}"
    return " or ".join(sorted({number(value) for value in values}))
