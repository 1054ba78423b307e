"""A trained network as a file: its weights, its settings, and how raw data becomes its input."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import torch
from torch import Tensor

from snn_tune import nir_graph
from snn_tune.datasets.dataset import Samples
from snn_tune.datasets.folder import named
from snn_tune.datasets.source import DataSource
from snn_tune.errors import UserError, one_line
from snn_tune.files import write_whole
from snn_tune.network_settings import settings_for
from snn_tune.parameters import Parameters
from snn_tune.snn import SpikingNetwork, score
from snn_tune.study import check_parameters, nb_weights
from snn_tune.study_tables import source
from snn_tune.training import MODEL_FORMAT
from snn_tune.validation import validate

MAX_BYTES = 4 << 30  # of a file once unpacked


@dataclass(frozen=True)
class Model:
    """A trained network, and how raw data becomes its input.

    Attributes:
        seed: of its training.
        fingerprint: of the data that it was trained on, see `Dataset`.
        data: the [data] table of its study.
        measured: of the training part, see `Dataset`.
    """

    network: SpikingNetwork
    parameters: Parameters
    seed: int
    fingerprint: str
    data: DataSource
    measured: dict[str, list[float]]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, or their numbers."""
        return self.data.classes or tuple(map(str, range(self.data.nb_classes)))

    def samples(self, file: Path) -> Samples:
        """The samples of a file in the format of the model's data set.

        Raises:
            UserError: the file is missing or damaged, or of another format.
        """
        return self.data.read(file, self.parameters.nb_steps, self.measured)

    def logits(self, samples: Samples) -> Tensor:
        """(N, classes), as the network had them when it was scored; `softmax` makes probabilities of them."""
        every, size = torch.arange(len(samples.source)), self.parameters.batch_size
        batches = [samples.source.batch(some) for some in every.split(size)]
        return torch.cat(
            [score(self.network, batch, torch.zeros(len(batch), dtype=torch.int64)).logits for batch in batches]
        )

    def description(self) -> dict[str, Any]:
        """All but the weights, in plain values."""
        return {
            "format": MODEL_FORMAT,
            "own_network": "",
            "parameters": self.parameters.model_dump(),
            "seed": self.seed,
            "data": self.fingerprint,
            "table": self.data.model_dump(),
            "measured": self.measured,
        }


def read(path: str | Path, kernel: str = "auto") -> Model:
    """A model from model.pt, which each trial leaves, or from a NIR file that `write` wrote.

    Args:
        kernel: that computes it, see `snn_tune.snn.kernels`.

    Raises:
        UserError: the file is missing or damaged, or not of this program; it names the file.
    """
    path = named(Path(path)).path
    description, weights = nir_graph.read(path) if h5py.is_hdf5(path) else _read_pt(path)
    try:
        return _model(description, weights, kernel)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def write(model: Model, path: str | Path, dt: float | None = None) -> Path:
    """Write a model: as NIR if the path ends in .nir, otherwise as model.pt is. Returns the path.

    Args:
        dt: of NIR alone: the step, in seconds, of the library that will read it; by default the model's own.

    Raises:
        UserError: the folder cannot be written.
    """
    path = Path(path)
    if path.suffix == ".nir":
        return write_whole(path, [nir_graph.to_bytes(model.network, model.description(), dt)])
    file = io.BytesIO()
    torch.save(model.description() | {"weights": model.network.state_dict()}, file)
    return write_whole(path, [file.getvalue()])


def _read_pt(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise UserError(f"{path}: holds more than the {MAX_BYTES:,} bytes that a model may have")
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:  # of a hostile file, torch lets through all kinds
        raise UserError(f"{path}: not a model file, or damaged ({one_line(error)})") from error
    if not isinstance(found, dict) or not isinstance(found.get("weights"), dict):
        raise UserError(f"{path}: not a model file of this program: it has no weights")
    return found, found["weights"]


def _model(found: dict[str, Any], weights: dict[str, Tensor], kernel: str) -> Model:
    """The model of a file's content, none of which is trusted."""
    if found.get("format") != MODEL_FORMAT:
        older = "made by an older version, without how its input is made; train it again"
        raise UserError(
            older if "format" not in found else f"of format {str(found['format'])[:20]}; this reads {MODEL_FORMAT}"
        )
    if found.get("own_network"):
        raise UserError(f"a network of one's own, {str(found['own_network'])[:80]}: load its weights into it in Python")
    table, values, measured = (found.get(name) for name in ("table", "parameters", "measured"))
    if not isinstance(table, dict) or not isinstance(values, dict) or not table:
        raise UserError("does not say how its input is made: its data set came from no study")
    data = validate(source(table), table, "data")
    parameters = check_parameters(data, values, dict.fromkeys(values, "parameters"))
    network = _network(data, parameters, weights, kernel)
    fingerprint, seed = str(found.get("data")), found.get("seed")
    return Model(
        network, parameters, seed if isinstance(seed, int) else 0, fingerprint, data, _measured(data, measured)
    )


def _measured(data: DataSource, found: Any) -> dict[str, list[float]]:
    measured: dict[str, Any] = found if isinstance(found, dict) else {"": None}
    for values in measured.values():
        if not isinstance(values, list) or len(values) != data.nb_inputs or not all(type(v) is float for v in values):
            raise UserError("damaged: what was measured of the training part is not a number for each channel")
    return measured


def _network(data: DataSource, parameters: Parameters, weights: dict[str, Tensor], kernel: str) -> SpikingNetwork:
    """The network with these weights; nothing is allocated that the file does not hold."""
    whole = all(
        isinstance(each, Tensor) and each.is_contiguous() and each.isfinite().all() for each in weights.values()
    )
    if not whole or sum(each.numel() for each in weights.values()) != nb_weights(data, parameters):
        raise UserError("damaged: its weights are not those of its parameters")
    repeats = data.repeats(parameters.nb_steps) if data.analog else 0
    network = SpikingNetwork(settings_for(parameters, data.nb_inputs, data.nb_classes, repeats), kernel=kernel)
    try:
        network.load_state_dict(weights)
    except (RuntimeError, TypeError) as error:
        raise UserError(f"damaged: its weights are not those of its parameters ({one_line(error)})") from None
    return network.eval()
