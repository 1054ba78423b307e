"""Two studies side by side."""

import json
from math import isnan, sqrt
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats
from small import study
from stored import SAMPLES, keep, open_store

from snn_tune.analysis.__main__ import main
from snn_tune.analysis.compare import compare
from snn_tune.analysis.place import place
from snn_tune.analysis.trials import StudyTrials
from snn_tune.errors import UserError
from snn_tune.intervals import newcombe
from snn_tune.study_tables import override
from snn_tune.tracking.store import writable


def trials(valid, what=None, **columns):
    """A study's trials: validation accuracies by (nb_hidden, nb_steps, seed)."""
    what = what or study()
    rows = []
    for (nb_hidden, nb_steps, seed), value in valid.items():
        varied = {"nb_hidden": nb_hidden, "nb_steps": nb_steps} | ({"lr": 2.0} if "lr" in what.space else {})
        parameters = what.parameters(varied)
        rows.append(parameters.model_dump() | {"seed": seed, "state": "finished", "best_valid_accuracy": value})
    frame = pd.DataFrame(rows).assign(**({"run_time_s": 2.0, "device": "cpu"} | columns)) if rows else pd.DataFrame()
    return StudyTrials(what, what, frame, [], 0, SAMPLES, 10, {"dataset": "randman"}, {}, {})


def row(found, nb_hidden, nb_steps=20):
    table = found.table
    return table[(table["nb_hidden"] == nb_hidden) & (table["nb_steps"] == nb_steps)].iloc[0]


def test_with_seeds_in_common_the_difference_is_seed_by_seed() -> None:
    first = trials({(5, 20, 0): 0.5, (5, 20, 1): 0.6, (5, 20, 2): 0.7, (5, 20, 3): 0.1})
    second = trials({(5, 20, 0): 0.51, (5, 20, 1): 0.62, (5, 20, 2): 0.73})
    one = row(compare(first, second), 5)
    half = 4.3027 * 0.01 / sqrt(3)
    assert one["difference_valid_accuracy"] == pytest.approx(0.02)
    assert one["low_valid_accuracy"] == pytest.approx(0.02 - half, abs=1e-6)
    assert one["high_valid_accuracy"] == pytest.approx(0.02 + half, abs=1e-6)
    assert one["interval_of_valid_accuracy"] == "seeds"


def test_with_other_seeds_it_is_welchs_and_with_one_newcombes() -> None:
    first = trials({(5, 20, 0): 0.5, (5, 20, 1): 0.6, (10, 20, 0): 0.7})
    second = trials({(5, 20, 7): 0.7, (5, 20, 8): 0.9, (10, 20, 0): 0.8})
    found = compare(first, second)
    welch = stats.ttest_ind([0.7, 0.9], [0.5, 0.6], equal_var=False).confidence_interval(0.95)
    assert row(found, 5)["difference_valid_accuracy"] == pytest.approx(0.25)
    assert row(found, 5)["low_valid_accuracy"] == pytest.approx(welch.low)
    theirs = newcombe(0.8, 100, 0.7, 100)
    assert row(found, 10)["low_valid_accuracy"] == pytest.approx(theirs.low)
    assert row(found, 10)["high_valid_accuracy"] == pytest.approx(theirs.high)
    assert isnan(row(found, 10)["difference_test_accuracy"])
    assert found.table["nb_hidden"].tolist() == [5, 10]  # the larger difference first


def test_overall_it_is_the_mean_over_the_common_combinations() -> None:
    cells = [(5, 20, 0), (5, 30, 0), (10, 20, 0), (10, 30, 0)]
    first = trials(dict(zip(cells, [0.5, 0.5, 0.5, 0.5], strict=True)), run_time_s=2.0)
    second = trials(dict(zip(cells, [0.51, 0.53, 0.51, 0.53], strict=True)), run_time_s=3.0)
    found = compare(first, second)
    overall = found.overall["valid_accuracy"]
    half = 3.1824 * 0.02 / sqrt(3) / 2  # deviation 0.0115, of four
    assert overall.difference == pytest.approx(0.02)
    assert overall.interval.low == pytest.approx(0.02 - half, abs=1e-6)
    assert overall.p == pytest.approx(2 / 16)
    assert overall.nb_combinations == 4
    assert found.run_time_ratio == pytest.approx(1.5)
    assert found.counts == {"common": 4, "only_first": 0, "only_second": 0, "not_scored": 0}
    assert found.differing == {}


