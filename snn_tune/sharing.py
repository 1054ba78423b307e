"""How many trials share a GPU: as many as its memory holds, and as there are cores to feed them.

The networks are small: one alone leaves a card idle most of the time, waiting for its process to launch the next step.
"""

import subprocess
from collections.abc import Iterable

from snn_tune.datasets.dataset import Dataset
from snn_tune.parameters import Parameters
from snn_tune.study import Study, nb_weights

FLOAT = 4  # bytes
ACTIVATIONS = 8  # floats at the peak of a step for each unit, sample and time step: 7.1 measured, see test_sharing.py
COPIES = 6  # of the weights: themselves, gradient, two moments, the best so far, and what the optimiser makes of them
PROCESS = 500_000_000  # bytes of CUDA itself in each process: an allowance, not measured
USABLE = 0.9  # of a card: allocators leave gaps
UNKNOWN = 4  # trials on a card of unknown memory


def trial_bytes(study: Study, cells: Iterable[Parameters], data: Dataset) -> int:
    """What one of these trials takes on a GPU at most: an estimate from the largest of each size; 0 without any.

    Args:
        data: at any number of time steps.
    """
    every = list(cells)
    if not every:
        return 0
    encoder = study.data.nb_inputs * max(cell.units_per_channel for cell in every) if study.data.analog else 0
    units = encoder + max(sum(cell.hidden) for cell in every)
    batch = min(max(cell.batch_size for cell in every), len(data.train))
    nb_steps = max(cell.nb_steps for cell in every)
    weights = COPIES * max(nb_weights(study.data, cell) for cell in every)
    return PROCESS + FLOAT * (ACTIVATIONS * batch * nb_steps * units + weights) + _resident(data, nb_steps)


def trials_per_gpu(bytes_each: int, card: int, cores: float) -> int:
    """How many trials of so many bytes share a card; at least one, which may still find it too small.

    Args:
        card: bytes of memory, 0 where unknown.
        cores: in units of what a trial takes, for each card.
    """
    held = int(USABLE * card // bytes_each) if card and bytes_each else UNKNOWN
    return max(1, min(held, int(cores)))


def card_bytes() -> int:
    """Memory of the smallest GPU of this machine; 0 where there is none, or its driver does not say."""
    asked = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
        return min((int(line) for line in said.split()), default=0) * 2**20
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def _resident(data: Dataset, nb_steps: int) -> int:
    """Bytes of the whole data set, which lies on the card; packed, it hardly grows more than its steps."""
    parts = data.train, data.valid, data.test
    sources = {id(part.source): part.source.nbytes for part in parts}
    there = sum(sources.values()) + sum(part.nbytes for part in parts)
    return int(there * max(1.0, nb_steps / data.nb_steps))
