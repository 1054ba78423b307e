"""Claims: what can be written, and what is refused with a line that says how."""

import pytest

from snn_tune.claim import Claim, place
from snn_tune.errors import UserError
from snn_tune.validation import validate


def claim(order: str, of: str = "accuracy") -> Claim:
    return validate(Claim, {"says": "so", "of": of, "order": order}, "thesis")


def test_an_order_has_a_parameter_and_its_values() -> None:
    one = claim("nb_hidden: 150 > 100 > 50")
    assert (one.parameter, one.values, one.alike, one.level) == ("nb_hidden", [150, 100, 50], False, None)
    assert one.measures == ("train_accuracy", "test_accuracy")
    assert claim("scale: 80 = 100", "run_time").alike
    assert claim("scale: 80=100", "run_time").measures == ("run_time_s",)
    level = claim("regularizer: 1e-4 is 10 %", "test_accuracy")
    assert (level.values, level.level, level.measures) == ([1e-4], 0.1, ("test_accuracy",))


@pytest.mark.parametrize(
    "order", ["", "nb_hidden", "nb_hidden: 5", "nb_hiden: 5 > 4", "scale: 5 > 4 = 3", "scale: 5 >", "scale: 5 is 10"]
)
def test_what_cannot_be_read_is_refused(order: str) -> None:
    with pytest.raises(UserError, match=r"^\[thesis\] order = '.*': must be a parameter and its values: NAME: A > B"):
        claim(order)


def test_a_value_that_is_no_number_is_named() -> None:
    with pytest.raises(UserError, match="scale: fast > 4.*could not convert string to float: 'fast'"):
        claim("scale: fast > 4")


def test_values_are_found_by_their_number() -> None:
    assert place([80.0, 100.0], 100) == 1
    assert place([1e-6, 1e-5], 1e-5) == 1
    assert place([(100, 50), "in", 100], 100) == 2
    assert place([1, 2], 3) is None
