"""A model file, of either kind, gives back the network that was trained, and says in a line what is wrong with it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest
import torch

from snn_tune.datasets.dataset import Dataset, Samples
from snn_tune.datasets.randman import Randman
from snn_tune.errors import UserError
from snn_tune.model import read, write
from snn_tune.parameters import Parameters
from snn_tune.scoring import evaluate
from snn_tune.snn import NetworkSettings, SpikingNetwork
from snn_tune.training import Outcome, fit

DATA = Randman(name="randman", nb_inputs=20, nb_classes=3, dim_manifold=1, nb_train=120, nb_valid=47, nb_test=53)
PARAMETERS = Parameters(
    nb_hidden=20, nb_steps=30, scale=10, regularizer=1e-5, lr=1e-2, nb_epochs=2, batch_size=25,
    tau_mem=1e-2, tau_syn=5e-3, init_scale=0.8,
)  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "recurrent": {},
    "feed-forward": {"recurrent": False, "reset": "subtract", "scaled_input": True, "init_scale": 3.0},
    "layers": {"nb_hidden": (20, 11, 12)},
    "drawn": {"time_constants": "drawn", "nb_layers": 2, "dropout": 0.1},
    "trained": {"time_constants": "trained", "scaled_input": True, "init_scale": 3.0},
}


def trained(parameters: Parameters, data: Dataset) -> tuple[Outcome, SpikingNetwork]:
    *_, outcome = fit(parameters, 3, data)
    assert isinstance(outcome, Outcome)
    assert outcome.state == "finished"
    network = SpikingNetwork(NetworkSettings(**outcome.model["network"]))
    network.load_state_dict(outcome.model["weights"])
    return outcome, network


@pytest.fixture(scope="module")
def data() -> Dataset:
    return DATA.load(30, Path())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Path:
    """best.pt as a trial leaves it, best.nir as it is exported."""
    folder = tmp_path_factory.mktemp("models")
    torch.save(trained(PARAMETERS, data)[0].model, folder / "best.pt")
    write(read(folder / "best.pt"), folder / "best.nir")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_both_files_give_the_logits_of_the_network_bit_for_bit(kind: str, data: Dataset, tmp_path: Path) -> None:
    outcome, network = trained(PARAMETERS.model_copy(update=KINDS[kind]), data)
    torch.save(outcome.model, tmp_path / "model.pt")
    first = read(tmp_path / "model.pt")
    second = read(write(first, tmp_path / "again.pt"))
    third = read(write(second, tmp_path / "model.nir"))
    fourth = read(write(third, tmp_path / "other.nir", dt=1e-4))
    test = Samples(data.test.source, None)
    logits = first.logits(test)
    assert len(logits.unique()) > 10
    assert (logits.argmax(1)[data.test.samples].numpy() == evaluate(network, data.test, 25).predictions).all()
    for model in (second, third, fourth):
        assert torch.equal(model.logits(test), logits)
        assert model.description() == first.description()
        assert all(torch.equal(w, network.state_dict()[name]) for name, w in model.network.state_dict().items())


def test_the_nir_library_reads_the_graph(folder: Path) -> None:
    graph = nir.read(folder / "best.nir")
    model = read(folder / "best.pt")
    settings = model.network.settings
    assert [type(node).__name__ for node in graph.nodes.values()].count("CubaLIF") == 1
    hidden, readout = graph.nodes["hidden_1"], graph.nodes["readout"]
    for node in (hidden, readout):  # forward Euler with step dt gives the decays, and gains of 1
        assert np.allclose(1 - settings.dt / node.tau_syn, settings.alpha, rtol=1e-12)
        assert np.allclose(1 - settings.dt / node.tau_mem, settings.beta, rtol=1e-12)
        assert np.allclose(settings.dt / node.tau_syn * node.w_in, settings.input_gain)
        assert np.allclose(settings.dt / node.tau_mem * node.r, 1)
    assert ("hidden_1", "recurrent_1") in graph.edges
    assert ("recurrent_1", "hidden_1") in graph.edges
    assert torch.equal(torch.from_numpy(graph.nodes["weights_1"].weight).T, model.network.w1)


def spoilt_pt(folder: Path, tmp_path: Path, **changes: Any) -> Path:
    found = torch.load(folder / "best.pt", weights_only=True) | changes
    torch.save({name: value for name, value in found.items() if value is not None}, tmp_path / "spoilt.pt")
    return tmp_path / "spoilt.pt"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": None}, "made by an older version, .* train it again"),
        ({"format": 99}, "of format 99; this reads 2"),
        ({"own_network": "Rates"}, "a network of one's own, Rates"),
        ({"weights": {}}, "damaged: its weights are not those of its parameters"),
        ({"weights": 7}, "has no weights"),
        ({"table": {}}, "does not say how its input is made"),
        ({"table": {"name": "randmann"}}, r"no data set has that name \(did you mean 'randman'\?\)"),
        ({"table": {"name": "randman", "nb_inputs": 10**4}}, "damaged: its weights are not"),
        ({"parameters": {"nb_hidden": 10}}, "is missing"),
        ({"measured": {"mean": [1.0]}}, "damaged: what was measured"),
    ],
)
def test_a_bad_model_is_one_line(changes: dict[str, Any], complaint: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        read(spoilt_pt(folder, tmp_path, **changes))
    assert str(caught.value).startswith(str(tmp_path / "spoilt.pt"))
    assert "\n" not in str(caught.value)


def test_a_claim_of_huge_weights_allocates_nothing(folder: Path, tmp_path: Path) -> None:
    parameters = PARAMETERS.model_dump() | {"nb_hidden": 100_000}
    huge = torch.zeros(1).expand(100_000, 100_000)  # 40 GB, of which the file holds 4 bytes
    with pytest.raises(UserError, match="damaged: its weights"):
        read(spoilt_pt(folder, tmp_path, parameters=parameters, weights={"w": huge}))


def test_code_in_a_model_file_does_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"weights": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(UserError, match="not a model file"):
        read(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def spoil_nir(h5: h5py.File, how: str, tmp_path: Path) -> None:
    weights = "node/nodes/weights_1/weight"
    if how == "foreign":
        del h5["node/metadata"]
    elif how == "description":
        h5["node/metadata/snn_tune"][()] = "[1]"
    elif how == "link":
        with h5py.File(tmp_path / "other.h5", "w") as other:
            other["w"] = np.zeros((20, 20), np.float32)
        del h5[weights]
        h5[weights] = h5py.ExternalLink(str(tmp_path / "other.h5"), "w")
    elif how == "claim":
        del h5[weights]
        h5.create_dataset(weights, (10**6, 10**6), np.float32, chunks=(100, 100))
    elif how == "type":
        del h5[weights]
        h5[weights] = np.zeros((20, 20))
    elif how == "missing":
        del h5["node/nodes/recurrent_1"]
    elif how == "too large":
        description = json.loads(h5["node/metadata/snn_tune"].asstr()[()])
        description["parameters"]["nb_hidden"] = 100_000
        h5["node/metadata/snn_tune"][()] = json.dumps(description)


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ("foreign", "NIR of another program"),
        ("description", "the description is not a table"),
        ("link", "is a link, which is not followed"),
        ("claim", "claims 4,000,000,000,000 bytes"),
        ("type", "float64, not float32"),
        ("missing", "its weights are not those of its parameters"),
        ("too large", "its weights are not those of its parameters"),
    ],
)
def test_a_bad_nir_file_is_one_line(how: str, complaint: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "spoilt.nir"
    path.write_bytes((folder / "best.nir").read_bytes())
    with h5py.File(path, "r+") as h5:
        spoil_nir(h5, how, tmp_path)
    with pytest.raises(UserError, match=complaint) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_off_is_one_line(folder: Path, tmp_path: Path) -> None:
    for name in ("best.pt", "best.nir"):
        whole = (folder / name).read_bytes()
        for size in (0, 100, len(whole) // 2, len(whole) - 1):
            (tmp_path / name).write_bytes(whole[:size])
            with pytest.raises(UserError, match=f"{name}: not a"):
                read(tmp_path / name)
    with pytest.raises(UserError, match=r"best.pd: there is no such file \(did you mean 'best.pt'\?\)"):
        read(folder / "best.pd")


def test_a_trial_on_data_of_no_study_says_so(data: Dataset, tmp_path: Path) -> None:
    torch.save(trained(PARAMETERS, dataclasses.replace(data, table={}))[0].model, tmp_path / "model.pt")
    with pytest.raises(UserError, match="does not say how its input is made"):
        read(tmp_path / "model.pt")
