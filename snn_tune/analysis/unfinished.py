"""The trials that did not end as they should, and those that ended silent or saturated, by name."""

import pandas as pd

from snn_tune.analysis.cells import measured
from snn_tune.analysis.formats import number

SHOWN = 3  # of each kind; trials.csv has all
STATES = ("failed", "diverged", "pruned", "interrupted")


def listed(trials: pd.DataFrame, names: list[str]) -> list[str]:
    """A line for each kind that there is: the combinations with their reasons, the first few of many.

    Args:
        trials: state, the parameters, and if there are any activity, reason and seed.
        names: the parameters that vary.
    """
    if trials.empty:
        return []
    known = measured(trials).assign(reason=trials.reindex(columns=["reason"])["reason"].fillna("").to_numpy())
    known[names] = trials[names].to_numpy(dtype=object)
    finished = known[known["state"] == "finished"]
    lines = [_line(state, known[known["state"] == state], names) for state in STATES]
    lines += [_of_activity(activity, finished, names) for activity in ("silent", "saturated")]
    return [line for line in lines if line]


def _of_activity(activity: str, finished: pd.DataFrame, names: list[str]) -> str:
    """By the values with which all are so, and the others by name."""
    is_so = finished["activity"] == activity
    always = []
    rest = is_so.copy()
    for name in names:
        by_value = is_so.groupby(finished[name], sort=False)
        so = by_value.all() & (by_value.size() > 1)
        for value in so.index[so] if not so.all() else ():
            here = finished[name] == value
            always.append(f"all {here.sum()} with {name} {number(value)}")
            rest &= ~here
    others = _line("", finished[rest], names).removeprefix(": ")
    return f"{activity}: {'; '.join([*always, *([others] if others else [])])}" if is_so.any() else ""


def _line(what: str, those: pd.DataFrame, names: list[str]) -> str:
    if those.empty:
        return ""
    several = those["seed"].nunique() > 1
    each = []
    for _, trial in those[:SHOWN].iterrows():
        text = " ".join(f"{name}={number(trial[name])}" for name in names) or "the combination"
        seed = f" seed={trial['seed']}" if several else ""
        each.append(text + seed + (f" ({trial['reason']})" if trial["reason"] else ""))
    more = f", and {len(those) - SHOWN} more (trials.csv)" if len(those) > SHOWN else ""
    return f"{what}: {', '.join(each)}{more}"
