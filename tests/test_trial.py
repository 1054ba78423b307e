from math import exp

import pytest

from snn_tune.errors import UserError
from snn_tune.parameters import Parameters, decays
from snn_tune.snn.kernels import Shape
from snn_tune.trial import Trial
from snn_tune.validation import validate

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


def built(**changes: object) -> Parameters:
    return validate(Parameters, PARAMETERS.model_dump() | changes, "grid")


def test_two_ways_to_write_the_same_layers_are_one_trial() -> None:
    keys = {Trial(built(**each), 0, "data").key for each in ({"nb_hidden": [5, 5]}, {"nb_layers": 2})}
    assert len(keys) == 1
    others = [{"nb_hidden": [5, 6]}, {"nb_hidden": [6, 5]}, {"nb_layers": 3}, {"nb_hidden": 10}, {}]
    assert len(keys | {Trial(built(**each), 0, "data").key for each in others}) == 6


def test_sizes_of_layers_are_a_value_that_can_be_written_and_read_back() -> None:
    several = built(nb_hidden=[200, 100])
    assert hash(several) == hash(built(nb_hidden=(200, 100)))
    assert several.model_dump()["nb_hidden"] == several.hidden == (200, 100)
    assert Parameters.model_validate_json(several.model_dump_json()) == several
    assert several.shape == Shape((200, 100), True)
    assert built(nb_layers=2, dropout=0.1).shape == Shape((5, 5), True, dropout=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nb_hidden": [200]}, "[grid] nb_hidden = [200]: a list has the units of each of several layers; write those"),
        ({"nb_hidden": [200, 0]}, "[grid] nb_hidden = 0: should be greater than 0"),
        ({"nb_hidden": [200, [100]]}, "[grid] nb_hidden = [100]: should be a valid integer"),
        ({"nb_hidden": [200, 100], "nb_layers": 2}, "[grid] nb_layers = 2: nb_hidden = [200, 100] has the layers"),
        ({"nb_layers": 0}, "[grid] nb_layers = 0: should be greater than 0"),
        ({"dropout": 1.0}, "[grid] dropout = 1.0: should be less than 1"),
        (
            {"time_constants": "draw"},
            "[grid] time_constants = 'draw': should be 'shared', 'drawn' or 'trained' (did you mean 'drawn'?)",
        ),
        *[
            ({"precision": "truncated"} | deep, "[grid] precision = 'truncated': must be 'exact' with several hidden")
            for deep in ({"nb_layers": 2}, {"nb_hidden": [2, 3]}, {"dropout": 0.1}, {"time_constants": "drawn"})
        ],
    ],
)
def test_layers_that_cannot_be_are_refused_in_one_line(changes: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        built(**changes)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
