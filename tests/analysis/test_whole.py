"""The whole of an analysis, from a store to its files."""

import io
import json
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from small import study
from stored import keep, open_store

from snn_tune.analysis import analyse
from snn_tune.analysis.__main__ import main
from snn_tune.analysis.page import write
from snn_tune.study_tables import build, override


def printed(found) -> str:
    console = Console(file=io.StringIO(), width=200)
    found.show(console)
    return console.file.getvalue()


@pytest.fixture
def grid(tmp_path: Path) -> str:
    """nb_hidden 10 is better by 0.1, one trial fails in the second seed; the best is run again with three seeds."""
    what = override(study(budget={"seeds": 2}), {}, search={"confirm": 1, "confirm_seeds": 3})
    store = open_store(what, tmp_path)
    for trial in what.trials("data"):
        if trial.seed and trial.parameters.nb_hidden == 5 and trial.parameters.nb_steps == 20:
            keep(store, trial, state="failed", reason="out of memory")
        else:
            keep(store, trial, 0.5 + trial.parameters.nb_hidden / 50 + 0.01 * trial.seed)
    best = what.parameters({"nb_hidden": 10, "nb_steps": 20})
    for seed, valid in ((2, 0.6), (3, 0.7), (4, 0.65)):
        keep(store, what.trial(best, seed, "data"), valid, **{what.confirm_mark: "1"})
    return store.uri


def test_a_grid_with_its_finalists_in_json_and_files(grid: str, tmp_path: Path) -> None:
    found = analyse("small", grid)
    whole = json.loads(found.as_json())
    (finalist,) = whole["finalists"]
    assert (finalist["nb_hidden"], finalist["nb_seeds"]) == (10, 3)
    assert finalist["chosen_by"] == pytest.approx(0.705)
    assert finalist["mean_valid_accuracy"] == pytest.approx(0.65)
    assert finalist["winners_curse"] == pytest.approx(0.055)
    assert whole["trials"]["failed"] == 1
    assert whole["others"] == 0  # the finalists are of this study
    assert whole["effects"]["kind"] == "variance"
    assert whole["effects"]["effects"][0]["names"] == ["nb_hidden"]
    assert whole["gain_intervals"]["all"]["valid_accuracy"]["of"] == "seeds"

    paths = found.write(tmp_path / "reports")
    assert sorted(path.name for path in paths) == sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert {"finalists.csv", "effects.csv", "pareto.csv", "report.json"} <= {path.name for path in paths}
    assert json.loads((tmp_path / "reports" / "report.json").read_text()) == whole
    effects = pd.read_csv(tmp_path / "reports" / "effects.csv")
    assert effects["share"].sum() == pytest.approx(1)
    assert "seeds" in set(effects["effect"])
    pareto = pd.read_csv(tmp_path / "reports" / "pareto.csv")
    assert set(pareto["nb_hidden"]) == {5, 10}


def test_what_is_printed_of_a_grid(grid: str) -> None:
    text = printed(analyse("small", grid))
    assert "failed: nb_hidden=5 nb_steps=20 (out of memory)" in text
    assert "shares of the variance of validation accuracy over all 4 combinations: nb_hidden" in text
    assert "Pareto front of accuracy, run time and spikes per neuron: 3 of 4 combinations (pareto.csv)" in text
    assert "winner's curse" in text
    assert "not of this study: 0" in text


def test_a_search_tells_what_it_left_out(tmp_path: Path) -> None:
    what = override(study(), {"nb_hidden": "int(5, 100)", "nb_steps": [20]}, search={"method": "random", "samples": 30})
    store = open_store(what, tmp_path)
    for number in range(1, 16):
        trial = what.trial(what.parameters({"nb_hidden": 4 + number, "nb_steps": 20}), 0, "data")
        state = {13: "pruned", 14: "failed"}.get(number, "finished")
        tags = {what.search_mark: str(number)} | ({"activity": "silent"} if number == 15 else {})
        keep(store, trial, 0.5 + number / 100, state, **tags)
    found = analyse("small", store.uri)
    text = printed(found)
    assert "trials of this search: 15 of 30: 13 finished, 1 pruned, 1 failed" in text
    assert "failed: nb_hidden=18 nb_steps=20" in text
    assert "silent: nb_hidden=19" in text
    assert "Optuna's importances (PED-ANOVA) from 13 trials" in text
    whole = json.loads(found.as_json())
    assert whole["effects"]["kind"] == "importance"
    assert whole["others"] == 0
    assert len(whole["search_pareto"]) == 1
    assert not (tmp_path / "finalists.csv").exists()
    assert "search.csv" in {path.name for path in found.write(tmp_path / "reports")}


