"""How many trials share a GPU: from an estimate of a trial's bytes, which is held against what a step really takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import study

from snn_tune.sharing import ACTIVATIONS, PROCESS, card_bytes, trial_bytes, trials_per_gpu

GIB = 2**30


@pytest.mark.parametrize(
    ("bytes_each", "card", "cores", "trials"),
    [
        (GIB, 16 * GIB, 8, 8),  # the cores are fewer
        (2 * GIB, 16 * GIB, 64, 7),  # the memory is less: 0.9 of it
        (20 * GIB, 16 * GIB, 8, 1),
        (0, 16 * GIB, 64, 4),  # nothing is known of the trials, or of the card
        (GIB, 0, 64, 4),
        (GIB, 0, 2.5, 2),
        (GIB, 16 * GIB, 0.5, 1),
    ],
)
def test_as_many_share_a_card_as_it_holds_and_cores_feed(bytes_each: int, card: int, cores: float, trials: int) -> None:
    assert trials_per_gpu(bytes_each, card, cores) == trials


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.floats(0.1, 1000))
def test_they_fit_unless_one_alone_does_not(bytes_each: int, card: int, cores: float) -> None:
    trials = trials_per_gpu(bytes_each, card, cores)
    assert trials == 1 or (trials * bytes_each <= card and trials <= cores)


def test_a_trial_s_bytes_grow_with_all_that_it_holds() -> None:
    small = study()
    data = small.data.load(20, Path())
    cells = small.cells()
    assert trial_bytes(small, [], data) == 0
    assert trial_bytes(small, cells[:1], data) < trial_bytes(small, cells, data)
    each = [cell.model_copy(update={"batch_size": 1000}) for cell in cells]
    activations = 4 * ACTIVATIONS * 20 * 30 * 10  # a batch is no more than all 20 training samples
    assert activations < trial_bytes(small, each, data) - PROCESS < 1.5 * activations


MEASURE = """
import json, sys
from pathlib import Path
from small import study
from snn_tune.bench.memory import PeakMemory
from snn_tune.network_settings import network_settings
from snn_tune.sharing import PROCESS, trial_bytes
from snn_tune.snn import SpikingNetwork
from snn_tune.training_step import TrainingStep

what = study(
    data={"nb_train": 512},
    base={"batch_size": 256, **json.loads(sys.argv[1])},
    grid={"nb_hidden": [200], "nb_steps": [100]},
)
(cell,), data = what.cells(), what.data.load(100, Path())
network = SpikingNetwork(network_settings(cell, data), kernel="reference")  # as on a GPU
step = TrainingStep(network, cell, data)
first, second = data.train.batches(256)
step(*first)
peak = PeakMemory("cpu")
step(*second)
print(json.dumps([trial_bytes(what, [cell], data) - PROCESS, peak.bytes()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("network", [{"recurrent": True}, {"recurrent": False}, {"recurrent": True, "nb_layers": 3}])
def test_the_estimate_is_no_less_than_a_step_takes_and_not_much_more(network: dict) -> None:
    at_once = {"MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "0"}  # what is freed is given back
    paths = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])}
    command = [sys.executable, "-c", MEASURE, json.dumps(network)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | at_once | paths)
    assert done.returncode == 0, done.stderr
    estimate, taken = json.loads(done.stdout.splitlines()[-1])
    assert taken < estimate < 1.5 * taken


def test_a_machine_without_nvidia_s_driver_has_no_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert card_bytes() == 0
    said = tmp_path / "nvidia-smi"
    said.write_text("#!/bin/sh\necho 16384\necho 8192\n")
    said.chmod(0o755)
    assert card_bytes() == 8192 * 2**20
    said.write_text("#!/bin/sh\necho '[N/A]'\n")
    assert card_bytes() == 0
