"""The command line: what it prints, what it refuses, and how it ends."""

from pathlib import Path

import pytest
import small

from snn_tune.errors import UserError
from snn_tune.run import main
from snn_tune.study_tables import build, override


def test_without_a_study_they_are_listed(capsys: pytest.CaptureFixture) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name in ("randman", "fashion_mnist", "shd", "tbl", "fashion_mnist_extended"):
        assert f"  {name}  " in printed


def test_dry_run_prints_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = ["--dry-run", "--set", "nb_hidden=50,100", "--seeds", "2", "--epochs", "3", "--root", str(tmp_path / "r")]
    assert main(["shd", *options]) == 0
    printed = capsys.readouterr().out
    assert "108 trials: 54 combinations, seeds of each: 2; 324 epochs in all" in printed
    assert "38,500 to 82,000 weights" in printed  # 700 h + h h + 20 h
    assert not (tmp_path / "r").exists()


def test_weights_of_layers_are_counted_and_how_they_are_computed_is_foreseen(capsys: pytest.CaptureFixture) -> None:
    options = ["--set", "nb_hidden=[200,100],50", "--set", "time_constants=shared,trained", "--gpus-per-trial", "0"]
    assert main(["shd", "--dry-run", *options]) == 0
    printed = capsys.readouterr().out
    assert "nb_hidden             (200, 100), 50" in printed
    assert "38,500 to 212,600 weights" in printed  # 700 h + h h + 20 h; 700 h + h h + h k + k k + 20 k + 2 (h + k)
    assert printed.count("the reference computes it (54 of 108 combinations)") == 1
    assert printed.count("the cpu kernel goes layer by layer (27 of 108 combinations)") == 1


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (
            ["--search", "optuna", "--set", "lr=loguniform(1e-4,1e-2)", "--samples", "20", "--confirm", "3", "--fresh"],
            ["20 trials, by --search optuna; at most 15 epochs each", "then the best 3 again, with 5 other seeds each"],
        ),
        (
            ["--search", "random", "--set", "nb_hidden=7", "--set", "nb_steps=25", "--confirm", "1", "--seeds", "2"],
            ["9 trials, by --search random; at most 15 epochs each", "then the best 1 again, with 2 other seeds each"],
        ),
        (["--confirm", "4", "--seeds", "2"], ["81 trials: 81 combinations, seeds of each: 1; 1,215 epochs in all"]),
    ],
)
def test_dry_run_of_a_search(options: list[str], lines: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(["randman", "--dry-run", "--gpus-per-trial", "0", *options]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line in lines] == lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["randmann"], "no study 'randmann' (did you mean 'randman'?)"),
        (["randman", "--set", "nb_hiden=5", "--dry-run"], "nb_hiden: unknown (did you mean 'nb_hidden'?)"),
        (["tbl", "--set", "nb_steps=80", "--dry-run"], "[grid] nb_steps = 80 is no multiple of the 76 frames"),
        (["randman", "--kernel", "gpuu"], "kernel 'gpuu' is not known"),
        (["randman", "--dry-run", "--set", "precision=bf16", "--gpus-per-trial", "0"], "precision = 'bf16': here"),
        (["randman", "--dry-run", "--kernel", "gpu", "--gpus-per-trial", "0"], "--kernel gpu: there is no GPU here"),
        (
            ["randman", "--objective", "speed:min"],
            "objectives = ['speed:min']: must be NAME:max or NAME:min, NAME one of",
        ),
        (["randman", "--objective", "spikes", "--objective", "spikes:max"], "must name at least one, and none twice"),
        (["randman", "--time-budget", "2x"], "time_budget = '2x': must be a number above 0 with s, min, h or d"),
        (["randman", "--time-budget", "0h"], "time_budget = '0h': must be a number above 0"),
        (["randman", "--set", "lr=uniform(1e-3,1e-2)"], "lr = uniform(1e-3,1e-2): a grid needs a list of values"),
        (
            ["randman", "--search", "grid", "--set", "lr=uniform(1e-3,1e-2)"],
            "or take --search random or --search optuna",
        ),
        (["randman", "--search", "random", "--set", "nb_steps=int(10,200)"], "191 numbers of steps"),
        (["randman", "--search", "random", "--seeds", "3"], "--seeds 3: a search tries each combination once"),
        (["randman", "--confirm", "2", "--seeds", "1"], "--seeds 1: with --confirm it must be 2 or more"),
        (["randman", "--set", "reset=zero if recurent=true"], "no parameter recurent (did you mean 'recurrent'?)"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1


def test_seeds_in_the_file_are_those_of_its_grid() -> None:
    tables = {**small.TABLES, "budget": {"nb_epochs": 3, "seeds": 3}}
    searched = override(build("small", tables), {}, search={"method": "random"})
    assert searched.budget.seeds == 1
    with pytest.raises(UserError, match="seeds = 3: a search tries each combination once"):
        build("small", tables | {"search": {"method": "random"}})
