"""Optuna's importances: what can be said of the parameters where not every combination was tried."""

import warnings

import pandas as pd

from snn_tune.space import Space

FEWEST = 10  # trials: below that the best tenth is not even one
_SURE = 50  # Optuna's documentation asks for five trials in the best tenth


def importances(trials: pd.DataFrame, space: Space) -> tuple[dict[str, float], str]:
    """Share of each parameter, the largest first, equals in the space's order; they add up to 1. And what they are.

    PED-ANOVA (Watanabe et al. 2023), Optuna's default: how much the values of a parameter in the best tenth of the
    trials differ from those in all of them. It holds for any set of trials, conditional parameters too, but tells
    neither interactions nor shares of variance, and cannot be compared with those.

    Args:
        trials: finished ones, `best_valid_accuracy` finite, and a column for each parameter; others are left out.
    """
    import optuna  # takes a second, which a full grid need not wait for
    from optuna.importance import get_param_importances
    from optuna.trial import create_trial

    from snn_tune.sampler import distribution, inside

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler())
    kinds = {name: distribution(one) for name, one in space.items()}
    for record in trials.to_dict("records"):
        values = {str(name): value for name, value in record.items()}
        chosen = space.those_that_count(values)
        if all(value in space[name].what for name, value in chosen.items()):
            places = {name: inside(space[name], value) for name, value in chosen.items()}
            of_these = {name: kinds[name] for name in chosen}
            study.add_trial(
                create_trial(params=places, distributions=of_these, value=float(values["best_valid_accuracy"]))
            )
    nb = len(study.get_trials(deepcopy=False))
    if nb < FEWEST:
        return {}, f"too few trials for importances: {nb} of the space have finished, {FEWEST} are needed"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is said in the label
        shares = get_param_importances(study)
    few = f"; uncertain: the best tenth are {-(-nb // 10)} trials" if nb < _SURE else ""
    label = f"Optuna's importances (PED-ANOVA) from {nb} trials, not all combinations: no shares of variance{few}"
    ranked = sorted((name for name in space if name in shares), key=lambda name: -shares[name])
    return {name: float(shares[name]) for name in ranked}, label
