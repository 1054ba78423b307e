"""What other libraries make of an exported network: train one on SHD, export it as NIR, read it, compare classes.

    pip install -e '.[bench]'
    SNN_TUNE_DATA=... python tests/benchmarks/nir_elsewhere.py [--epochs 10] [--nb-hidden 100]

docs/nir.md explains the rows.
"""

import argparse
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from torch import Tensor, nn

from snn_tune import study_file
from snn_tune.datasets.dataset import Samples
from snn_tune.datasets.events import EventBatch
from snn_tune.model import Model, read, write
from snn_tune.study_tables import override
from snn_tune.training import fit

SNNTORCH_DT = 1e-4  # s: the step that snnTorch takes for granted
Network = Callable[[Tensor], Tensor]  # what a step's input (B, inputs) makes of the readout (B, classes)


class Readout(nn.Module):
    """CubaLI, which neither library imports, by forward Euler in their order: the synapse first."""

    def __init__(self, node: nir.CubaLI, dt: float) -> None:
        super().__init__()
        arrays = dt / node.tau_syn, dt / node.tau_mem, node.w_in, node.r
        self.per_syn, self.per_mem, self.w_in, self.r = (torch.from_numpy(array).float() for array in arrays)
        self.syn = self.mem = torch.zeros(1)

    def forward(self, spikes: Tensor) -> Tensor:
        self.syn = self.syn + self.per_syn * (self.w_in * spikes - self.syn)
        self.mem = self.mem + self.per_mem * (self.r * self.syn - self.mem)
        return self.mem


def snntorch(path: Path, *, reset_delay: bool = True) -> Network:
    """As snnTorch imports it, which resets at once, to zero; but it can reset with the next step, as we do."""
    import snntorch as library
    from nirtorch.nir_interpreter import DEFAULT_MAP
    from snntorch.import_nir import import_from_nir

    DEFAULT_MAP[nir.CubaLI] = lambda node: Readout(node, SNNTORCH_DT)
    graph = nir.read(path)
    with redirect_stdout(None):
        network = import_from_nir(graph)
    for module in network.modules():
        if isinstance(module, library.Synaptic):
            module.reset_delay = reset_delay
            if graph.metadata["reset"] == "subtract":
                module.reset_mechanism, module.state_function = "subtract", module._base_sub

    def step(current: Tensor) -> Tensor:
        found = network(current)
        return found[0] if isinstance(found, tuple) else found

    return step


def norse(path: Path, *, reset_delay: bool = True) -> Network:
    """As Norse imports it, which resets at once; or with its neuron told to reset with the next step."""
    import nirtorch
    from norse.torch.utils.import_nir import _import_norse_module

    graph = nir.read(path)
    dt = float(graph.metadata["dt"])

    def convert(node: nir.NIRNode) -> nn.Module | None:
        module = Readout(node, dt) if isinstance(node, nir.CubaLI) else _import_norse_module(node, dt=dt)
        if reset_delay and isinstance(node, nir.CubaLIF):
            module.lif = DelayedReset(module.lif)
        return module

    network, state = nirtorch.load(graph, convert), None

    def step(current: Tensor) -> Tensor:
        nonlocal state
        found, state = network(current, state)
        return found

    return step


class DelayedReset(nn.Module):
    """A neuron of Norse whose membrane is at rest, whatever it receives, in the step after a spike."""

    def __init__(self, neuron: nn.Module) -> None:
        super().__init__()
        self.neuron = neuron

    def forward(self, current: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        inner, spiked = state or (None, 0.0)
        spikes, after = self.neuron(current, inner)
        spikes = spikes * (1 - spiked)
        return spikes, (after._replace(v=after.v * (1 - spiked)), spikes)


def logits(network: Network, batch: Tensor, nb_layers: int) -> Tensor:
    """Logits of dense input (B, T, inputs): the readout's maximum, and 0, over all but the last 2 nb_layers + 1 steps.

    Our frames 0 to T come two steps later for each hidden layer, and two for the readout: the last steps here come
    after ours are over.
    """
    nb_steps = batch.shape[1] - 2 * nb_layers - 1
    frames = [network(step) for step in batch.unbind(1)[:nb_steps]]
    return torch.stack(frames).amax(0).clamp(min=0)


def dense(batch: EventBatch, nb_inputs: int) -> Tensor:
    """Spikes (B, T, inputs)."""
    unit, count, offsets = batch.bags()
    bag = torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff())
    spikes = torch.zeros(len(offsets) - 1, nb_inputs).index_put((bag, unit.long()), count)
    return spikes.view(len(batch), batch.nb_steps, nb_inputs)


def classes(make: Callable[[], Network], model: Model, samples: Samples) -> tuple[np.ndarray, float]:
    """Classes that another library's network gives all samples, and the largest difference of its logits."""
    nb_layers = len(model.network.layers)
    batches = map(samples.source.batch, torch.arange(len(samples.source)).split(256))
    with torch.no_grad():
        theirs = torch.cat([logits(make(), dense(batch, model.data.nb_inputs), nb_layers) for batch in batches])
    return theirs.argmax(1).numpy(), float((theirs - model.logits(samples)).abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--nb-hidden", type=int, default=100)
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    single = {"nb_hidden": options.nb_hidden, "nb_steps": 100, "scale": 100.0, "regularizer": 2e-6, "lr": 2e-3}
    axes = {name: [value] for name, value in {**single, "recurrent": False}.items()}
    study = override(study_file.read("shd"), axes, options.epochs)
    data = study.data.load(100, Path(os.environ["SNN_TUNE_DATA"]))
    *_, outcome = fit(study.cells()[0], 0, data)
    with tempfile.TemporaryDirectory() as folder:
        torch.save(outcome.model, Path(folder, "model.pt"))
        model = read(Path(folder, "model.pt"))
        files = {
            name: write(model, Path(folder, f"{name}.nir"), dt) for name, dt in (("s", None), ("1e-4", SNNTORCH_DT))
        }
        samples = Samples(data.test.source, data.test.labels.numpy())
        ours = read(files["s"]).logits(samples).argmax(1).numpy()
        print(f"SHD, {options.nb_hidden} units, {options.epochs} epochs; {len(ours)} test samples")
        print(f"{'snn_tune':24}accuracy {100 * (ours == samples.labels).mean():.2f} %")
        for name, make in {
            "snnTorch, reset_delay": lambda: snntorch(files["1e-4"]),
            "snnTorch as imported": lambda: snntorch(files["1e-4"], reset_delay=False),
            "Norse, DelayedReset": lambda: norse(files["s"]),
            "Norse as imported": lambda: norse(files["s"], reset_delay=False),
        }.items():
            started = time.perf_counter()
            theirs, furthest = classes(make, model, samples)
            print(
                f"{name:24}same class {100 * (theirs == ours).mean():6.2f} %, accuracy "
                f"{100 * (theirs == samples.labels).mean():.2f} %, logits within {furthest:.1e} "
                f"({time.perf_counter() - started:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
