"""Which combinations a space has, and where the parameters of a trial lie in it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import TABLES

from snn_tune.axis import Choice, Range
from snn_tune.errors import UserError
from snn_tune.sampler import Sampler
from snn_tune.study import Study
from snn_tune.study_tables import build, override

AXES: dict[str, list[Any]] = {  # parameters with a default, and ways to vary them
    "recurrent": [[True, False], [False]],
    "reset": [["zero", "subtract"], ["subtract"]],
    "reduction": [["sum", "mean", "sum_l2"]],
    "init_scale": ["uniform(0.1, 1.0)", "loguniform(0.01, 1.0)", [0.1, 0.2, 0.4], "int(1, 3)"],
    "init_scale_recurrent": ["uniform(0.1, 0.3)", [0.2, 0.5]],
    "units_per_channel": ["int(8, 64)", "int(8, 64, 8)", [32, 16]],
    "adam_beta2": [[0.9, 0.99, 0.999]],
}
CONDITIONS = {"recurrent": ["true", "false"], "reset": ["zero", "subtract"], "reduction": ["sum", "mean, sum_l2"]}
NUMBERS: dict[str, list[Any]] = {"nb_hidden": [[5, 10], "int(5, 50)"], "scale": [[10.0, 20.0], "int(1, 100)"]}


def searched(space: dict[str, Any], method: str = "random", **settings: Any) -> Study:
    tables = {name: table for name, table in TABLES.items() if name != "grid"}
    tables["base"] = {"nb_hidden": 5, "nb_steps": 20} | tables["base"]
    tables["base"] = {name: value for name, value in tables["base"].items() if name not in space}
    return build("small", tables | {"space": space, "search": {"method": method, **settings}})


@st.composite
def spaces(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from([*AXES, *NUMBERS]), min_size=1, max_size=6, unique=True))
    space = {name: draw(st.sampled_from((AXES | NUMBERS)[name])) for name in names}
    for name in names:
        asked = draw(st.sampled_from([None, *CONDITIONS]))
        if asked and asked != name and name in AXES and draw(st.booleans()):
            what = space[name] if isinstance(space[name], str) else f"[{', '.join(map(str, space[name])).lower()}]"
            space[name] = f"{what} if {asked} = {draw(st.sampled_from(CONDITIONS[asked]))}"
    return space


@settings(max_examples=60, deadline=None)
@given(spaces(), st.sampled_from(["random", "optuna"]), st.integers(0, 3))
def test_what_is_sampled_lies_in_the_space_and_what_does_not_count_has_its_default(
    space: dict[str, Any], method: str, seed: int
) -> None:
    try:
        study = searched(space, method, seed=seed)
    except UserError as error:
        assert "ask for each other" in str(error)  # noqa: PT017
        return
    sampler, default = Sampler(study), searched({"nb_hidden": [5]}).probes()[0].model_dump()
    for _ in range(5):
        parameters = sampler.ask()
        values = parameters.model_dump()
        combination = study.space.place(values)
        assert combination is not None
        assert study.parameters(combination) == parameters
        for name, axis in study.space.items():
            counts = axis.condition is None or values[axis.condition[0]] in axis.condition[1]
            assert (name in combination) == counts
            assert values[name] in axis.what if counts else values[name] == default[name]
        if study.space.countable:
            assert parameters in study.cells()
        sampler.forget(parameters)


@settings(max_examples=60, deadline=None)
@given(spaces())
def test_all_combinations_are_there_once(space: dict[str, Any]) -> None:
    lists = {name: what for name, what in space.items() if "(" not in str(what)}
    try:
        study = searched(lists or {"nb_hidden": [5]}, "grid")
    except UserError as error:
        assert "ask for each other" in str(error)  # noqa: PT017
        return
    cells = study.cells()
    assert len(cells) == len(set(cells)) == len({trial.key for trial in study.trials("data")})
    assert [study.space.place(cell.model_dump()) for cell in cells] == study.space.combinations()
    assert build("small", study.tables()).cells() == cells


def test_conditions_leave_no_combination_twice() -> None:
    study = searched(
        {"recurrent": [True, False], "init_scale_recurrent": "[0.2, 0.5] if recurrent = true", "nb_hidden": [5, 10]},
        "grid",
    )
    assert study.space.combinations() == [
        {"recurrent": True, "init_scale_recurrent": 0.2, "nb_hidden": 5},
        {"recurrent": True, "init_scale_recurrent": 0.2, "nb_hidden": 10},
        {"recurrent": True, "init_scale_recurrent": 0.5, "nb_hidden": 5},
        {"recurrent": True, "init_scale_recurrent": 0.5, "nb_hidden": 10},
        {"recurrent": False, "nb_hidden": 5},
        {"recurrent": False, "nb_hidden": 10},
    ]
    outside = study.cells()[-1].model_copy(update={"init_scale_recurrent": 0.5})  # which does not count, and is not 0.2
    assert study.space.place(outside.model_dump()) is None
    assert study.space.place(study.cells()[0].model_copy(update={"lr": 3.0}).model_dump()) is None


def test_a_condition_may_hang_on_one_that_does_not_hold() -> None:
    study = searched(
        {
            "adam_beta2": "[0.9, 0.99] if init_scale_recurrent = 0.5",
            "init_scale_recurrent": "[0.2, 0.5] if recurrent = true",
            "recurrent": [True, False],
        },
        "grid",
    )
    assert [tuple(one.values()) for one in study.space.combinations()] == [
        (0.2, True),
        (False,),
        (0.9, 0.5, True),
        (0.99, 0.5, True),
    ]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"reset": "[zero] if reset = zero"}, "reset: the conditions ask for each other"),
        (
            {"reset": "[zero] if recurrent = true", "recurrent": "[true, false] if reset = zero"},
            "the conditions ask for each other",
        ),
        ({"reset": "[zero] if recurent = true"}, "there is no parameter recurent (did you mean 'recurrent'?)"),
        (
            {"init_scale": "uniform(0.1, 1) if reset = zeor"},
            "reset = 'zeor': should be 'zero' or 'subtract' (did you mean 'zero'?)",
        ),
        ({"init_scale": "uniform(0.1, 1) if nb_hidden = [5]"}, "nb_hidden = [5]: a list has the units of each"),
        ({"nb_hidden": "[5, 10] if reset = zero"}, "has no default for where the condition does not hold"),
        ({"init_scale": "uniform(-1, 1)"}, "init_scale = -1.0: should be greater than 0"),
        ({"nb_hidden": "uniform(5, 10)"}, "nb_hidden = 5.0: should be a valid integer"),
        ({"nb_hidden": "int(0, 10)"}, "nb_hidden = 0: should be greater than 0"),
        ({"nb_steps": "int(20, 100)"}, "81 numbers of steps, each of which holds the data once more; at most 16"),
        ({"nb_steps": "int(1, 100000)"}, "100000 numbers of steps, each of which holds"),
        ({"batch_size": "int(1, 10000000000000000)"}, "batch_size = int(1, 10000000000000000): must be int(a, b)"),
        ({"reset": "uniform(0, 1)"}, "reset = 0.0: should be 'zero' or 'subtract'"),
        ({"recurrent": "int(0, 1)"}, "recurrent = 0: should be a valid boolean"),
        ({}, "nothing varies"),
    ],
)
def test_what_is_no_space_is_said_in_one_line(space: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        searched(space)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_range_too_long_to_go_through_is_not_gone_through() -> None:
    study = searched({"batch_size": "int(1, 1000000000000)"})
    assert not study.space.countable
    assert Sampler(study).ask().batch_size in study.space["batch_size"].what


def test_a_search_is_the_same_however_it_is_written() -> None:
    one = searched({"lr": "loguniform(1e-4,1e-2)", "scale": [10, 20.0], "reset": ["zero", "subtract"]})
    other = searched({"lr": "loguniform( 0.0001 , 0.01 )", "scale": [10.0, 20], "reset": "[zero, subtract]"})
    assert one.search_mark == other.search_mark
    assert override(one, {}, search={"samples": 7, "time_budget": "1h", "confirm": 3}).search_mark == one.search_mark
    for changes in ({"method": "optuna"}, {"seed": 1}, {"scheduler": "asha"}, {"objectives": ["run_time"]}):
        assert override(one, {}, search=changes).search_mark != one.search_mark
    assert override(one, {"scale": [10.0]}).search_mark != one.search_mark
    assert override(one, {}, nb_epochs=9).search_mark != one.search_mark


def test_what_lies_on_an_axis() -> None:
    assert 3 in Range(1, 9, step=2)
    assert 4 not in Range(1, 9, step=2)
    assert 0.5 in Range(0.0, 0.5)
    assert True not in Range(0.0, 1.0)
    assert "zero" not in Range(0.0, 1.0)
    assert "zero" in Choice(("zero",))
