"""A study in Python: one's own data and network, and what is said of those that do not fit."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from snn_tune.api import Study, own_data
from snn_tune.errors import UserError
from snn_tune.study_tables import build

BASE = {"nb_steps": 10, "scale": 10.0, "regularizer": 0.0, "batch_size": 5, "tau_mem": 1e-2, "tau_syn": 5e-3}
SPACE = {"nb_hidden": [5, 10], "lr": [1e-2]}


def spikes() -> dict[str, Any]:
    """Unit 0 of sample 0 spikes at the start, unit 2 of sample 2 twice in one bin, and once after the end."""
    part = (([0, 2, 2, 2], [0.0, 0.55, 0.59, 1.0], [0, 2, 2, 1]), [0, 1, 0])
    return dict.fromkeys(("train", "valid", "test"), part)


def test_one_s_own_spikes_are_binned(tmp_path: Path) -> None:
    data = own_data(spikes, nb_inputs=3, nb_classes=2).load(10, tmp_path)
    unit, count, offsets = data.train.source.batch(torch.arange(3)).bags()
    assert (unit.tolist(), count.tolist()) == ([0, 2], [1.0, 2.0])
    assert np.flatnonzero(np.diff(offsets)).tolist() == [0, 25]
    assert data.train.labels.tolist() == [0, 1, 0]
    longer = own_data(spikes, nb_inputs=3, nb_classes=2).load(20, tmp_path)
    assert longer.fingerprint == data.fingerprint
    assert own_data(spikes, nb_inputs=4, nb_classes=2).load(10, tmp_path).fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (5, "train: must be a pair"),
        (([0], [0]), "train: events must be three arrays"),
        ((([0], [0.0], [3]), [0]), "train: unit must be 0 to 2; it is 3 to 3"),
        ((([1], [0.0], [0]), [0]), "train: sample must be 0 to 0; it is 1 to 1"),
        ((([0], [-1.0], [0]), [0]), "train: time must be 0 or more"),
        ((([0], [0.0], [0.5]), [0]), "train: unit must be whole numbers"),
        ((([0, 1], [0.0], [0]), [0]), "train: sample, time and unit must be of one length"),
        ((([0], [0.0], [0]), [2]), "train: label must be 0 to 1"),
    ],
)
def test_spikes_that_do_not_fit_are_named(part: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        own_data(lambda: spikes() | {"train": part}, nb_inputs=3, nb_classes=2).load(10, tmp_path)


def test_a_study_in_python_is_that_of_a_file_with_these_tables() -> None:
    data = {"name": "randman", "nb_train": 20}
    ours = Study("mine", data=data, base=BASE, space=SPACE, nb_epochs=2, search={"method": "random"})
    tables = {"data": data, "base": BASE, "grid": SPACE, "budget": {"nb_epochs": 2}, "search": {"method": "random"}}
    theirs = build("mine", tables)
    assert ours.tables() == theirs.tables()
    assert ours.cells() == theirs.cells()
    with pytest.raises(UserError, match="name = 'a b': must be letters"):
        Study("a b", data=data, base=BASE, space=SPACE, nb_epochs=2)
    with pytest.raises(UserError, match="^name = '.': must be"):  # else --fresh would remove the trials of all studies
        Study(".", data=data, base=BASE, space=SPACE, nb_epochs=2)
    with pytest.raises(UserError, match=r"nb_hiden: unknown \(did you mean 'nb_hidden'\?\)"):
        Study("mine", data=data, base=BASE, space={"nb_hiden": [1]}, nb_epochs=2)


class Network(torch.nn.Module):
    """Never built."""


def test_another_network_is_another_trial() -> None:
    options = {"data": {"name": "randman"}, "base": BASE, "space": SPACE, "nb_epochs": 2}
    ours, theirs = Study("mine", **options), Study("mine", **options, network=Network)
    assert theirs.network.startswith("Network-")
    assert {one.key for one in ours.trials("x")} & {one.key for one in theirs.trials("x")} == set()
    assert build("mine", theirs.tables()).trials("x") == theirs.trials("x")


@pytest.mark.slow
def test_the_programs_of_the_readme_run(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    blocks = [block.split("```")[0] for block in readme.split("```python\n")[1:]]
    programs = {name[1]: block for block in blocks if (name := re.match(r"# (\w+\.py)\n", block))}
    assert [*programs] == ["gestures.py", "tied.py"]
    for name, program in programs.items():
        (tmp_path / name).write_text(program)
        done = subprocess.run([sys.executable, name], cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "0 failed" in done.stdout or "finished" in done.stdout
