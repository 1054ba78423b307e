"""What MLflow's pages say of a study: read back with MLflow's own client."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from mlflow.data import get_source
from mlflow.entities import DatasetInput
from mlflow.tracking import MlflowClient
from small import study
from test_space import searched

from snn_tune.study_tables import override
from snn_tune.tracking import data_input, view
from snn_tune.tracking.describe import NOTE, bullets, describe_study, note, plain, table
from snn_tune.tracking.store import Store, writable

TAGS = {
    "dataset": "randman", "data_fingerprint": "0123456789abcdef" * 4, "data_files": '{"a.h5": "cafe"}',
    "samples": '{"nb_train": 1000, "nb_valid": 10, "nb_test": 20}', "nb_classes": "10",
    "command": "python -m snn_tune.run small", "versions": "python 3, torch 2",
}  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)> [a](http://b.c) | `d` *e* www.f.g # h"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return writable("small", f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


def html(markdown: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown)


def test_the_run_says_what_runs_and_has_the_data_as_an_input_once(store: Store) -> None:
    run_id = store.client.create_run(store.experiment_id, tags={"role": "study"}).info.run_id
    data = data_input.description(study().data, TAGS)
    for nb_epochs in (3, 9):
        describe_study(store, run_id, study(budget={"nb_epochs": nb_epochs}), TAGS, data)
    run = MlflowClient(store.uri).get_run(run_id)
    assert "<strong>4 trials: all combinations, 9 epochs each</strong>" in html(run.data.tags[NOTE])
    (found,) = run.inputs.dataset_inputs
    check_data(found)
    assert get_source(found.dataset).to_dict()["tags"]["files"] == TAGS["data_files"]


def check_data(found: DatasetInput) -> None:
    assert (found.dataset.name, found.dataset.digest) == ("randman", TAGS["data_fingerprint"][:16])
    assert json.loads(found.dataset.profile) == json.loads(TAGS["samples"]) | {"nb_inputs": 50, "nb_classes": 10}
    assert {tag.key: tag.value for tag in found.tags} == {"mlflow.data.context": "train, valid, test"}


def test_the_experiment_is_described_and_has_a_view_of_its_trials(store: Store) -> None:
    run_id = store.client.create_run(store.experiment_id, tags={"role": "study"}).info.run_id
    describe_study(store, run_id, study(), TAGS)
    tags = MlflowClient(store.uri).get_experiment(store.experiment_id).tags
    assert "it is one run for each trial" in tags[NOTE]
    saved = json.loads(tags[view.TAG])
    state = json.loads(saved["state"])
    assert saved["name"] in tags[NOTE]
    assert state["selectedColumns"][0] == state["orderByKey"] == "metrics.`best_valid_accuracy`"
    assert {"params.`nb_hidden`", "params.`nb_steps`", "tags.`state`"} < set(state["selectedColumns"])
    trials = store.client.search_runs([store.experiment_id], state["searchFilter"])  # the filter is one of MLflow's
    assert list(trials) == []


def test_a_note_tells_of_searches_and_of_what_does_not_vary() -> None:
    axes = {"lr": "loguniform(1e-4, 1e-2)", "nb_hidden": list(range(1, 21)), "recurrent": [True]}
    asked = {"method": "optuna", "samples": 30, "scheduler": "asha", "confirm": 3}
    shown = html(note(override(study(), axes, search=asked), TAGS, "first"))
    told = "30 trials chosen by optuna, at most 3 epochs each; asha stops those that fall behind; then the best 3 again"
    assert told in shown
    assert "1, 2, 3, 4, 5, 6, 7, 8, ... (20 values)" in shown
    assert "loguniform(1e-4, 1e-2)" in shown
    assert "recurrent true" in shown
    assert "samples: 1,000 train, 10 valid, 20 test." in shown


def test_a_condition_is_told() -> None:
    axes = {"recurrent": [False, True], "init_scale_recurrent": "[0.1, 0.2] if recurrent = true"}
    assert "0.1, 0.2 if recurrent = True" in html(note(searched(axes), TAGS, "first"))


def test_nothing_in_it_is_a_link_or_html() -> None:
    text = note(replace(study(), description=HOSTILE), TAGS | {"command": HOSTILE, "versions": HOSTILE}, plain(HOSTILE))
    for markdown in (text, table([HOSTILE, "b"], [[HOSTILE, HOSTILE]]), bullets([HOSTILE])):
        shown = html(markdown)
        assert not any(tag in shown for tag in ("<a ", "<img", "<em>", "<h1>"))
        no_code = re.sub(r"`[^`]*`", "", markdown)
        assert not any(address in no_code for address in ("://", "www."))  # GitHub's Markdown makes links of them
    assert html(table([HOSTILE, "b"], [["c", "d"]])).count("<th>") == 2


def test_a_note_is_no_longer_than_a_tag_may_be() -> None:
    assert len(note(study(), TAGS, "x" * 10_000)) == 8000
