"""The studies of what the thesis's text leaves open: they can be run, and differ from the grids in that alone."""

import importlib
import tomllib
from types import ModuleType

import pytest
import torch

from snn_tune.snn import NetworkSettings, SpikingNetwork
from snn_tune.study_file import FOLDER, available, read

CHOICES = FOLDER / "choices"
OPEN = {"reset", "init_fan", "init_scale", "reduction"}


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(CHOICES)
    return importlib.import_module("tbl_encoder")


@pytest.mark.parametrize("name", ["fashion_mnist", "shd", "tbl"])
def test_a_study_of_choices_is_a_cell_of_the_grid_with_what_is_open(name: str) -> None:
    grid, choices = read(name), read(str(CHOICES / f"{name}_choices.toml"))
    assert choices.grid.keys() <= OPEN
    assert choices.data == grid.data
    assert choices.budget.nb_epochs == grid.budget.nb_epochs
    ours = {cell.model_dump_json(exclude=OPEN) for cell in choices.cells()}
    assert len(ours) == 1
    assert ours < {cell.model_dump_json(exclude=OPEN) for cell in grid.cells()}
    own = [trial.key for trial in choices.trials("data")]
    assert len({trial.key for trial in grid.trials("data")} & set(own)) == 1  # the grid's cell, with its seed


def test_the_study_of_the_encoder_has_combinations_of_that_of_choices(late: ModuleType) -> None:
    choices = read(str(CHOICES / "tbl_choices.toml"))
    assert {cell.model_dump_json() for cell in late.study.cells()} < {c.model_dump_json() for c in choices.cells()}
    assert late.study.data == choices.data
    assert late.study.budget == choices.budget


def test_its_units_fire_twice_where_those_that_reset_at_once_fire_once(late: ModuleType) -> None:
    settings = NetworkSettings(
        nb_inputs=1,
        nb_hidden=2,
        nb_classes=2,
        dt=2e-3,
        tau_mem=20e-3,
        tau_syn=10e-3,
        scale=20.0,
        recurrent=True,
        reset="zero",
        scaled_input=True,
        units_per_channel=1,
        init_scale=1.0,
        init_scale_recurrent=1.0,
        init_fan="in",
    )
    trains = []
    for network in (SpikingNetwork(settings), late.LateReset(settings)):
        with torch.no_grad():
            network.encoder.gain.fill_(1.0)
            network.encoder.bias.fill_(0.0)
        trains.append("".join(str(int(s)) for s in network.encode(torch.full((1, 30, 1), 2.0)).flatten()))
    once, twice = trains
    assert "11" not in once
    assert once.count("1") > 2
    assert "111" not in twice
    assert twice.count("11") > 2
    assert twice.replace("11", "").count("1") <= 1  # of the last, the end of the sample may be between


def test_it_learns_through_its_encoder(late: ModuleType) -> None:
    network = late.LateReset(
        NetworkSettings(1, 2, 2, 2e-3, 20e-3, 10e-3, 20.0, True, "zero", True, 4, 3.0, 0.1, "in"), seed=1
    )
    network(torch.rand(5, 30, 1) * 4).spikes.sum().backward()
    assert network.encoder.gain.grad.abs().sum() > 0


def test_the_package_has_all_studies_and_not_their_results() -> None:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(packed) == {f"studies/{name}.toml" for name in available()} | {"studies/choices"}
    assert all(target == f"snn_tune/{source}" for source, target in packed.items())