def test_what_is_not_common_is_counted_and_what_differs_throughout_is_told() -> None:
    first = trials({(5, 20, 0): 0.5, (5, 30, 0): 0.6, (10, 20, 0): 0.7})
    other = study(base={"lr": 0.5}, grid={"nb_hidden": [5, 10, 20]})
    second = trials({(5, 20, 0): 0.5, (5, 30, 0): float("nan"), (20, 20, 0): 0.7}, other, device="gpu")
    found = compare(first, second)
    assert found.counts == {"common": 1, "only_first": 1, "only_second": 1, "not_scored": 1}
    assert found.differing == {"lr": ("2.0", "0.5"), "device": ("cpu", "gpu")}
    assert isnan(found.run_time_ratio)
    assert found.overall["valid_accuracy"].interval.of == "samples"


def test_an_axis_that_only_one_study_has_is_matched_by_the_others_fixed_value() -> None:
    first = trials({(5, 20, 0): 0.5, (10, 20, 0): 0.6})
    both = override(study(), {"lr": [2.0, 1.0]})
    second = trials({(5, 20, 0): 0.55, (10, 20, 0): 0.65}, both)
    second.frame.loc[1, "lr"] = 1.0
    found = compare(first, second)
    assert found.names == ["nb_hidden", "nb_steps", "lr"]
    assert found.table["nb_hidden"].tolist() == [5]
    assert found.counts["only_first"] == found.counts["only_second"] == 1


@pytest.mark.parametrize("valid", [{}, {(5, 20, 0): float("nan")}, {(10, 30, 0): 0.5}])
def test_nothing_in_common(valid) -> None:
    found = compare(trials({(5, 20, 0): 0.5}), trials(valid))
    assert found.table.empty
    assert found.counts["common"] == 0
    assert found.overall == {}


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two roots with the same study, in the second better by 0.1."""
    for folder, more in (("a", 0.0), ("b", 0.1)):
        (tmp_path / folder).mkdir()
        store = open_store(study(), tmp_path / folder)
        for trial in study().trials("data"):
            keep(store, trial, 0.5 + more + trial.parameters.nb_steps / 1000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_roots_from_the_command_line(roots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a/small", "b/small", "--root", "c"]) == 0
    text = capsys.readouterr().out
    assert "combinations: 4 compared; only in a/small: 0; only in b/small: 0" in text
    assert "valid: mean difference of 4 combinations: +10.00" in text
    assert "run time: 1.00 times that of a/small" in text
    table = pd.read_csv("c/reports/a_small_vs_b_small/compare.csv")
    assert table["difference_valid_accuracy"].tolist() == pytest.approx([0.1] * 4)

    assert main(["small", "b/small", "--root", "a", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["overall"]["test_accuracy"]["difference"] == pytest.approx(0.1)
    assert main(["a", "b", "--root", "c"]) == 0
    assert "studies in one of them alone: none" in capsys.readouterr().out
    assert main(["b/small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"]["finished"] == 4


def test_a_wrong_name_is_one_line(roots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in {
        ("a",): "a is a folder of results; name one of its studies (small), or another folder",
        ("a", "b/small"): "a and b/small: name two studies, or two folders of results",
        ("c/small",): "c/small: there is no c/mlflow.db; name a study, its file, ROOT/STUDY or a ROOT",
        ("",): "STUDY is empty",
        ("a/small", ""): "STUDY is empty",
        ("a/smal", "b/small"): "there are no trials of 'smal' in",
    }.items():
        assert main([*arguments, "--root", "a"]) == 2
        assert said in capsys.readouterr().err


def test_places(roots: Path) -> None:
    known = place("studies/small.toml", Path("a"), None)
    assert (known.study, known.root) == ("small", Path("a"))
    assert known.uri == f"sqlite:///{roots / 'a' / 'mlflow.db'}"
    assert place("small", Path("a"), "http://host").uri == "http://host"
    assert place("b/small", Path("a"), "http://host").uri == f"sqlite:///{roots / 'b' / 'mlflow.db'}"
    with pytest.raises(UserError, match="no x/mlflow.db"):
        place("x/small", Path("a"), None)


def test_a_study_that_is_refused_costs_its_comparison_alone(roots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        writable("empty", f"sqlite:///{roots / folder / 'mlflow.db'}", roots / folder / "artifacts")
    assert main(["a", "b", "--root", "c"]) == 0
    text = capsys.readouterr().out
    assert "empty: not compared: there are no trials of 'empty'" in " ".join(text.split())
    assert "comparison: c/reports/a_small_vs_b_small" in text
    assert main(["a", "b", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
