"""Compiled once for a machine: the second process reads it from the user's cache folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each first process compiles

PROGRAM = """
import torch
from snn_tune.datasets.events import Events
from snn_tune.snn.kernels import cpu
from snn_tune.snn.kernels.cpu import entries
known = cpu.is_compiled()
for hidden in (3, 70):
    bags = torch.zeros(2 * 5 + 1, dtype=torch.int64)
    events = Events(torch.zeros(0, dtype=torch.uint16), torch.zeros(0, dtype=torch.uint8), bags, 5, 4)
    batch = events.batch(torch.arange(2))
    weights = cpu.Parameters(torch.ones(4, hidden), None, torch.ones(hidden, 2))
    cpu.train_step(batch, torch.tensor([0, 1]), weights, cpu.Model(0.9, 0.9, 10.0), strength=0.0, reduction="sum")
stats = entries.train.stats
print(known, len(stats.cache_hits), sum(stats.cache_misses.values()), stats.cache_path)
"""


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR"])
def test_a_second_process_compiles_nothing(tmp_path: Path, variable: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment[variable] = str(tmp_path)

    def run() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.split()

    first, second = run(), run()
    assert first[:3] == ["False", "0", "1"]  # one compilation, for both widths
    assert second[:3] == ["True", "1", "0"]
    assert Path(second[3]).is_relative_to(tmp_path)


def test_without_a_cache_to_write_to_it_still_computes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split()[:3] == ["False", "0", "1"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
