"""Learning curves: the best, the median and the worst trial, before those of all."""

import json
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator
from mlflow.entities import Metric

from snn_tune.analysis import words
from snn_tune.analysis.figures import style
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.formats import percent
from snn_tune.analysis.trials import StudyTrials
from snn_tune.tracking.store import Store
from snn_tune.wording import count

MOST = 150  # curves of all trials that are drawn, evenly over the ranks
POINTS = 100  # of each of them, at most
COLOURS = {"best": style.BLUE, "median": style.GREEN, "worst": style.VERMILION}


def draw(trials: StudyTrials, store: Store) -> Drawing | None:
    """None where no trial has finished with a score.

    Raises:
        UserError: the store does not answer.
    """
    ranked = _ranked(trials.frame)
    if ranked.empty:
        return None
    three = _three(ranked)
    numbers = pd.concat([_logged(word, row, trials, store) for word, row in three.items()], ignore_index=True)
    shown = ranked.iloc[np.unique(np.linspace(0, len(ranked) - 1, min(MOST, len(ranked))).astype(int))]
    faint = [history for key in shown["key"] if (history := _thin(_history(trials, key)))]
    with style.styled():
        figure, (left, right) = style.panels(style.WIDE, 3.5, 1, 2, sharey=True)
        left.add_collection(LineCollection(faint, colors=style.FAINT, linewidths=0.6, alpha=0.35))
        for word, curve in numbers.groupby("trial", sort=False):
            colour, epoch = COLOURS[str(word)], curve["epoch"]
            for panel in (left, right):
                panel.plot(epoch, 100 * curve["valid_accuracy"], color=colour, label=str(word), zorder=3)
            right.plot(epoch, 100 * curve["train_accuracy"], color=colour, ls=(0, (4, 2)), lw=1.2)
        left.set_title("validation")
        right.set_title("validation (solid) and train (dashed)")
        left.set_ylabel("accuracy, %")
        left.legend(loc="lower right", bbox_to_anchor=(1.01, 0.99), ncols=3, columnspacing=1.2)
        for panel in (left, right):
            panel.set_xlabel("epoch")
            panel.margins(x=0.02)
            panel.autoscale_view()
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    says = _says(ranked, three, len(faint))
    alt = "Accuracy by epoch of the best, the median and the worst trial, and the validation curves of the others."
    return Drawing("learning_curves", "Learning curves", alt, figure, numbers, says, wide=True)


def drawn(trials: StudyTrials) -> list[str]:
    """Runs of the trials whose curves are read from the store: the best, the median, the worst."""
    return [trials.run_ids[row["key"]] for row in _three(_ranked(trials.frame)).values()]


def _three(ranked: pd.DataFrame) -> dict[str, pd.Series]:
    places = {"best": 0, "median": (len(ranked) - 1) // 2, "worst": len(ranked) - 1}
    return {word: ranked.iloc[place] for word, place in places.items() if place > 0 or (word == "best" and len(ranked))}


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        return frame
    finished = frame[(frame["state"] == "finished") & np.isfinite(frame["best_valid_accuracy"])]
    return finished.sort_values(["best_valid_accuracy", "key"], ascending=[False, True])


def _logged(word: str, row: pd.Series, trials: StudyTrials, store: Store) -> pd.DataFrame:
    """Columns trial, key, epoch, train_accuracy, valid_accuracy, as the trial logged them."""
    key = row["key"]
    history: list[Metric] = store.ask(store.client.get_metric_history, trials.run_ids[key], "train_accuracy")
    train = pd.Series({one.step: one.value for one in history}, dtype=float)
    valid = pd.Series(dict(enumerate(_history(trials, key), 1)), dtype=float)
    curves = pd.DataFrame({"train_accuracy": train, "valid_accuracy": valid}).rename_axis("epoch").reset_index()
    return curves.assign(trial=word, key=key)[["trial", "key", "epoch", "train_accuracy", "valid_accuracy"]]


def _history(trials: StudyTrials, key: str) -> list[float]:
    return [float(value) for value in json.loads(trials.histories.get(key, "[]"))]


def _thin(history: list[float]) -> list[tuple[int, float]]:
    every = ceil(len(history) / POINTS) or 1
    kept = [(epoch, 100 * value) for epoch, value in enumerate(history, 1)]
    return kept[::every] + ([kept[-1]] if len(kept) % every != 1 and every > 1 else [])


def _says(ranked: pd.DataFrame, three: dict[str, pd.Series], nb_shown: int) -> str:
    parts = [
        f"the {word} reaches {percent(row['best_valid_accuracy'])} % in epoch {row['best_epoch']:.0f}"
        for word, row in three.items()
    ]
    text = f"Of {count(len(ranked), 'finished trial')} by validation accuracy, {words.listed(parts)}."
    if nb_shown < len(ranked):
        text += f" The faint curves are {nb_shown} of them, evenly over the ranks."
    return text
