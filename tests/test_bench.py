"""The bench on a tiny study: real timing, in processes of its own; its table, its JSON, its arithmetic."""

import json
import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small
import torch

from snn_tune.bench import workers
from snn_tune.bench.__main__ import main
from snn_tune.bench.cost import Cost, cost
from snn_tune.bench.estimate import Model, study_seconds
from snn_tune.bench.memory import PeakMemory
from snn_tune.bench.plan import Way, measured_cells, plan, ways
from snn_tune.bench.sample import input_spikes, sample
from snn_tune.bench.table import duration
from snn_tune.bench.workers import Measured
from snn_tune.datasets.dataset import Analog, Dataset, Part
from snn_tune.errors import UserError
from snn_tune.snn.kernels.cpu import entries

STUDY = """
[data]
name = "randman"
nb_train = 60
nb_valid = 20
nb_test = 20
[base]
lr = 1e-3
batch_size = 10
tau_mem = 1e-2
tau_syn = 5e-3
scale = 10.0
regularizer = 0.0
[grid]
nb_hidden = [5, 10]
nb_steps = [20, 30]
[budget]
nb_epochs = 3
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file; measured briefly, by code that this process has compiled."""
    for seconds in ("MIDDLE_S", "CORNER_S", "CROWD_S"):
        monkeypatch.setattr(workers, seconds, 0.0)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(Path(entries.train.stats.cache_path).parent))
    monkeypatch.setattr(Way, "slots", lambda way, _: 2 if way.kernel == "cpu" else 1)
    path = tmp_path / "tiny.toml"
    path.write_text(STUDY)
    return path


