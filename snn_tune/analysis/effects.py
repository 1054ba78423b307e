"""How much each parameter, and each interaction of several, matters for the validation accuracy."""

from dataclasses import dataclass
from math import nan, prod

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from snn_tune.analysis.cells import Axes, measured, scored
from snn_tune.analysis.importance import importances
from snn_tune.analysis.paired_tests import holm
from snn_tune.space import Space

Names = tuple[str, ...]
_CONSTANT = 1e-24  # variance of equal accuracies, which rounding may have left


@dataclass(frozen=True)
class Effect:
    """One parameter, an interaction of several, or (no names) what differs between the seeds of one combination.

    Attributes:
        share: of the variance, or of the importances; all shares add up to 1.
        p: that seeds alone would give this share or more, corrected after Holm; NaN where they cannot tell. See `_p`.
    """

    names: Names
    share: float
    p: float = nan

    @property
    def order(self) -> int:
        return len(self.names)

    @property
    def label(self) -> str:
        return " x ".join(self.names) or "seeds"


@dataclass(frozen=True)
class Effects:
    """What the shares are of, and the shares, the largest first.

    Attributes:
        kind: "variance": exact, of a full grid. "importance": Optuna's, of single parameters. "": none, see `label`.
        label: the same in words, for a heading.
        variance: of the validation accuracy, fractions squared; NaN of importances.
    """

    kind: str
    label: str
    effects: list[Effect]
    variance: float = nan


def effects(trials: pd.DataFrame, space: Space) -> Effects:
    """The exact decomposition where every combination of a grid has a score, else Optuna's importances.

    Args:
        trials: as of `optimum.optimum`; a row more for each seed.
        space: the parameters that vary.
    """
    known = measured(trials)
    usable = trials[((known["state"] == "finished") & known["valid_accuracy"].notna()).to_numpy()]
    if usable.empty:
        return Effects("", "no trial has finished with a validation accuracy yet", [])
    if space.is_grid and not any(axis.condition for axis in space.values()):
        axes = {name: list(axis.values) for name, axis in space.items()}
        cells = scored(trials, axes)
        if cells["cell"].nunique() == prod(map(len, axes.values())):
            return decomposition(cells, axes)
    if usable["best_valid_accuracy"].astype(float).var(ddof=0) < _CONSTANT or len(usable) < 2:
        return _nothing(len(usable), "trial")
    shares, label = importances(usable, space)
    return Effects("importance" if shares else "", label, [Effect((name,), share) for name, share in shares.items()])


def decomposition(cells: pd.DataFrame, axes: Axes) -> Effects:
    """The variance of the validation accuracy over a full grid, split exactly (functional ANOVA; Hoeffding 1948).

    The effect of a set of parameters is what remains of the mean over all others when the effects of all its subsets
    are taken off; on a full grid these are orthogonal, so that their variances add up to that of the cells' means, and
    with the variance between the seeds of a cell to that of a trial drawn at random: a cell, then a seed of it. With
    one seed its noise is in the interactions.

    Args:
        cells: as of `cells.scored`, at least one trial in each cell.
    """
    by_cell = cells.groupby("cell")["valid_accuracy"]
    parts = _parts(by_cell.mean().to_numpy().reshape([len(values) for values in axes.values()]), axes)
    del parts[()]  # the mean
    variances = {names: float((part**2).mean()) for names, part in parts.items()}
    noise = float(by_cell.var(ddof=0).mean())
    total = sum(variances.values()) + noise
    if total < _CONSTANT:
        return _nothing(by_cell.ngroups, "combination")
    p = _p(parts, cells, axes)
    found = [Effect(names, variance / total, p[names]) for names, variance in variances.items()]
    several = int(by_cell.size().max()) > 1
    found += [Effect((), noise / total)] if several else []
    label = f"shares of the variance of validation accuracy over all {by_cell.ngroups} combinations"
    return Effects("variance", label, sorted(found, key=lambda one: (-one.share, one.order)), total)


def _parts(means: np.ndarray, axes: Axes) -> dict[Names, np.ndarray]:
    """The effect of each set of parameters that vary; of the empty set the mean."""
    parts: dict[Names, np.ndarray] = {(): means}
    for axis, name in enumerate(axes):
        split: dict[Names, np.ndarray] = {}
        for names, part in parts.items():
            split[names] = part.mean(axis=axis, keepdims=True)
            if len(axes[name]) > 1:
                split[*names, name] = part - split[names]
        parts = split
    return parts


def _p(parts: dict[Names, np.ndarray], cells: pd.DataFrame, axes: Axes) -> dict[Names, float]:
    """Of each effect, by the F test against how it varies between seeds; NaN where they do not all have all cells.

    An analysis of variance with repeated measures: the cells of a seed have initial weights and order of the samples in
    common, so that what seeds differ by within a cell says little about the mean over cells.
    """
    by_seed = cells.pivot_table(index="seed", columns="cell", values="valid_accuracy")
    nb, shape = len(by_seed), [len(values) for values in axes.values()]
    if nb < 2 or by_seed.isna().any(axis=None):
        return dict.fromkeys(parts, nan)
    each = [_parts(one.reshape(shape), axes) for one in by_seed.to_numpy()]
    p = []
    for names, part in parts.items():
        between = sum(float(((one[names] - part) ** 2).sum()) for one in each)
        freedom = prod(len(axes[name]) - 1 for name in names)
        ratio = nb * (nb - 1) * float((part**2).sum()) / max(between, _CONSTANT)
        p.append(float(fdtrc(freedom, freedom * (nb - 1), ratio)))
    return dict(zip(parts, holm(p), strict=True))


def _nothing(how_many: int, what: str) -> Effects:
    same = f"all {how_many} {what}s have the same validation accuracy" if how_many > 1 else f"there is one {what}"
    return Effects("", f"nothing to explain: {same}", [], 0.0)