@pytest.mark.parametrize("nb_epochs", [3, 2000])
def test_curves_of_any_length_are_read_with_the_trials(nb_epochs: int, tmp_path: Path) -> None:
    store = open_store(study(), tmp_path)
    trial = study().trials("data")[0]
    keep(store, trial, 0.75, nb_epochs=nb_epochs)
    assert json.loads(analyse("small", store.uri).trials.histories[trial.key]) == [0.75] * nb_epochs


def test_a_study_without_a_trial_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_store(study(), tmp_path)
    text = printed(analyse("small", f"sqlite:///{tmp_path / 'mlflow.db'}"))
    assert "no trial has finished with a validation accuracy yet" in text
    assert "4 missing" in text
    assert main(["small", "--root", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"]["missing"] == 4


def test_a_grid_of_which_an_axis_does_not_count_everywhere(tmp_path: Path) -> None:
    axes = {"recurrent": [True, False], "dropout": "[0.1, 0.3] if recurrent = true"}
    what = override(study(), {"nb_hidden": [5], "nb_steps": [20, 30], **axes})
    store = open_store(what, tmp_path)
    scores = {(False, 0.0): 0.9, (True, 0.1): 0.7, (True, 0.3): 0.6}
    here = [one for one in what.trials("data") if one.parameters.nb_steps == 20]
    for trial in here:
        keep(store, trial, scores[trial.parameters.recurrent, trial.parameters.dropout])
    tables = analyse("small", store.uri).tables
    count = tables.counts
    assert (count["total"], count["finished"], count["missing"], count["not_of_this_study"]) == (6, 3, 3, 0)
    assert tables.best_key == next(one.key for one in here if not one.parameters.recurrent)
    assert [one.scores.nb_trials for one in tables.optimum.marginals["dropout"]] == [1, 1, 1]
    first, other, default = tables.significance["dropout"]
    assert (default.value, first.nb_pairs, other.nb_pairs) == (0.0, 0, 0)  # no trial differs from it in dropout alone


def test_a_searchs_files_replace_a_grids_and_what_was_not_measured_is_no_objective(tmp_path: Path) -> None:
    store, reports = open_store(study(), tmp_path), tmp_path / "reports"
    key = study().trials("data")[0].key
    tags = {"role": "trial", "key": key, "state": "finished"}
    run = store.client.create_run(store.experiment_id, tags=tags).info.run_id
    store.client.log_metric(run, "best_valid_accuracy", 0.5)
    store.client.set_terminated(run, "FINISHED")
    found = analyse("small", store.uri)
    assert "Pareto front of accuracy: 1 of 1 combinations" in printed(found)
    found.write(reports)
    (reports / "notes.csv").write_text("the user's own")
    search = tmp_path / "search"
    search.mkdir()
    of = override(study(), {"nb_hidden": "int(5, 100)", "nb_steps": [20]}, search={"method": "random", "samples": 3})
    paths = analyse("small", open_store(of, search).uri).write(reports)
    assert {path.name for path in reports.iterdir()} == {path.name for path in paths} | {"notes.csv"}
    assert "optimum.csv" not in {path.name for path in paths}


def test_claims_are_printed_written_and_on_the_page(tmp_path: Path) -> None:
    claims = [
        {"says": "more units are better", "of": "accuracy", "order": "nb_hidden: 10 > 5"},
        {"says": "steps do not matter", "of": "test_accuracy", "order": "nb_steps: 20 = 30"},
    ]
    thesis = dict.fromkeys(("nb_hidden", "nb_steps", "scale", "regularizer"), "1") | {"train_accuracy": 0.9}
    what = build("small", study(budget={"seeds": 5}).tables() | {"thesis": thesis | {"claims": claims}})
    store = open_store(what, tmp_path)
    for trial in what.trials("data"):
        keep(store, trial, 0.5 + trial.parameters.nb_hidden / 50)
    found = analyse("small", store.uri)
    lines = "thesis: more units are better: train agrees, test agrees\nthesis: steps do not matter: test agrees"
    assert lines in printed(found)
    found.write(tmp_path / "reports")
    written = pd.read_csv(tmp_path / "reports" / "claims.csv")
    assert list(written["verdict"]) == ["agrees", "agrees", "agrees"]
    assert written["figures"][0] == "10 > 5: +10.00 (+10.00 to +10.00), p below 0.001"
    assert json.loads(found.as_json())["claims"] == written.to_dict("records")
    page = write(found, store.uri, tmp_path / "reports").read_text()
    assert "The thesis's findings" in unescape(page)
    assert "10 &gt; 5: +10.00 (+10.00 to +10.00), p below 0.001" in page
    analyse("small", store.uri).write(tmp_path / "reports")
    what = override(what, {"nb_hidden": [5, 20]})
    store.client.set_tag(store.parent().info.run_id, "study", json.dumps(what.tables()))
    assert "thesis: more units are better: train cannot tell, test cannot tell" in printed(analyse("small", store.uri))
