"""Claims: what can be written, and what is refused with a line that says how."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_tune.claim import Claim, Relation, parsed
from snn_tune.errors import UserError
from snn_tune.validation import validate


def claim(order: str, of: str = "accuracy") -> Claim:
    return validate(Claim, {"says": "so", "of": of, "order": order}, "thesis.claims")


def test_an_order_has_a_parameter_and_what_is_said_of_its_values() -> None:
    one = claim("nb_hidden: 150 > 100 > 50")
    assert one.parameter == "nb_hidden"
    assert one.relations == [Relation(150, 100, True), Relation(100, 50, True)]
    assert one.measures == ("train_accuracy", "test_accuracy")
    (level,) = claim("regularizer: 1e-4 is 10 %", "test_accuracy").relations
    assert (level.first, level.second, level.level) == (1e-4, None, 0.1)
    assert claim("scale: 20 > 10, 20>30").relations == [Relation(20, 10, True), Relation(20, 30, True)]
    assert claim("scale: 80=100", "run_time").measures == ("run_time_s",)


def test_of_values_that_are_alike_any_two_are() -> None:
    told = {(one.first, one.second) for one in claim("scale: 10 = 20 = 30").relations}
    assert told == {(10, 20), (10, 30), (20, 30)}


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=6, unique=True), st.sampled_from([" > ", "=", ">"]))
def test_what_is_written_is_read(values: list[float], sign: str) -> None:
    name, relations = parsed("scale: " + sign.join(map(repr, values)))
    assert name == "scale"
    assert [relations[0].first, relations[0].second] == values[:2]
    assert {value for one in relations for value in (one.first, one.second)} == set(values)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("", "must be NAME: A > B > C"),
        ("nb_hidden", "must be NAME: A > B > C"),
        ("nb_hidden: 5", "must be NAME: A > B > C"),
        ("nb_hidden: 5 > 5", "each value once"),
        ("nb_hidden: 10 > 5 > 10", "each value once"),
        ("nb_hiden: 5 > 4", "there is no parameter nb_hiden"),
        ("scale: 5 > 4 = 3", "'4 = 3' is no number"),
        ("scale: 5 >", "'' is no number"),
        ("scale: nan > 4", "'nan' is no number"),
        ("scale: fast > 4", "'fast' is no number"),
        ("scale: 5 is 10", "'5 is 10' is no number"),
        ("scale: 5 > 4 is 10 %", "'5 > 4' is no number"),
    ],
)
def test_what_cannot_be_read_is_refused(order: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^\[thesis.claims\] order = '.*': .*{message}"):
        claim(order)


def test_a_run_time_has_no_level() -> None:
    with pytest.raises(UserError, match="a level is an accuracy, not a run time"):
        claim("scale: 5 is 10 %", "run_time")
