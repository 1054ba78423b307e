"""The published results: their tables come out of the published store again, and it names no machine's folders."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from snn_tune.analysis import Analysis, analyse
from snn_tune.study_file import FOLDER
from snn_tune.tracking.database import database_uri
from snn_tune.tracking.store import Store

RESULTS = FOLDER / "results"
URI = database_uri(RESULTS)
REPORTS = [one.name for one in Store("", URI).experiments() if (RESULTS / "reports" / one.name).is_dir()]


@cache
def analysed(study: str) -> Analysis:
    return analyse(study, URI)


@pytest.mark.parametrize("study", REPORTS)
def test_the_tables_can_be_made_again(study: str, tmp_path: Path) -> None:
    before = (RESULTS / "mlflow.db").read_bytes()
    made = analyse(study, URI).write(tmp_path)  # anew, to see that it writes nothing into the store
    published = sorted((RESULTS / "reports" / study).glob("*.csv"))
    assert {path.name for path in published} == {path.name for path in made if path.suffix == ".csv"}
    for path in published:
        pd.testing.assert_frame_equal(pd.read_csv(path), pd.read_csv(tmp_path / path.name))
    assert (RESULTS / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize("study", REPORTS)
def test_the_best_network_is_there(study: str) -> None:
    found = analysed(study)
    run_id = found.trials.run_ids[found.tables.best_key]
    assert all(Store(study, URI).artifact(run_id, name, "").is_file() for name in ("model.pt", "evidence.npz"))


@pytest.mark.parametrize("study", ["tbl", "fashion_mnist", "shd"])
def test_a_grid_is_whole(study: str) -> None:
    frame = analysed(study).trials.frame
    assert (frame["state"] == "finished").all()
    assert len(frame) % 81 == 0


def test_nothing_is_half_done() -> None:
    """Each study of the store is published, and no trial of it was running when it was copied."""
    studies = [one.name for one in Store("", URI).experiments() if one.name != "Default"]
    assert sorted(studies) == sorted(path.name for path in (RESULTS / "reports").iterdir() if path.name in studies)
    for study in studies:
        assert not {run.info.status for run in Store(study, URI).runs()} & {"RUNNING", "SCHEDULED"}


def test_no_folder_of_a_machine_is_in_the_store() -> None:
    content = (RESULTS / "mlflow.db").read_bytes()
    assert b"file:/" not in content
    assert b"--root" not in content
