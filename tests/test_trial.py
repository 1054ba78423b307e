from math import exp

import pytest

from snn_tune.trial import Parameters, Trial, decays

PARAMETERS = Parameters(
    nb_hidden=5, nb_steps=20, scale=10, regularizer=0, lr=1e-3, nb_epochs=3, batch_size=10, tau_mem=1e-2, tau_syn=5e-3
)
TRIAL = Trial(PARAMETERS, 0, "data")


def other(name: str) -> object:
    """Another value of the same type."""
    value = getattr(PARAMETERS, name)
    return not value if isinstance(value, bool) else value + "x" if isinstance(value, str) else value + 1


def test_everything_that_decides_the_result_is_in_the_key() -> None:
    others = [
        Trial(PARAMETERS, 1, "data"),
        Trial(PARAMETERS, 0, "other data"),
        *(Trial(PARAMETERS.model_copy(update={name: other(name)}), 0, "data") for name in Parameters.model_fields),
    ]
    assert len({trial.key for trial in [TRIAL, *others]}) == len(others) + 1


def test_an_integer_and_its_float_are_one_trial() -> None:
    assert Trial(PARAMETERS.model_validate(PARAMETERS.model_dump() | {"scale": 10.0}), 0, "data").key == TRIAL.key


def test_lineage_is_the_key_without_epochs() -> None:
    longer = Trial(PARAMETERS.model_copy(update={"nb_epochs": 9}), 0, "data")
    assert longer.key != TRIAL.key
    assert longer.lineage == TRIAL.lineage
    assert TRIAL.lineage != Trial(PARAMETERS, 1, "data").lineage


def test_keys_stay_what_they_are() -> None:
    """A key that changes orphans every result in every store: raise MODEL_VERSION knowingly, and then this."""
    assert TRIAL.key == "1d5c8ec95c7c94199749"


def test_decays_of_a_frame_cut_in_two() -> None:
    assert decays(PARAMETERS, 2) == pytest.approx((exp(-0.1), exp(-0.05)))
