"""What the figures show, in sentences made from their numbers."""

from collections.abc import Iterable
from math import isnan
from typing import Any

import pandas as pd

from snn_tune.analysis.effects import Effects
from snn_tune.analysis.formats import number, p_value, percent, seconds
from snn_tune.analysis.optimum import Marginal
from snn_tune.analysis.significance import ALPHA, Comparison
from snn_tune.study import Study
from snn_tune.wording import count


def listed(words: Iterable[Any]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = [str(word) for word in words] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def marginal(name: str, marginals: list[Marginal], compared: list[Comparison], chosen: Any) -> str:
    """The best value, what differs from it by more than noise and what does not, and what the run time does."""
    ran = [one for one in marginals if not isnan(one.scores.valid_accuracy)]
    best = max(ran, key=lambda one: one.scores.valid_accuracy)
    others = sorted((one for one in compared if one.value != one.best and one.nb_pairs), key=lambda one: one.worse_by)
    text = f"{name} {number(best.value)} has the best mean validation accuracy, {percent(best.scores.valid_accuracy)} %"
    apart = {one: f"{number(one.value)} ({100 * one.worse_by:.2f} points)" for one in others}
    noise = [apart[one] for one in others if not one.is_real and one.can_tell]
    unknown = [apart[one] for one in others if not one.is_real and not one.can_tell]
    real = [_worse(one) for one in others if one.is_real]
    text += f"; {listed(real)}" if real else ""
    text += f"; the difference to {listed(noise)} may be noise" if noise else ""
    text += f"; with so few pairs the difference to {listed(unknown)} cannot be told from noise" if unknown else ""
    return f"{text}. {_run_times(ran)}{_chosen(name, chosen, best.value)}".strip()


def effects(found: Effects) -> str:
    """What matters most, how much of it is interaction, and what may be noise."""
    first = found.effects[0]
    text = f"Shares are {found.label.removeprefix('shares ')}. " if found.kind == "variance" else f"{found.label}. "
    if found.kind != "variance":
        return f"{text}The largest is {first.label}'s, {100 * first.share:.1f} %."
    alone = sum(one.share for one in found.effects if one.order == 1)
    pairs = [one for one in found.effects if one.order == 2]
    higher = sum(one.share for one in found.effects if one.order > 2)
    text += f"{first.label} has the largest, {100 * first.share:.1f} %. The parameters alone make {100 * alone:.1f} %"
    if pairs:
        text += f", pairs {100 * sum(one.share for one in pairs):.1f} % (most of all {pairs[0].label})"
    text += f", interactions of three or more {100 * higher:.1f} %" if higher else ""
    seeds = [one.share for one in found.effects if one.order == 0]
    if not seeds:
        return f"{text}. With one seed, what differs between seeds is in the interactions."
    noise = [one.label for one in found.effects if one.order and one.p >= ALPHA]
    text += f", seeds {100 * seeds[0]:.1f} %"
    if any(one.order and isnan(one.p) for one in found.effects):
        return f"{text}. What seeds alone may explain could not be tested."
    return f"{text}. Seeds alone may explain {listed(noise)}." if noise else f"{text}."


def _worse(one: Comparison) -> str:
    return f"{number(one.value)} is {100 * one.worse_by:.2f} points worse (p {p_value(one.corrected)})"


def _run_times(ran: list[Marginal]) -> str:
    timed = [one for one in ran if one.scores.run_time_s > 0]
    if len(timed) < 2:
        return ""
    fast = min(timed, key=lambda one: one.scores.run_time_s)
    slow = max(timed, key=lambda one: one.scores.run_time_s)
    ratio = slow.scores.run_time_s / fast.scores.run_time_s
    if ratio < 1.1:
        return "The run time hardly depends on it. "
    return (
        f"The mean run time goes from {seconds(fast.scores.run_time_s)} at {number(fast.value)} to "
        f"{seconds(slow.scores.run_time_s)} at {number(slow.value)}, {ratio:.1f} times as long. "
    )


def _chosen(name: str, chosen: Any, best: Any) -> str:
    return "" if chosen is None or chosen == best else f"{number(chosen)} is chosen, as the faster of equals."


def lead(study: Study, frame: pd.DataFrame, best_key: str, samples: dict[str, int]) -> str:
    """The result in a sentence."""
    nb_finished = int((frame["state"] == "finished").sum()) if len(frame) else 0
    if not best_key:
        return f"No trial has finished with a validation accuracy yet, of {count(len(frame), 'trial')}."
    best = frame[frame["key"] == best_key].iloc[0]
    varied = study.space.those_that_count({name: best[name] for name in study.space})
    values = listed(f"{name} {number(value)}" for name, value in varied.items())
    scores = [
        f"{percent(best[f'best_{part}_accuracy'])} % of {count(samples[f'nb_{part}'], what)}"
        for part, what in (("valid", "validation sample"), ("test", "test sample"))
        if not isnan(best[f"best_{part}_accuracy"])
    ]
    which = f"The best of {count(nb_finished, 'trained network')}" if nb_finished > 1 else "The one trained network"
    return f"{which}{', with ' + values + ',' if values else ''} reads {listed(scores)} right."


def states(frame: pd.DataFrame) -> str:
    """How many trials are in which state; none is left out."""
    counts = frame["state"].value_counts()
    parts = [f"{nb:,} {state}" for state, nb in counts.items()]
    activity = frame.loc[frame["state"] == "finished", "activity"].value_counts()
    quiet = [f"{nb:,} of the finished {'are' if nb > 1 else 'is'} {what}" for what, nb in activity.items() if what]
    return f"{count(len(frame), 'trial')}: {'; '.join([listed(parts), *quiet])}."
