"""How an axis is written: in a file and after --set alike, and one line for whatever is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import study

from snn_tune.axis import Choice, Range, axis, typed
from snn_tune.errors import UserError
from snn_tune.run_options import parse_axes
from snn_tune.study_tables import override

floats = st.floats(1e-9, 1e9)
values = st.one_of(st.integers(-(10**9), 10**9), floats, st.booleans(), st.sampled_from(["zero", "subtract"]))
lists = st.lists(values, min_size=1, max_size=5)


@st.composite
def ranges(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["uniform", "loguniform", "int"]))
    numbers = sorted(
        draw(st.lists(st.integers(1, 10**6) if kind == "int" else floats, min_size=2, max_size=2, unique=True))
    )
    step = [draw(st.integers(1, 100))] if kind == "int" and draw(st.booleans()) else []
    return f"{kind}({draw(st.sampled_from([',', ', ', ' , '])).join(map(repr, [*numbers, *step]))})"


def bare(value: Any) -> str:
    """As it is typed."""
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else repr(value)


def quoted(value: Any) -> str:
    """As TOML has it."""
    return f'"{value}"' if isinstance(value, str) else bare(value)


@given(lists, st.none() | lists)
def test_a_list_is_the_same_in_a_file_and_typed(what: list[Any], condition: list[Any] | None) -> None:
    in_file: Any = what
    text = ",".join(map(bare, what))
    if condition is not None:
        in_file = f"[{', '.join(map(quoted, what))}] if other = {', '.join(map(bare, condition))}"
        text += f" if other = {','.join(map(quoted, condition))}"
    found = axis("name", in_file)
    assert found.what == Choice(tuple(what))
    assert found.condition == (("other", tuple(condition)) if condition is not None else None)
    again = axis("name", typed(text))
    assert (again.what, again.condition) == (found.what, found.condition)
    assert [type(one) for one in again.values] == list(map(type, what))


@given(ranges(), st.none() | lists)
def test_a_range_is_the_same_in_a_file_and_typed(text: str, condition: list[Any] | None) -> None:
    text += f" if other = {', '.join(map(bare, condition))}" if condition else ""
    assert axis("name", typed(text)) == axis("name", text)
    found = axis("name", text).what
    assert isinstance(found, Range)
    assert all(end in found for end in found.ends())
    if found.step:
        assert all(value in found for value in axis("name", text).values[:50])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("int(50, 400)", Range(50, 400, step=1)),
        ("int(76, 230, 76)", Range(76, 228, step=76)),
        ("uniform(0, 1)", Range(0.0, 1.0)),
        ("loguniform( 1e-4 , 1e-2 )", Range(1e-4, 1e-2, log=True)),
    ],
)
def test_ranges(text: str, what: Range) -> None:
    assert axis("name", text).what == what


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([], "must be a list with at least one value, or uniform(a, b)"),
        (5, "must be a list"),
        ({"a": 1}, "must be a list"),
        ("[]", "must be a list"),
        ("[1, 2", "must be a list"),
        ("1, 2", "must be a list"),
        ("fast", "must be a list"),
        ("uniform(1, 2", "must be a list"),
        ("normal(1, 2)", "must be a list"),
        ("uniform(1, 2) if", "must be a list"),
        ("uniform(1, 2)if a = 1", "must be a list"),
        ("uniform()", "must be uniform(a, b) of two numbers"),
        ("uniform(1)", "must be uniform(a, b) of two numbers"),
        ("uniform(1, 2, 3)", "must be uniform(a, b) of two numbers"),
        ("uniform(a, b)", "must be uniform(a, b) of two numbers"),
        ("uniform(0, inf)", "must be uniform(a, b) of two numbers"),
        ("uniform(nan, 1)", "must be uniform(a, b) of two numbers"),
        ("uniform(true, false)", "must be uniform(a, b) of two numbers"),
        ("int(1.5, 3)", "must be int(a, b) of two whole numbers"),
        ("int(1, 2, 3, 4)", "must be int(a, b) of two whole numbers"),
        ("int(1, 1" + "0" * 400 + ")", "must be int(a, b) of two whole numbers"),
        ("uniform(2, 1)", "must have a below b"),
        ("uniform(1, 1)", "must have a below b"),
        ("loguniform(0, 1)", "must have a above 0, a below b"),
        ("int(1, 5, 0)", "must have a below b, and a step of 1 or more"),
    ],
)
def test_what_is_no_axis_is_said_in_one_line(written: Any, message: str) -> None:
    with pytest.raises(UserError) as error:
        axis("lr", written)
    assert message in str(error.value)
    assert str(error.value).startswith("lr = ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["5]#", "5 # 7", "[5", "5]", "5] if [", "5\n6", "5\nx = 6", "'5", "{a = 5}", "(5)"])
def test_no_more_of_toml_than_values_is_understood(text: str) -> None:
    with pytest.raises(UserError) as error:
        override(study(), parse_axes([f"nb_hidden={text}"]))
    assert "nb_hidden" in str(error.value)


signs = st.text("0123456789.,()[]{}'\"#=\\-+_ \t\nabefnitrulogscz", max_size=30)
like_axes = st.lists(st.sampled_from(["int(", "uniform(", "loguniform(", "1", "20", "5e-1", ",", ")", " if ", "reset",
    "=", "zero", "[", "]", "nan", "true", " "]), max_size=12).map("".join)  # fmt: skip


@given(st.sampled_from(["nb_hidden", "init_scale", "reset", "recurrent"]), signs | like_axes | st.text(max_size=20))
def test_whatever_is_typed_is_an_axis_or_one_line(name: str, text: str) -> None:
    said = ""
    try:
        override(study(), parse_axes([f"{name}={text}"]), search={"method": "random"}).probes()
    except UserError as error:
        said = str(error)
    assert said.count("\n") <= text.count("\n")
    assert not said or name in said
