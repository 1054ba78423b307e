"""Studies: what is valid, what is said of the rest, and the trials that they stand for."""

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_tune.errors import UserError
from snn_tune.study_file import available, find, read
from snn_tune.study_tables import build, override

TABLES = {
    "description": "a small study",
    "data": {"name": "randman", "nb_train": 20},
    "base": {"lr": 1e-3, "batch_size": 10, "tau_mem": 1e-2, "tau_syn": 5e-3, "scale": 10.0, "regularizer": 0.0},
    "grid": {"nb_hidden": [5, 10], "nb_steps": [20, 30, 40]},
    "budget": {"nb_epochs": 3, "seeds": 2},
}


def changed(path: str, value: object) -> dict:
    tables = deepcopy(TABLES)
    *tables_above, key = path.split(".")
    table = tables
    for name in tables_above:
        table = table[name]
    if value is None:
        del table[key]
    else:
        table[key] = value
    return tables


@pytest.mark.parametrize("name", ["randman", "fashion_mnist", "shd", "tbl"])
def test_the_studies_of_the_project_are_grids_of_81(name: str) -> None:
    study = read(name)
    assert list(study.grid) == ["nb_hidden", "nb_steps", "scale", "regularizer"]
    assert len(study.cells()) == len(set(study.cells())) == 81
    assert study.description.count(".") >= 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("bugdet", {}, "bugdet: unknown key (did you mean 'budget'?)"),
        ("budget", None, "[budget]: this table is missing"),
        ("grid", [1], "grid = [1]: must be a table, [grid]"),
        ("data.name", ["shd"], "[data] name = ['shd']: no data set has that name"),
        ("data.nb_inputs", "40", "[data] nb_inputs = '40': should be a valid integer"),
        ("data.jitter", float("inf"), "[data] jitter = inf: should be"),
        ("base.nb_hidden", 5, "nb_hidden is in [base] and in [grid]"),
        ("grid.nb_steps", [10**21], "[grid] nb_steps = 1000000000000000000000: should be less than or equal to"),
        ("data.name", "shdd", "[data] name = 'shdd': no data set has that name (did you mean 'shd'?)"),
        ("data.name", None, "[data] name: is missing"),
        ("data.nb_trian", 5, "[data] nb_trian: unknown (did you mean 'nb_train'?)"),
        ("base.nb_hiden", 5, "[base] nb_hiden: unknown (did you mean 'nb_hidden'?)"),
        ("base.nb_epochs", 5, "[base] nb_epochs: belongs into [budget]"),
        ("base.lr", "fast", "[base] lr = 'fast': should be a valid number"),
        ("base.lr", None, "[base] lr: is missing"),
        ("base.reset", "none", "[base] reset = 'none': should be 'zero' or 'subtract'"),
        ("base.tau_mem", -1.0, "[base] tau_mem = -1.0: should be greater than 0"),
        ("base.scale", float("nan"), "[base] scale = nan: should be"),
        ("grid.nb_hidden", [], "[grid] nb_hidden = []: must be a list with at least one value"),
        ("grid.nb_hidden", 5, "[grid] nb_hidden = 5: must be a list"),
        ("grid.nb_hidden", [5, 0], "[grid] nb_hidden = 0: should be greater than 0"),
        ("grid.nb_hidden", [5, 7.5], "[grid] nb_hidden = 7.5: should be a valid integer"),
        ("grid.nb_hidden", [5, True], "[grid] nb_hidden = True: should be a valid integer"),
        ("grid.nb_hidden", [5, 5], "[grid] nb_hidden = [5, 5]: a value is there twice"),
        ("grid.nb_hiden", [5], "[grid] nb_hiden: unknown (did you mean 'nb_hidden'?)"),
        ("budget", {"nb_epoch": 3}, "[budget] nb_epoch: unknown (did you mean 'nb_epochs'?)"),
        ("search", {"method": "tpe"}, "[search] method = 'tpe': should be 'grid', 'random' or 'optuna'"),
        ("search", {"samples": 0}, "[search] samples = 0: should be greater than 0"),
        ("search", {"sample": 5}, "[search] sample: unknown (did you mean 'samples'?)"),
        ("search", {"objectives": "accuracy"}, "[search] objectives = 'accuracy': should be a valid list"),
        ("search", {"objectives": []}, "[search] objectives = []: must name at least one, and none twice"),
        ("search", {"objectives": [5]}, "[search] objectives.0 = 5: should be a valid string"),
        ("search", {"time_budget": 30}, "[search] time_budget = 30: should be a valid string"),
        ("search", {"confirm_seeds": 1}, "[search] confirm_seeds = 1: should be greater than or equal to 2"),
        ("search", {"warm_start": "no"}, "[search] warm_start = 'no': should be a valid boolean"),
        ("space", {}, "[grid] and [space] are two names of one table"),
        ("budget.seeds", 0, "[budget] seeds = 0: should be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(path: str, value: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        build("small", changed(path, value))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("table", "key", "typo"), [("base", "tau_mem", "tau_men"), ("grid", "nb_hidden", "nb_hiden")])
def test_a_key_that_is_misspelt_is_named_though_it_is_missing_as_well(table: str, key: str, typo: str) -> None:
    tables = deepcopy(TABLES)
    tables[table][typo] = tables[table].pop(key)
    with pytest.raises(UserError, match=rf"\[{table}\] {typo}: unknown \(did you mean '{key}'"):
        build("small", tables)


def test_a_file_is_named_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text, message in (
        ("a = " + "[" * 5000, "is not TOML"),
        ("a = ", "is not TOML"),
        ('[data]\nname = "x"', "no data set"),
        ("\xff", "is not TOML"),
    ):
        path.write_bytes(text.encode("latin1"))
        with pytest.raises(UserError, match=f"mine.toml: .*{message}|mine.toml: .*missing"):
            read(str(path))


def test_an_unknown_study_has_its_near_match() -> None:
    with pytest.raises(UserError, match=r"no study 'fashion_minst' \(did you mean 'fashion_mnist'\?\)"):
        find("fashion_minst")
    with pytest.raises(UserError, match=r"no study file ./nowhere"):
        find("./nowhere.toml")
    assert find("shd") == available()["shd"]


def test_seed_0_of_every_cell_comes_first() -> None:
    trials = build("small", TABLES).trials("data")
    assert [trial.seed for trial in trials] == [0] * 6 + [1] * 6
    assert len({trial.key for trial in trials}) == 12


def test_tables_read_back_are_the_same_study() -> None:
    study = build("small", TABLES)
    assert build("small", study.tables()) == study


def test_override_replaces_axes_and_budget_and_nothing_else() -> None:
    study = build("small", TABLES)
    other = override(study, {"nb_hidden": [7], "lr": [1e-3, 1e-2]}, nb_epochs=5)
    assert other.grid == {"nb_hidden": [7], "nb_steps": [20, 30, 40], "lr": [1e-3, 1e-2]}
    assert (other.budget.nb_epochs, other.budget.seeds) == (5, 2)
    assert study.budget.nb_epochs == 3
    varied = override(study, {"nb_epochs": [2, 4]})
    assert {cell.nb_epochs for cell in varied.cells()} == {2, 4}
    assert {cell.nb_epochs for cell in override(varied, {}, nb_epochs=7).cells()} == {7}
    with pytest.raises(UserError, match=r"scael: unknown .did you mean 'scale'"):
        override(study, {"scael": [1.0]})


@given(st.permutations(list(TABLES["grid"])))
def test_the_order_of_the_axes_changes_no_key(order: list[str]) -> None:
    tables = {**TABLES, "grid": {name: TABLES["grid"][name] for name in order}}
    keys = {trial.key for trial in build("small", tables).trials("data")}
    assert keys == {trial.key for trial in build("small", TABLES).trials("data")}


@pytest.mark.parametrize("name", ["Default", "a b", "a?b", "x" * 300, ".", "..", ".passes"])
def test_a_name_that_makes_no_experiment_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.toml"
    if len(name) < 200:
        path.write_text(find("randman").read_text())
    with pytest.raises(UserError, match="its name is that of an MLflow experiment|File name too long"):
        read(str(path))


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(find("randman").read_text(), "utf-8-sig")
    assert read(str(path)).cells() == read("randman").cells()


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ("all", r"^\[thesis\] claims = 'all': must be tables, \[\[thesis.claims\]\]"),
        ([1], r"^\[thesis\] claims = \[1\]: must be tables"),
        ([{"says": "so", "of": "accuracy"}], r"^\[thesis.claims\] order: is missing"),
        ([{"says": "so", "of": "accuracy", "order": "scale: 2 > 1", "who": "x"}], r"^\[thesis.claims\] who: unknown"),
        ([{"says": "so", "of": "acuracy", "order": "scale: 2 > 1"}], r"^\[thesis.claims\] of = 'acuracy'"),
        ([{"says": "so", "of": "accuracy", "order": "scale: 2 > 2"}], r"^\[thesis.claims\] order = .* each value once"),
    ],
)
def test_a_claim_that_cannot_be_held_against_trials_is_refused(claims: object, message: str) -> None:
    thesis = dict.fromkeys(("nb_hidden", "nb_steps", "scale", "regularizer"), "1") | {"train_accuracy": 0.9}
    with pytest.raises(UserError, match=message):
        build("small", TABLES | {"thesis": thesis | {"claims": claims}})
