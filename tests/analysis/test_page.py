"""The page of a study, from the store to the file: complete, self-contained, and there whatever the trials are like."""

import json
import re
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from logged import GROUP, Course, evidence_file, log, planted, trained
from small import study
from writers import write_shd

from snn_tune import analysis
from snn_tune.analysis import __main__ as command
from snn_tune.analysis import page
from snn_tune.analysis.page import tables
from snn_tune.study import Study
from snn_tune.study_tables import build, override
from snn_tune.tracking.describe import NOTE
from snn_tune.tracking.store import Store
from snn_tune.trial import Ending, Trial

VOID = {"meta", "br", "link", "image"}


class Page(HTMLParser):
    """What a reader of the page needs of it; wrong nesting is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.open = text, []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[str] = []
        self.captions: list[str] = []
        self.rows: list[list[str]] = []  # of the table of trials
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        self.ids += [known["id"]] if known.get("id") else []
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self.headings.append("")
        if tag == "figcaption":
            self.captions.append("")
        if tag == "tr" and self.headings[-1:] == ["Trials"] and "tbody" in self.open:
            self.rows.append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        self.ids += [known["id"]] if known.get("id") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["h2"]:
            self.headings[-1] += data
        if self.open[-1:] == ["figcaption"]:
            self.captions[-1] += data
        if self.open[-1:] == ["td"] and self.rows:
            self.rows[-1].append(data)


def written(of: Study, root: Path, course: Any) -> Page:
    uri = log(of, root, course)
    path = page.write(analysis.analyse(of.name, uri), uri, root / "reports")
    found = Page(path.read_text())
    assert len(set(found.ids)) == len(found.ids)
    hrefs = [known[name] for _, known in found.tags for name in ("href", "xlink:href") if name in known]
    assert all(href.startswith(("#", "data:")) for href in hrefs if href)
    assert all(known["src"].startswith("data:") for _, known in found.tags if "src" in known)
    assert not re.search(r"url\((?!#)|@import", found.text)
    linked = {known["href"] for tag, known in found.tags if tag == "a"}
    assert {link.removeprefix("#") for link in linked} <= set(found.ids)
    figures = sum(tag == "figure" for tag, _ in found.tags)
    assert len(found.captions) == figures == sum(tag == "svg" for tag, _ in found.tags)
    assert all(caption.endswith(".") and caption[:1].strip() for caption in found.captions)
    assert not [caption for caption in found.captions if "nan" in caption.split()]
    files = {path.name for path in (root / "reports/figures").glob("*")}
    names = {known["id"].removeprefix("figure-") for tag, known in found.tags if tag == "figure"}
    assert files == {f"{name}.{suffix}" for name in names for suffix in ("svg", "png", "csv")}
    return found


def figures(found: Page) -> list[str]:
    return [known["id"].removeprefix("figure-") for tag, known in found.tags if tag == "figure"]


def test_a_trained_grid_has_all_of_it(tmp_path: Path) -> None:
    of = study()
    found = written(of, tmp_path, trained(of, tmp_path))
    sections = ["What was run", "Optimal combination", "Figures", "Effects", "Pareto front", "Trials"]
    assert found.headings == sections
    expected = {"mean_by_nb_hidden", "mean_by_nb_steps", "learning_curves", "network", "confusion", "pareto"}
    assert expected <= set(figures(found))
    assert len(found.rows) == 4
    landmarks = [tag for tag, _ in found.tags if tag in ("header", "nav", "main", "footer")]
    assert landmarks == ["header", "nav", "main", "footer"]
    assert all(known.get("scope") in ("col", "row") for tag, known in found.tags if tag == "th")
    nb_tables = sum(tag == "table" for tag, _ in found.tags)
    assert sum(tag == "caption" for tag, _ in found.tags) == nb_tables
    for told in ("20 train, 10 validation and 10 test samples of", "fingerprint ", "python 3", "4 trials: a processor"):
        assert told in found.text
    curves = pd.read_csv(tmp_path / "reports/figures/learning_curves.csv")
    assert curves.groupby("trial").size().to_dict() == {"best": 3, "median": 3, "worst": 3}


def test_what_has_to_be_said_of_the_data_is_on_the_page_and_in_mlflow(tmp_path: Path) -> None:
    write_shd(tmp_path)
    of = build("small", study().tables() | {"data": {"name": "shd"}})
    assert "not the official files, which have 8,156" in written(of, tmp_path, planted(lambda _: 0.5)).text
    parent = Store("small", f"sqlite:///{tmp_path / 'mlflow.db'}").parent()
    assert parent
    assert "not the official files, which have 8,156" in parent.data.tags[NOTE]


def test_every_state_is_counted_and_listed_and_texts_are_texts(tmp_path: Path) -> None:
    of = override(study(), {"nb_hidden": [5, 6, 7, 8, 9, 10], "nb_steps": [20]})
    of = build("small", of.tables() | {"description": "<script>alert('study')</script> & co"})
    states = ["finished", "failed", "diverged", "pruned", None, "finished"]

    def course(trial: Trial) -> Course | None:
        state = states[trial.parameters.nb_hidden - 5]  # type: ignore[operator]
        if state is None:
            return None
        epochs, ending = planted(lambda _: 0.5)(trial)
        assert ending is not None
        if state == "finished":
            silent = "silent" if trial.parameters.nb_hidden == 10 else ""
            return epochs, Ending(state, activity=silent, metrics=ending.metrics, tags=GROUP)
        return epochs, Ending(state, reason="<img src=x onerror=alert(1)>")

    found = written(of, tmp_path, course)
    assert len(found.rows) == 6
    assert sorted(row[1].split(",")[0] for row in found.rows) == sorted(state or "missing" for state in states)
    assert "6 trials: " in found.text
    for told in ("2 finished", "1 failed", "1 diverged", "1 pruned", "1 missing", "1 of the finished is silent"):
        assert told in found.text
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert not [known for tag, known in found.tags if tag == "img" or "onerror" in known]
    assert "&lt;script&gt;alert(" in found.text


@pytest.mark.parametrize("state", [None, "failed"])
def test_without_a_finished_trial_it_says_so(tmp_path: Path, state: str | None) -> None:
    found = written(study(), tmp_path, lambda _: ([], Ending(state, reason="why")) if state else None)
    assert "No trial has finished with a validation accuracy yet, of 4 trials." in found.text
    assert "There is nothing to draw yet." in found.text
    assert figures(found) == []
    assert len(found.rows) == 4


def test_one_trial_alone(tmp_path: Path) -> None:
    of = override(study(), {"nb_hidden": [5], "nb_steps": [20]})
    found = written(of, tmp_path, planted(lambda _: 0.75))
    assert "The one trained network" in found.text
    assert "75.00" in found.text
    assert "its trial left no evidence.npz" in found.text
    assert "learning_curves" in figures(found)
    assert not [name for name in figures(found) if name.startswith("mean_by")]


def test_several_seeds_categories_missing_measures_and_mixed_machines(tmp_path: Path) -> None:
    axes = {"reset": ["zero", "subtract"], "recurrent": [True, False], "nb_hidden": [5, [5, 6]], "nb_steps": [20]}
    of = override(study(), axes, seeds=2)

    def course(trial: Trial) -> Course:
        epochs, ending = planted(lambda one: 0.5 + 0.2 * one.parameters.recurrent + 0.01 * one.seed)(trial)
        assert ending is not None
        metrics = ending.metrics | ({"run_time_s": nan} if trial.parameters.reset == "zero" else {})
        tags = GROUP | ({"device": "another"} if trial.seed else {})
        return epochs, Ending("finished", metrics=metrics, tags=tags)

    found = written(of, tmp_path, course)
    assert len(found.rows) == 16
    assert {"mean_by_reset", "mean_by_recurrent", "mean_by_nb_hidden", "effects"} <= set(figures(found))
    assert "8 trials: another" in found.text
    assert "8 trials: a processor" in found.text
    assert "recurrent True has the best mean validation accuracy, 70.50" in found.text


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_evidence_that_cannot_be_read_costs_its_figures_alone(tmp_path: Path, content: bytes) -> None:
    def course(trial: Trial) -> Course:
        file = tmp_path / trial.key / "evidence.npz"
        evidence_file(file.parent, {"pid": 1})
        file.write_bytes(content)
        epochs, ending = planted(lambda one: 0.01 * one.parameters.nb_hidden)(trial)  # type: ignore[operator]
        assert ending is not None
        return epochs, Ending("finished", metrics=ending.metrics, files=(str(file),), tags=GROUP)

    found = written(study(), tmp_path, course)
    assert "evidence.npz: cannot be read" in found.text
    assert "mean_by_nb_hidden" in figures(found)
    assert "network" not in figures(found)


def test_a_search_and_its_importances(tmp_path: Path) -> None:
    search = {"method": "random", "samples": 12, "objectives": ["accuracy", "run_time"]}
    of = override(study(), {"nb_hidden": "int(5, 16, 1)", "nb_steps": [20]}, search=search)
    found = written(of, tmp_path, planted(lambda one: 0.05 * one.parameters.nb_hidden))  # type: ignore[operator]
    assert found.headings[1] == "The search"
    assert {"course", "slices", "learning_curves", "effects", "pareto"} <= set(figures(found))
    assert "Pareto set of accuracy:max, run_time:min" in found.text
    assert len(found.rows) == 12


def test_a_long_table_is_cut_and_says_where_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    found = written(study(), tmp_path, planted(lambda _: 0.5))
    assert len(found.rows) == 3
    assert "The table has the first 3 of 4 trials; all are in trials.csv beside this page." in found.text


def test_figures_of_an_earlier_page_do_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "reports/figures"
    folder.mkdir(parents=True)
    (folder / "mean_by_old.svg").write_text("")
    written(study(), tmp_path, planted(lambda _: 0.5))  # compares the files with the figures
    (folder / "notes.txt").write_text("the user's own")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    page.write(analysis.analyse("small", uri), uri, tmp_path / "reports")
    assert (folder / "notes.txt").exists()


def test_a_page_that_fails_costs_a_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log(study(), tmp_path, planted(lambda _: 0.5))
    arguments = ["small", "--root", str(tmp_path)]
    path = tmp_path / "reports/small/index.html"
    assert command.main(arguments) == 0
    assert f"report: {path}" in capsys.readouterr().out
    assert path.exists()

    def fails(*_: object) -> None:
        raise ValueError("no\nluck")

    monkeypatch.setattr(page, "write", fails)
    assert command.main(arguments) == 0
    assert "report: not written: no luck" in capsys.readouterr().out
    assert not path.exists()  # one of an earlier state would mislead
    assert json.loads((tmp_path / "reports/small/optimum.json").read_text())


def test_a_trial_without_a_curve_costs_its_curve_alone(tmp_path: Path) -> None:
    uri = log(study(), tmp_path, planted(lambda one: 0.1 * one.parameters.nb_hidden / 10))
    found = analysis.analyse("small", uri)
    found.trials.histories[found.trials.frame["key"].iloc[0]] = "[]"
    text = page.write(found, uri, tmp_path / "reports").read_text()
    assert "The faint curves are 3 of them" in text