@pytest.mark.slow
def test_each_kernel_is_measured_and_every_figure_is_plausible(file: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert printed["threads"] == 1
    assert printed["machine"]["cores"] >= 1
    assert {"python", "torch", "numba", "snn_tune"} <= printed["machine"]["versions"].keys()
    (study,) = printed["studies"]
    assert study["study"] == "tiny"
    assert study["samples"] == {"train": 60, "valid": 20, "test": 20}
    assert study["trials"] == 4
    assert study["input_spikes_per_sample"] == 50  # each unit spikes once
    assert (study["parameters"]["nb_hidden"], study["parameters"]["nb_steps"]) == (10, 30)
    found = {each["kernel"]: each for each in study["kernels"] if each["device"] == "cpu"}
    assert set(found) == {"reference", "cpu"}
    for each in found.values():
        assert 0 < each["epoch_s"] < 10
        assert each["spikes_per_s"] == pytest.approx(50 * 60 / each["epoch_s"])
        assert 0 <= each["peak_memory"] < 1e9
        assert each["crowding"] >= 1
        assert each["at_once"] == (2 if each["kernel"] == "cpu" else 1)
        assert each["study_s"] > 3 * each["epoch_s"]  # the largest network, and it runs three epochs
        assert {(m["nb_hidden"], m["nb_steps"]) for m in each["measured"]} == {(5, 20), (5, 30), (10, 20), (10, 30)}
        assert all(m["train_s"] > m["score_s"] / 10 > 0 and m["passes"] >= 3 for m in each["measured"])
    assert found["reference"]["speedup"] == 1
    assert found["cpu"]["speedup"] == pytest.approx(found["reference"]["epoch_s"] / found["cpu"]["epoch_s"])


def test_the_table_fits_80_columns(file: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured([Cost(0.5, 0.1, 3)] * 4, 12_345_678, 1.07)
    monkeypatch.setattr("snn_tune.bench.__main__.measure", lambda job, at_once: measured)
    assert main([str(file), "--kernel", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
    (row,) = [line.split() for line in lines if line.startswith("tiny ")]
    assert row == ["tiny", "cpu", "30", "s", "-", "0.0001", "M", "12", "MB", "3.85", "min"]
    assert "4 trials of 3 epochs, 2 at a time (cpu: each 7 % slower)" in " ".join(lines)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("snn_tune.bench.__main__._bench", lambda *_: [])  # what is chosen, without measuring it
    yield tmp_path / "data"
    assert not (tmp_path / "data").exists()


def test_a_study_whose_data_is_not_there_is_left_out_with_the_reason(
    empty: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["--data-dir", str(empty), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [study["study"] for study in printed["studies"]] == ["randman"]
    assert set(printed["left_out"]) == {"fashion_mnist", "shd", "tbl"}
    assert "no shd_train.h5, shd_test.h5 in" in printed["left_out"]["shd"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["randmann"], "no study 'randmann' (did you mean 'randman'?)"),
        (["no/such.toml"], "there is no study file no/such.toml"),
        (["randman", "--kernel", "cpuu"], "kernel 'cpuu' is not known (did you mean 'cpu'?)"),
        (["randman", "--kernel", "auto"], "--kernel auto: name one"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert message in printed
    assert printed.count("\n") == 1


def test_a_kernel_that_was_not_asked_for_is_not_measured() -> None:
    assert ways(["reference"])[0] == Way("reference", "cpu")
    assert {way.kernel for way in ways(["cpu"])} == {"cpu"}


def test_middle_and_corners_of_a_grid() -> None:
    grid = {"nb_hidden": [5, 10, 40], "nb_steps": [20, 30, 50], "recurrent": [True, False]}
    cells = measured_cells(small.study(grid=grid))
    assert (cells[0].nb_hidden, cells[0].nb_steps, cells[0].recurrent) == (10, 30, False)
    corners = {(cell.nb_hidden, cell.nb_steps, cell.recurrent) for cell in cells[1:]}
    assert corners == {(h, t, r) for h in (5, 40) for t in (20, 50) for r in (True, False)}


def test_networks_that_are_computed_otherwise_are_measured_and_fitted_apart() -> None:
    grid = {"nb_hidden": [5, [7, 4], 9], "nb_steps": [20, 30], "dropout": [0.0, 0.1, 0.2]}
    study = small.study(grid=grid)
    cells = measured_cells(study)
    corners = {(cell.nb_hidden, cell.nb_steps, cell.dropout > 0) for cell in cells}
    assert corners == {(h, t, d) for h in (5, (7, 4), 9) for t in (20, 30) for d in (True, False)}

    def truth(cell):  # type: ignore[no-untyped-def]
        return (1 + sum(cell.hidden)) * cell.nb_steps * len(cell.hidden) * (1 + (cell.dropout > 0))

    model = Model(cells, [truth(cell) for cell in cells])
    for cell in study.cells():
        assert model(cell) == pytest.approx(truth(cell))


def test_the_model_goes_through_what_was_measured_and_finds_what_lies_between() -> None:
    study = small.study(grid={"nb_hidden": [5, 10, 40], "nb_steps": [20, 30, 50]})
    cells = measured_cells(study)

    def truth(cell):  # type: ignore[no-untyped-def]
        return 1 + 2 * cell.nb_steps + 3 * cell.nb_hidden + cell.nb_steps * cell.nb_hidden * (1 + cell.nb_hidden)

    model = Model(cells, [truth(cell) for cell in cells])
    for cell in study.cells():
        assert model(cell) == pytest.approx(truth(cell))


def test_the_estimate_scales_with_cells_seeds_and_epochs() -> None:
    samples = {"train": 100, "valid": 10, "test": 20}

    def seconds(at_once: int, crowding: float = 1.0, **tables: dict) -> float:
        study = small.study(**tables)
        cells = measured_cells(study)
        return study_seconds(study, cells, Measured([Cost(0.01, 0.001, 3)] * len(cells), 0, crowding), samples, at_once)

    one = 3 * (100 * 0.01 + 10 * 0.001) + 150 * 0.001  # 3 epochs, and scores at the end
    assert seconds(1) == pytest.approx(4 * one)
    assert seconds(2) == pytest.approx(2 * one)
    assert seconds(100) == pytest.approx(one)
    assert seconds(2, crowding=1.5) == pytest.approx(3 * one)
    assert seconds(1, grid={"nb_hidden": [5, 10, 20]}) == pytest.approx(6 * one)
    assert seconds(1, budget={"seeds": 2}) == pytest.approx(8 * one)
    assert seconds(1, budget={"nb_epochs": 6}) == pytest.approx(4 * (2 * one - 0.15))


def test_a_sample_holds_the_very_events_of_its_samples() -> None:
    data = plan(small.study(), Path()).data[20]
    few = sample(data, 3, 2)
    assert (len(few.train), len(few.valid), len(few.test)) == (6, 3, 3)
    where = np.random.default_rng(0).permutation(len(data.train))[:6]
    expected, labels = next(data.train.batches(6, where))
    inputs, own = next(few.train.batches(6))
    assert all(torch.equal(one, other) for one, other in zip(inputs.bags(), expected.bags(), strict=True))
    assert (own == labels).all()


def test_spikes_of_analog_data_are_the_encoders() -> None:
    source = Analog(torch.full((4, 10, 2), 5.0), repeats=1)
    part = Part(source, torch.arange(4), torch.zeros(4, dtype=torch.int64))
    data = Dataset(part, part, part, nb_inputs=2, nb_classes=2, nb_steps=10, fingerprint="")
    assert len(sample(data, 2, 1).train.source) == 2
    assert 0 < input_spikes(data, small.study().cells()[0]) <= 10 * 64


def test_memory_is_that_which_came_after() -> None:
    def take(megabytes: int) -> mmap.mmap:  # not from what NumPy or malloc may still hold of others' memory
        room = mmap.mmap(-1, megabytes << 20)
        room[:: mmap.PAGESIZE] = bytes(len(room) // mmap.PAGESIZE)  # touched
        return room

    before = take(100)
    memory = PeakMemory("cpu")
    take(50).close()
    assert 50e6 < memory.bytes() < 90e6
    before.close()


def test_a_network_that_diverges_as_it_starts_is_said() -> None:
    study = small.study(base={"init_scale": 1e38})
    with pytest.raises(UserError, match="diverges as it starts"):
        cost(study.cells()[0], plan(study, Path()).data[20], "reference", "cpu", 0.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123456, "12.3 ms"), (0.5, "0.5 s"), (59.9, "59.9 s"), (90, "1.5 min"), (7200, "2 h"), (1e6, "11.6 d")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
