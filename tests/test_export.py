"""A copy of all results: small, without addresses of this machine, and results like any other."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow.entities import Metric
from small import study
from stored import keep, open_store

from snn_tune.analysis.from_store import analyse
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


def test_a_copy_is_replaced_with_the_files_of_what_is_best_now(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    export(root, copy)
    (former,) = (copy / "artifacts" / "small").iterdir()
    store = Store("small", uri(root))
    store.client.set_tag(former.name, "state", "failed")
    assert export(root, copy) == ["small: 4 trials"]
    (best,) = (copy / "artifacts" / "small").iterdir()
    assert best.name != former.name
    assert sorted(file.name for file in copy.iterdir()) == ["artifacts", "mlflow.db"]


@pytest.mark.parametrize("database", [True, False])
def test_results_that_are_no_copy_are_not_touched(root: Path, tmp_path: Path, database: bool) -> None:
    others = tmp_path / "others"
    (others / "artifacts" / "small").mkdir(parents=True)
    (others / "artifacts" / "small" / "model.pt").write_text("theirs")
    if database:
        writable("another", uri(others), others / "artifacts")
    with pytest.raises(UserError, match=f"^{others} holds results that are no copy; name another folder"):
        export(root, others)
    assert (others / "artifacts" / "small" / "model.pt").read_text() == "theirs"


def test_results_are_not_copied_onto_themselves(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    export(root, copy)
    files = sorted(copy.rglob("*"))
    for one in (root, copy):
        with pytest.raises(UserError, match="is what is to be copied; name another folder"):
            export(one, one)
    assert sorted(copy.rglob("*")) == files


def test_a_copy_that_was_killed_half_way_is_made_again(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    export(root, copy)
    shutil.rmtree(copy / "artifacts")  # the database was there, the files not yet
    assert export(root, copy) == ["small: 4 trials"]
    assert len(list((copy / "artifacts" / "small").iterdir())) == 1


def test_a_study_that_cannot_be_analysed_does_not_keep_the_others_back(root: Path, tmp_path: Path) -> None:
    writable("broken", uri(root), root / "artifacts")
    first, second = export(root, tmp_path / "copy")
    assert first.startswith("broken: copied as it is: there are no trials of 'broken' in ")
    assert second == "small: 4 trials"


def test_an_interrupted_trial_keeps_the_values_of_all_epochs(root: Path, tmp_path: Path) -> None:
    store = Store("small", uri(root))
    run = next(run for run in store.runs("tags.role = 'trial'"))
    store.client.set_tag(run.info.run_id, "state", "interrupted")
    export(root, tmp_path / "copy")
    kept = Store("small", uri(tmp_path / "copy")).client.get_metric_history(run.info.run_id, "loss")
    assert len(kept) == NB_EPOCHS - 1


def test_runs_in_the_bin_stay_there(root: Path, tmp_path: Path) -> None:
    store = Store("small", uri(root))
    gone = next(run.info.run_id for run in store.runs("tags.role = 'trial'"))
    store.delete([gone])
    assert export(root, tmp_path / "copy") == ["small: 3 trials"]
    assert gone.encode() not in (tmp_path / "copy" / "mlflow.db").read_bytes()


def test_models_whose_files_stay_behind_are_not_there(root: Path, tmp_path: Path) -> None:
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute(
            "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,"
            f" last_updated_timestamp_ms, status) VALUES ('m', 1, 'best', 'file://{tmp_path}/m', 1, 1, 2)"
        )
    export(root, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "mlflow.db") as database:
        assert database.execute("SELECT count(*) FROM logged_models").fetchone() == (0,)


def test_what_waits_for_the_store_is_told(root: Path, tmp_path: Path) -> None:
    (root / "journal" / "small").mkdir(parents=True)
    (root / "journal" / "small" / "waits.jsonl").write_text("{}")
    assert export(root, tmp_path / "copy")[1] == f"not copied: what waits in {root / 'journal'}; `run` delivers it"


def test_another_programs_database_is_left_alone(root: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("CREATE TABLE theirs (a)")
    before = (tmp_path / "mlflow.db").read_bytes()
    for here, there in ((tmp_path, tmp_path / "copy"), (root, tmp_path)):
        with pytest.raises(UserError, match="mlflow.db cannot be used .another program's database.: move"):
            export(here, there)
    assert (tmp_path / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize("name", ["a#b", "a b", "ä"])
def test_a_root_may_have_any_name(root: Path, tmp_path: Path, name: str) -> None:
    assert export(root.rename(tmp_path / name), tmp_path / f"copy of {name}") == ["small: 4 trials"]


def test_a_root_that_cannot_be_in_an_address_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a path with . or % cannot be part of a database's address"):
        export(root.rename(tmp_path / "a?b"), tmp_path / "copy")


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
        values = [Metric(name, place / 900, 1, place) for name in "abcdefgh" for place in range(900)]
        for first in range(0, len(values), 900):
            store.client.log_batch(run.info.run_id, values[first : first + 900])
        store.client.set_tag(run.info.run_id, "state", "pruned")
    export(root, tmp_path / "copy")
    before, after = ((one / "mlflow.db").stat().st_size for one in (root, tmp_path / "copy"))
    assert after < 1_500_000 < 4_000_000 < before
