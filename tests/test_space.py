"""The search space: one syntax in study files and after --set, and the combinations that it stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import study

from snn_tune.axis import Choice, Range, axis, typed
from snn_tune.errors import UserError
from snn_tune.sampler import Sampler
from snn_tune.study_tables import override

WIDE = {
    "nb_hidden": "int(5, 50)",
    "lr": "loguniform(1e-3, 1e-1)",
    "recurrent": [True, False],
    "init_scale_recurrent": "loguniform(0.02, 1.0) if recurrent = true",
}


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ([1, 2], Choice((1, 2))),
        ("uniform(0, 0.5)", Range(0.0, 0.5)),
        ("loguniform(1e-4,1e-2)", Range(1e-4, 1e-2, log=True)),
        ("int(50, 400)", Range(50, 400, step=1)),
        ("int(76, 230, 76)", Range(76, 228, step=76)),
        ("[1, 2] if recurrent = true", Choice((1, 2))),
        ([[200, 100], [50]], Choice(((200, 100), (50,)))),
    ],
)
def test_each_way_to_write_an_axis(written: object, what: Choice | Range) -> None:
    assert axis("x", written).what == what


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50,100", [50, 100]),
        ("zero, subtract", ["zero", "subtract"]),
        ("true,false", [True, False]),
        ("[200,100],50", [[200, 100], 50]),
        ("loguniform(1e-4,1e-2)", "loguniform(1e-4,1e-2)"),
        ("0.1,0.5 if recurrent=true", "[0.1,0.5] if recurrent=true"),
    ],
)
def test_the_command_line_says_the_same(text: str, written: object) -> None:
    assert typed(text) == written
    assert axis("x", typed(text)).what == axis("x", written).what


@given(st.text(max_size=40) | st.sampled_from(["int(1)", "uniform(2,1)", "int(1.5,2)", "loguniform(0,1)", "a(1,2)"]))
def test_whatever_is_written_is_an_axis_or_one_line(text: str) -> None:
    try:
        axis("x", typed(text) if text.strip() else text)
    except UserError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said


def test_a_condition_leaves_out_what_does_not_count() -> None:
    axes = {"recurrent": [True, False], "init_scale_recurrent": "[0.1, 0.5] if recurrent = true"}
    cells = study(grid={"nb_hidden": [5]} | axes)
    found = [(cell.recurrent, cell.init_scale_recurrent) for cell in cells.cells() if cell.nb_steps == 20]
    assert found == [(True, 0.1), (True, 0.5), (False, 0.2)]


@given(st.integers(0, 1000))
def test_what_is_sampled_lies_in_the_space(seed: int) -> None:
    wide = override(study(base={"lr": 2.0}), WIDE, search={"method": "random", "seed": seed})
    cell = Sampler(wide).ask()
    place = wide.space.place(cell.model_dump())
    assert place is not None
    assert ("init_scale_recurrent" in place) == cell.recurrent
    assert wide.parameters(place) == cell
    outside = cell.model_copy(update={"batch_size": cell.batch_size + 1})
    assert wide.space.place(outside.model_dump()) is None


@pytest.mark.parametrize(
    ("axes", "search", "message"),
    [
        ({"lr": "loguniform(1e-3, 1e-1)"}, {}, "[space] lr = loguniform(1e-3, 1e-1): a grid needs a list of values"),
        ({"nb_hidden": "uniform(1, 5)"}, {"method": "random"}, "[space] nb_hidden = 1.0: should be a valid integer"),
        ({"nb_hidden": "int(0, 5)"}, {"method": "random"}, "[space] nb_hidden = 0: should be greater than 0"),
        ({"lr": "loguni(1, 2)"}, {"method": "random"}, "must be a list with at least one value, or uniform(a, b)"),
        ({"init_scale": "[1.0] if recurent = true"}, {}, "no parameter recurent (did you mean 'recurrent'?)"),
        ({"lr": "[1.0] if recurrent = true"}, {}, "has no default for where the condition does not hold"),
        ({"nb_steps": "int(10, 90)"}, {"method": "optuna"}, "at most 16"),
        (
            {"init_scale": "[0.1] if init_fan = in", "init_fan": "[in, out] if init_scale = 0.1"},
            {},
            "the conditions ask for each other",
        ),
        (
            {},
            {"objectives": ["speed:max"]},
            "[search] objectives = ['speed:max']: must be NAME:max",
        ),
        ({}, {"time_budget": "soon"}, "[search] time_budget = 'soon': must be a number above 0 with s, min, h or d"),
        ({}, {"samples": 0}, "[search] samples = 0: should be greater than 0"),
        ({}, {"sampels": 3}, "[search] sampels: unknown (did you mean 'samples'?)"),
    ],
)
def test_what_cannot_be_searched_is_one_line(axes: dict, search: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        override(study(), axes, search=search)
    assert message in str(error.value)


def test_another_number_of_samples_is_the_same_search() -> None:
    one = override(study(), WIDE, search={"method": "optuna", "samples": 5})
    assert one.search_mark == override(one, {}, search={"samples": 9, "time_budget": "2h"}).search_mark
    assert one.search_mark != override(one, {}, search={"method": "random"}).search_mark
    assert one.search_mark != override(one, {"lr": [0.1, 0.2]}).search_mark
