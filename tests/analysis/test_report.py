"""The report: what the printed table says, and what is in the files."""

import io
import json
from itertools import product
from math import nan

import pandas as pd
import pytest
from rich.console import Console

from snn_tune.analysis.formats import number, percent, seconds
from snn_tune.analysis.report import tables

AXES = {"nb_hidden": [50, 100, 150], "nb_steps": [80, 100], "scale": [80.0, 100.0], "regularizer": [1e-6, 1e-4]}
THESIS = {"nb_hidden": "200+", "nb_steps": "75-", "scale": "80.0-", "regularizer": "1e-6-", "train_accuracy": 0.8953}
SAMPLES = {"nb_train": 54000, "nb_valid": 6000, "nb_test": 10000}
CHOSEN = ["150+", "80-", "100.0+", "1e-6-", "87.00", "82.00", "81.00", "80.0", "s"]  # of trials(), as printed


def trials():
    """24 cells: 1e-4 is silent, at 10 %; at 1e-6 0.80 + 0.01 for each step of nb_hidden; all else has no effect."""
    frame = pd.DataFrame(list(product(*AXES.values())), columns=list(AXES))
    silent = frame["regularizer"] == 1e-4
    valid = (0.80 + 0.01 * (frame["nb_hidden"] / 50 - 1)).where(~silent, 0.1)
    return frame.assign(
        key=[f"k{i}" for i in range(len(frame))],
        state="finished",
        activity=silent.map({True: "silent", False: ""}),
        seed=0,
        best_train_accuracy=valid + 0.05,
        best_valid_accuracy=valid,
        best_test_accuracy=valid - 0.01,
        run_time_s=frame["nb_steps"] * 1.0 + (frame["scale"] == 80.0),  # so that 80 steps and 100.0 are fastest
        spikes_per_neuron=1.5,
        device="cpu",
        kernel="cpu",
        threads="1",
        trials_beside="2",
    )


def tables_of(frame, axes=AXES, samples=SAMPLES, nb_classes=10, thesis=THESIS, others=0):
    known = {"samples": samples, "nb_classes": nb_classes, "thesis": thesis, "others": others}
    return tables(frame, axes, title="fashion_mnist", **known)


def printed(found, width=120):
    console = Console(file=io.StringIO(), width=width)
    found.show(console)
    return console.file.getvalue()


def line_of(text, start):
    return next(line for line in text.splitlines() if line.startswith(start)).split()


def test_the_best_network_is_the_best_seed_of_the_best_single_cell():
    seeds = [trials().assign(seed=seed, key=[f"k{i}s{seed}" for i in range(24)]) for seed in range(3)]
    frame = pd.concat(seeds, ignore_index=True)
    cell = tables_of(frame).optimum.best.parameters
    mine = (frame[list(cell)] == pd.Series(cell)).all(axis=1)
    frame.loc[mine, "best_valid_accuracy"] = [0.82, 0.85, nan]
    frame.loc[frame["key"] == "k0s1", "best_valid_accuracy"] = 0.86  # of a cell whose mean is lower
    assert tables_of(frame).best_key == frame.loc[mine, "key"].iloc[1]
    frame["state"] = "failed"
    assert tables_of(frame).best_key == ""


def test_the_printed_table():
    text = printed(tables_of(trials()))
    assert line_of(text, "marginal means")[-10:] == [*CHOSEN, "1.50"]
    assert line_of(text, "best single")[2:6] == ["150+", "80-", "100.0+", "1e-6-"]
    assert line_of(text, "thesis") == ["thesis", "200+", "75-", "80.0-", "1e-6-", "89.53", "-", "-", "-", "-"]
    assert line_of(text, "marginal means less thesis")[4:] == ["-2.53", "-", "-"]
    assert line_of(text, "mean of all 24")[3:] == ["24", "50.50", "45.50", "44.50", "90.5", "s", "1.50"]
    assert line_of(text, "mean of 12 learned")[4:7] == ["86.00", "81.00", "80.00"]
    assert "trials finished: 24/24 (12 silent, 0 saturated)" in text
    assert "train 54,000, valid 6,000, test 10,000" in text
    assert "marginal means, over all 24: train +36.50 (+36.21 to +36.78), valid +36.50 (+35.51 to +37.45)" in text
    assert "marginal means, over the 12 that learned: train +1.00 (+0.71 to +1.28)" in text
    assert "silent: all 12 with regularizer 0.0001" in text
    assert "nb_hidden: 150 has the best mean; 100 worse by 0.50 points" in text
    assert "scale: 80.0 has the best mean; 100.0 is as good" in text
    assert "left out" not in text


