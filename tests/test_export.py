"""A copy of all results: small, without addresses of this machine, and results like any other."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from mlflow.entities import Metric
from small import study
from stored import keep, open_store

from snn_tune.analysis.whole import analyse
from snn_tune.errors import UserError
from snn_tune.export import export, main
from snn_tune.tracking.ledger import Ledger
from snn_tune.tracking.store import Store, writable

NB_EPOCHS = 50


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Results of four trials, each with the values of its epochs and its files."""
    root = tmp_path / "runs"
    store = open_store(study(), root)
    store.client.set_tag(store.parent().info.run_id, "lease", "somebody")
    for place, trial in enumerate(study().trials("data")):
        keep(store, trial, valid=0.5 + 0.1 * place, nb_epochs=NB_EPOCHS)
    for run in store.runs("tags.role = 'trial'"):
        values = [Metric(name, 0.1, 1, epoch) for name in ("train_accuracy", "loss") for epoch in range(1, NB_EPOCHS)]
        store.client.log_batch(run.info.run_id, values)
        for name in ("model.pt", "evidence.npz", "other.txt"):
            (tmp_path / name).write_text(f"{name} of {run.info.run_id}")
            store.client.log_artifact(run.info.run_id, str(tmp_path / name))
    return root


def uri(root: Path) -> str:
    return f"sqlite:///{root / 'mlflow.db'}"


def test_tables_made_of_it_are_the_same(root: Path, tmp_path: Path) -> None:
    assert export(root, tmp_path / "copy") == ["small: 4 trials"]
    assert analyse("small", uri(tmp_path / "copy")).as_json() == analyse("small", uri(root)).as_json()


def test_values_of_each_epoch_stay_of_the_trials_whose_curves_are_drawn(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "copy")
    store = Store("small", uri(tmp_path / "copy"))
    nb_values = sorted(
        len(store.client.get_metric_history(run.info.run_id, "loss")) for run in store.runs("tags.role = 'trial'")
    )
    assert nb_values == [1, NB_EPOCHS - 1, NB_EPOCHS - 1, NB_EPOCHS - 1]  # the last value; best, median and worst


def test_files_of_the_best_network_come_along_wherever_it_goes(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "copy")
    shutil.rmtree(root)
    (tmp_path / "copy").rename(tmp_path / "moved")
    store = Store("small", uri(tmp_path / "moved"))
    found = analyse("small", store.uri)
    best = found.trials.run_ids[found.tables.best_key]
    assert store.artifact(best, "model.pt", "").read_text() == f"model.pt of {best}"
    files = [file for file in (tmp_path / "moved" / "artifacts").rglob("*") if file.is_file()]
    assert sorted(file.name for file in files) == ["evidence.npz", "model.pt"]


def test_it_names_no_folder_of_this_machine_and_no_holder(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "copy")
    content = (tmp_path / "copy" / "mlflow.db").read_bytes()
    assert str(tmp_path).encode() not in content
    assert b"somebody" not in content


def test_studies_go_on_in_it(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    export(root, copy)
    store = writable("small", uri(copy), copy / "artifacts")
    assert Ledger(store).missing(study().trials("data")) == []
    another = study(grid={"nb_hidden": [5, 20]}).trials("data")[-1]
    keep(store, another, valid=0.99)
    (run,) = store.runs(f"tags.key = '{another.key}'")
    assert run.info.artifact_uri.startswith((copy / "artifacts" / "small").as_uri())
    assert all(run.info.artifact_uri.startswith((copy / "artifacts").as_uri()) for run in store.runs())


def test_a_copy_is_replaced_and_results_are_not(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    export(root, copy)
    (best,) = (copy / "artifacts" / "small").iterdir()
    store = Store("small", uri(root))
    keep(store, study(grid={"nb_hidden": [5, 20]}).trials("data")[-1], valid=0.99)  # not of this study: the best stays
    assert export(root, copy) == ["small: 5 trials"]
    assert [best] == list((copy / "artifacts" / "small").iterdir())
    for there in (root, tmp_path / "others"):
        writable("another", uri(there), there / "artifacts")
        with pytest.raises(UserError, match=f"^{there} holds results that are no copy; name another folder"):
            export(root, there)


def test_the_command_says_what_it_did_and_what_is_missing(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "copy"), "--root", str(root)]) == 0
    assert capsys.readouterr().out == "small: 4 trials\n"
    assert main([str(tmp_path / "copy"), "--root", str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.startswith(f"error: there is no {tmp_path / 'nothing' / 'mlflow.db'}; name the")
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file"), "--root", str(root)]) == 2
    assert "file" in capsys.readouterr().err


def test_a_study_of_which_nothing_has_finished_is_copied_too(tmp_path: Path) -> None:
    keep(open_store(study(), tmp_path / "runs"), study().trials("data")[0], state="interrupted")
    assert export(tmp_path / "runs", tmp_path / "copy") == ["small: 1 trial"]


def test_it_is_much_smaller(root: Path, tmp_path: Path) -> None:
    store = Store("small", uri(root))
    for run in store.runs("tags.role = 'trial'"):
        for name in "abcd":
            values = np.random.default_rng(0).random(900)
            store.client.log_batch(run.info.run_id, [Metric(name, one, 1, step) for step, one in enumerate(values)])
    export(root, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "mlflow.db") as database:
        (kept,) = database.execute("SELECT count(*) FROM metrics WHERE key = 'a'").fetchone()
    assert kept == 3 * 900 + 1
