"""Names of runs: short, each its own, and of every kind of study."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import study
from test_space import searched

from snn_tune.parameters import Parameters
from snn_tune.sampler import Sampler
from snn_tune.study_tables import override
from snn_tune.tracking.names import LETTERS, run_name, short
from snn_tune.trial import Trial

THESIS = {"nb_hidden": [50, 200], "nb_steps": [76, 100], "scale": [20.0, 100.0], "regularizer": [2e-6, 0.01]}


def test_every_parameter_has_letters_of_its_own() -> None:
    assert LETTERS.keys() == Parameters.model_fields.keys()
    assert len(set(LETTERS.values())) == len(LETTERS)


def test_a_grid_s_names_have_what_it_varies_and_the_seed() -> None:
    grid = override(study(), THESIS)
    names = [run_name(grid, trial, {}) for trial in grid.trials("data")]
    assert names[0] == "h50 t76 s20 r2e-6 #0"
    assert names[-1] == "h200 t100 s100 r0.01 #0"
    assert len(set(names)) == 16


@pytest.mark.parametrize(
    ("axes", "name"),
    [
        ({"nb_hidden": [5], "nb_steps": [20]}, "#0"),
        ({"nb_hidden": [[20, 10], 5], "nb_steps": [20]}, "h20-10 #0"),
        ({"recurrent": [True, False], "reset": ["zero", "subtract"], "nb_steps": [20]}, "rec=true reset=zero #0"),
        ({"recurrent": [False, True], "init_scale_recurrent": "[0.1, 0.2] if recurrent = true"}, "rec=false #0"),
    ],
)
def test_names_of_layers_words_and_conditions(axes: dict, name: str) -> None:
    what = searched(axes)
    assert run_name(what, what.trial(what.cells()[0], 0, "data"), {}) == name


def test_samples_have_their_number_and_the_best_again_their_place() -> None:
    axes = dict.fromkeys(("lr", "tau_mem", "tau_syn", "init_scale", "dropout", "adam_beta2"), "uniform(0.1, 0.9)")
    what = searched(axes | {"init_scale_recurrent": "uniform(0.1, 0.9)", "nb_steps": [20]})
    parameters = Sampler(what).ask()
    of_sample = run_name(what, Trial(parameters, 0, "data"), {what.search_mark: "12", "search.another": "3"})
    again = run_name(what, Trial(parameters, 3, "data"), {what.confirm_mark: "1"})
    assert of_sample.startswith("12: lr0.")
    assert of_sample.endswith(" ... #0")
    assert again == of_sample.replace("12: ", "best 1: ").replace("#0", "#3")
    assert len(of_sample) < 70


@pytest.mark.parametrize(
    ("value", "text"),
    [(2e-06, "2e-6"), (1e-4, "1e-4"), (0.01, "0.01"), (0.05, "0.05"), (0.0121, "0.0121"), (20.0, "20"), (0.0, "0"),
     (1e6, "1e6"), (12345.678, "1.235e4"), (200, "200"), (100_000, "100000"), (True, "true"), ("zero", "zero"),
     ((200, 100), "200-100"), (1 / 3, "0.3333")],
)  # fmt: skip
def test_values_in_short(value: object, text: str) -> None:
    assert short(value) == text


@given(st.floats(1e-12, 1e12))
def test_a_short_number_is_the_number(value: float) -> None:
    assert isclose(float(short(value)), value, rel_tol=1e-3)
    assert len(short(value)) <= 10