def test_in_80_columns_it_is_plain_text_with_every_value():
    text = printed(tables_of(trials()), width=80)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for heading in ("nb_hidden", "nb_steps", "scale", "regularizer", "train", "valid", "test"):
        assert heading in text
    assert line_of(text, "marginal means")[2:] == CHOSEN
    assert line_of(text, "thesis")[1:6] == ["200+", "75-", "80.0-", "1e-6-", "89.53"]


def test_in_100_columns_each_accuracy_has_its_interval_below_it():
    text = printed(tables_of(trials()), width=100)
    assert max(map(len, text.splitlines())) <= 100
    lines = [line.rstrip() for line in text.splitlines()]
    place = next(i for i, line in enumerate(lines) if line.startswith("marginal means"))
    assert lines[place].split()[2:] == [*CHOSEN, "1.50"]
    assert lines[place + 1].split() == ["86.7-87.3", "81.0-83.0", "80.2-81.8"]  # Wilson's, of 54,000, 6,000 and 10,000
    assert "…" not in text


def test_with_several_seeds_the_interval_is_over_them(tmp_path):
    frame = pd.concat([trials().assign(seed=seed) for seed in range(3)], ignore_index=True)
    frame["best_test_accuracy"] += (frame["seed"] - 1) * 0.01
    tables_of(frame).write(tmp_path)
    chosen = pd.read_csv(tmp_path / "optimum.csv").iloc[0]
    half = 4.3027 * 0.01 / 3**0.5
    assert chosen["test_low"] == pytest.approx(0.81 - half, abs=1e-6)
    assert chosen["test_high"] == pytest.approx(0.81 + half, abs=1e-6)
    assert chosen["interval_of"] == "seeds"


def test_everything_left_out_is_counted():
    frame = trials()
    frame.loc[0, "state"], frame.loc[2, "state"], frame.loc[4, "state"] = "failed", "diverged", "pruned"
    frame.loc[1, "activity"] = "saturated"
    frame.loc[6, "best_valid_accuracy"] = nan
    frame.loc[8, "best_test_accuracy"] = nan
    frame.loc[10, "device"] = "gpu"
    frame.loc[12, "state"] = "missing"
    frame.loc[14, "nb_hidden"] = 999
    found = tables_of(frame.drop(index=23), others=3)
    expected = {"total": 24, "finished": 18, "failed": 1, "diverged": 1, "pruned": 1, "missing": 3}
    expected |= {"silent": 10, "saturated": 1, "running": 0, "interrupted": 0, "not_of_this_study": 4}
    assert found.counts == expected
    text = printed(found, 200)
    assert "18/24 (10 silent, 1 saturated)" in text
    assert "1 diverged, 1 failed, 3 missing, 1 pruned; not of this study: 4" in text
    assert "left out: 1 finished without a validation accuracy" in text
    assert "mean test_accuracy: 1 finished" in text
    assert "device cpu, kernel cpu, threads 1, trials_beside 2; those of 1 other trials" in text
    assert "failed: nb_hidden=50 nb_steps=80 scale=80.0 regularizer=1e-6" in text
    assert "unequal numbers of cells: nb_hidden, nb_steps, scale, regularizer" in text


def test_missing_counts_every_seed_once():
    axes = {"a": [1, 2]}
    frame = pd.DataFrame({"a": [1, 1, 2], "seed": [0, 1, 0], "state": "finished", "best_valid_accuracy": 0.5})
    counts = tables_of(frame, axes).counts
    assert (counts["total"], counts["finished"], counts["missing"]) == (4, 3, 1)
    assert ", 2 seeds" in printed(tables_of(frame.assign(best_valid_accuracy=[0.6, 0.6, 0.5]), axes))


