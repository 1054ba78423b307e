"""What a finished trial keeps for the report to draw, so that the report recomputes nothing."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from snn_tune.datasets.dataset import Dataset
from snn_tune.datasets.events import EventBatch
from snn_tune.errors import UserError, one_line
from snn_tune.snn import SpikingNetwork

NB_SAMPLES, NB_TRACES = 3, 10
DIMENSIONS = {"confusion": 2, "sample": 1, "label": 1, "prediction": 1, "spikes": 3, "traced": 1, "membrane": 3}


def collect(network: nn.Module, data: Dataset, predictions: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Confusion counts on the test part, and what the network does on three fixed samples of it.

    Returns:
        confusion: (classes, classes), true class by predicted class.
        sample: the places in the test part of the samples shown: the first of the first three classes.
        label, prediction: of these samples.
        spikes: all hidden units, layer after layer, (3, T, H) bool.
        traced, membrane: ten units spread over them, and their membranes (3, T, 10).
        input_step, input_unit, input_count, input_sample: the events of these samples; or, for analog data,
        input (3, T, channels) and, of a network with an encoder, encoded (3, T, E) bool.
    """
    test, nb_classes = data.test, data.nb_classes
    true = test.labels.cpu().numpy()
    confusion = np.bincount(true * nb_classes + predictions, minlength=nb_classes**2)
    _, first = np.unique(true, return_index=True)
    sample = first[:NB_SAMPLES]
    inputs = test.source.batch(test.samples[sample])
    with torch.no_grad():
        activity = network(inputs)
    traced = np.unique(np.linspace(0, activity.spikes.shape[2] - 1, NB_TRACES).astype(int))
    return {
        "confusion": confusion.reshape(nb_classes, nb_classes),
        "sample": sample,
        "label": true[sample],
        "prediction": predictions[sample],
        "spikes": activity.spikes.cpu().numpy().astype(bool),
        "traced": traced,
        "membrane": activity.membrane.cpu().numpy()[:, :, traced],
        **_input(network, inputs),
    }


def _input(network: nn.Module, inputs: EventBatch | torch.Tensor) -> dict[str, NDArray[Any]]:
    if isinstance(inputs, torch.Tensor):
        found = {"input": inputs.cpu().numpy()}
        if isinstance(network, SpikingNetwork):
            with torch.no_grad():
                found["encoded"] = network.encode(inputs).cpu().numpy().astype(bool)
        return found
    unit, count, offsets = (array.cpu().numpy() for array in inputs.bags())
    bag = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return {
        "input_sample": bag // inputs.nb_steps,
        "input_step": bag % inputs.nb_steps,
        "input_unit": unit,
        "input_count": count,
    }


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file that has what `collect` returned.

    Raises:
        UserError: it cannot be read, or has other arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path.name}: cannot be read ({one_line(error)})") from error
    wrong = [name for name, nb in DIMENSIONS.items() if name not in arrays or arrays[name].ndim != nb]
    if wrong or ("input" not in arrays and "input_unit" not in arrays):
        raise UserError(
            f"{path.name}: is not what a trial writes: {', '.join(wrong or ['input'])} is missing or misshapen"
        )
    return arrays
