"""Kill -9 a search at random moments: the same command typed again ends with what was asked for, each once."""

import os
import random
import re
import time
from pathlib import Path

import pytest
from harness import check_searched, database, driver, finish, searched
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.slow

SEEDS = range(int(os.environ.get("SNN_TUNE_FAULT_SEEDS", "1")))
NB_SAMPLES = 16


@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_is_killed(seed: int, tmp_path: Path) -> None:
    moments = random.Random(seed)
    for _ in range(2):
        process = driver(tmp_path, samples=NB_SAMPLES)
        begun = len(trials(tmp_path))
        while len(trials(tmp_path)) <= begun + moments.randrange(5) and process.poll() is None:
            time.sleep(0.2)
        time.sleep(moments.uniform(0, 2))
        process.kill()
        process.communicate()
    assert f"{NB_SAMPLES} samples: " in finish(tmp_path, samples=NB_SAMPLES)
    check_searched(database(tmp_path), searched(NB_SAMPLES))
    before = trials(tmp_path)
    printed = finish(tmp_path, samples=NB_SAMPLES)
    assert re.search(rf"{NB_SAMPLES} samples: {NB_SAMPLES} done( \(\d+ pruned\))?\n", printed)
    assert "4 trials: 4 done\n" in printed
    assert trials(tmp_path) == before


def trials(root: Path) -> list[str]:
    """Runs of trials that the store has."""
    if not (root / "mlflow.db").exists():
        return []
    client = MlflowClient(database(root))
    experiment = client.get_experiment_by_name("small")
    found = client.search_runs([experiment.experiment_id], "tags.role = 'trial'") if experiment else []
    return sorted(run.info.run_id for run in found)
