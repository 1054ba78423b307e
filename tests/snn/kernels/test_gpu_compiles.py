"""What the interpreter takes, Triton's compiler may refuse: every kernel compiles for an H100, on any machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton.backends.nvidia")
pytestmark = pytest.mark.slow

# Every launch of a step compiles its kernel, by Triton's own way there, and runs nothing; a device is made up.
PROGRAM = """
import re
import subprocess
import tempfile

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.jit import JITFunction

from snn_tune.datasets.events import Events
from snn_tune.snn.kernels.cpu import Model
from snn_tune.snn.kernels.gpu import encoder, events, launch, layer, readout


class H100:
    get_current_device = get_current_stream = lambda *_: 0
    get_current_target = lambda _: GPUTarget("cuda", 90, 32)


def compile_only(kernel, *args, grid, warmup, **options):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(launch_kernel(kernel, *args, grid=grid, warmup=True, **options).asm["cubin"])
        file.flush()
        usage = subprocess.run([objdump, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    print(kernel.__module__.rpartition(".")[2], kernel.__name__, int(re.search(r"STACK:(\\d+)", usage)[1]))


triton.runtime.driver.set_active(H100())
launch_kernel, JITFunction.run, launch._nb_processors = JITFunction.run, compile_only, lambda _: 132
objdump = triton.knobs.nvidia.cuobjdump.path
model = Model(0.8, 0.9, 100.0)
for batch, hidden, classes, recurrent, precision in [
    (256, 200, 20, True, "exact"), (256, 200, 10, False, "exact"), (600, 200, 7, True, "exact"),
    (300, 450, 7, True, "exact"), (3, 1024, 1, True, "exact"), (1, 37, 3, True, "exact"), (1, 1, 1, True, "exact"),
    (256, 200, 20, True, "bf16"), (3, 1024, 1, True, "bf16"),
]:
    w2, v = torch.zeros(hidden, classes), torch.zeros(hidden, hidden) if recurrent else None
    units = layer.units_of(w2.T, 0.5, 0.5, 1.0, 100.0, "zero" if recurrent else "subtract", precision)
    current = torch.zeros(batch, 2, hidden)
    spikes, membrane, _ = layer.run(units, current, v, current)
    peaks = readout.peaks(torch.zeros_like(spikes), w2, model)
    rows = torch.zeros(batch, 3, classes + hidden)
    readout.peaks_back(peaks.frame, peaks.value, rows, model)
    back = torch.zeros(classes + hidden * recurrent, hidden)
    layer.run_back(units, current, units.gain.expand(current.shape), current, rows, back, recurrent=recurrent)
    bags = torch.arange(2 * batch + 1)
    unit, count = (torch.uint16, torch.uint8) if recurrent else (torch.int32, torch.float32)
    of_units = Events(torch.zeros(2 * batch, dtype=unit), torch.ones(2 * batch, dtype=count), bags, 2, 70)
    events.project(of_units.batch(torch.arange(batch)), torch.zeros(70, hidden))
    events.weight_gradient(of_units.batch(torch.arange(batch)), rows[:, :-1, classes:], 70)
analog, gain = torch.zeros(100, 2, 12), torch.zeros(384)
encoded = encoder.encode(analog, gain, gain, 0.9)
encoder.encode_back(analog, gain, gain, 0.9, 100.0, *encoded[:2])
"""


def test_all_kernels_compile_for_an_h100_and_spill_no_register(tmp_path: Path) -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    compiled = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    kernels = {
        "units": ["forward", "backward"], "readout": ["integrate", "integrate_back"],
        "events": ["sum_bags", "sum_units"], "encoder": ["forward", "backward"],
    }  # fmt: skip
    assert {name for name, _ in compiled} == {f"{module} {each}" for module, names in kernels.items() for each in names}
    assert [line for line in compiled if line[1] != "0"] == []