def test_a_chosen_cell_that_was_not_run_says_so(tmp_path):
    axes = {"a": [1, 2], "b": [10, 20]}  # means: a 0.65, 0.9; b 0.7, 0.8
    frame = pd.DataFrame(list(product(*axes.values())), columns=list(axes))
    frame = frame.assign(state=["finished"] * 3 + ["running"], best_valid_accuracy=[0.5, 0.8, 0.9, nan])
    found = tables_of(frame, axes)
    text = printed(found)
    assert "marginal means: not run" in text
    assert line_of(text, "marginal means")[-7:] == ["2+", "20+", "-", "-", "-", "-", "-"]
    assert "marginal means, over" not in text
    found.write(tmp_path)
    summary = json.loads((tmp_path / "optimum.json").read_text())
    assert summary["chosen"]["was_run"] is False
    assert summary["chosen"]["scores"]["valid_accuracy"] is None


@pytest.mark.parametrize("frame", [pd.DataFrame(), trials().iloc[:1], trials().assign(best_valid_accuracy=nan)])
@pytest.mark.parametrize("thesis", [None, THESIS])
@pytest.mark.parametrize("samples", [None, SAMPLES])
def test_little_or_nothing_to_report(frame, thesis, samples, tmp_path):
    found = tables_of(frame, samples=samples, thesis=thesis, nb_classes=None)
    text = printed(found, 80)
    assert ("no trial has finished" in text) == (len(frame) != 1)
    assert ("89.53" in text) == (thesis is not None)
    assert "nan" not in text
    assert len(found.write(tmp_path / "a" / "b")) == 4


def test_the_json_is_strict(tmp_path):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    frame = trials().assign(best_test_accuracy=nan, run_time_s=float("inf"))
    tables_of(frame, thesis=THESIS | {"test_accuracy": nan}).write(tmp_path)
    summary = json.loads((tmp_path / "optimum.json").read_text(), parse_constant=refuse)
    assert summary["chosen"]["parameters"]["nb_hidden"] == 150
    assert summary["chosen"]["marks"]["nb_hidden"] == "+"
    assert summary["chosen"]["scores"]["test_accuracy"] is None
    assert summary["gain"]["learned"]["valid_accuracy"] == pytest.approx(0.01)
    assert summary["thesis"]["train_accuracy"] == 0.8953
    assert summary["nb_without"] == {"test_accuracy": 24, "run_time_s": 24}


def test_the_csv_files(tmp_path):
    frame = trials()
    paths = tables_of(frame).write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "trials.csv")[["key"]], frame[["key"]], check_dtype=False)
    marginals = pd.read_csv(tmp_path / "marginals.csv", dtype={"value": str})
    assert len(marginals) == 3 + 2 + 2 + 2
    assert list(marginals.loc[marginals["chosen"], "value"]) == ["150", "80", "100.0", "1e-06"]
    low = marginals.iloc[0]
    assert (low["parameter"], low["value"], low["n"], low["nb_pairs"]) == ("nb_hidden", "50", 8, 8)
    assert low["mean_valid_accuracy"] == pytest.approx((0.80 + 0.10) / 2)
    # Differences to 150: four of 0.02 and four of 0; deviation 0.01 sqrt(8/7), standard error that over sqrt(8).
    assert low["worse_by"] == pytest.approx(0.01)
    assert low["standard_error"] == pytest.approx(0.01 / 7**0.5)
    assert (low["p_value"], low["difference"]) == (pytest.approx(2 / 2**4), "noise")
    best = pd.read_csv(tmp_path / "optimum.csv")
    assert list(best["nb_hidden"].dropna()) == ["150+", "150+", "150+", "150+", "200+"]
    assert best.loc[0, "train_accuracy"] == pytest.approx(0.87)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-06, "1e-6"),
        (2.5e-06, "2.5e-6"),
        (1e-10, "1e-10"),
        (1e16, "1e16"),
        (80.0, "80.0"),
        (0.01, "0.01"),
        (0.001234567891, "0.00123457"),
        (150, "150"),
        (True, "True"),
        ("zero", "zero"),
    ],
)
def test_numbers_as_text(value, text):
    assert number(value) == text


def test_percentages_and_seconds_as_text():
    assert [percent(0.89534), percent(1.0), percent(nan)] == ["89.53", "100.00", "-"]
    assert [seconds(12.34), seconds(5321.7), seconds(nan)] == ["12.3 s", "5322 s", "-"]
