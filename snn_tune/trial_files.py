"""The files that a trial leaves: its best weights and its evidence, or why it failed."""

import io
import traceback

import numpy as np
import torch

from snn_tune.errors import UserError
from snn_tune.place import Place
from snn_tune.training import Outcome


def leave(outcome: Outcome, folder: Place) -> tuple[str, ...]:
    """Write those of a training that has ended. Returns their addresses."""
    files = {}
    if outcome.model:
        model = io.BytesIO()
        torch.save(outcome.model, model)
        files["model.pt"] = model.getvalue()
    if outcome.evidence:
        arrays = io.BytesIO()
        np.savez_compressed(arrays, **outcome.evidence)  # type: ignore[arg-type]
        files["evidence.npz"] = arrays.getvalue()
    return _write(folder, files)


def leave_traceback(folder: Place) -> tuple[str, ...]:
    """Write the traceback of the error that is handled now. Returns its address."""
    try:
        return _write(folder, {"error.txt": traceback.format_exc().encode()})
    except UserError:  # a full disk, perhaps the very reason: the trial's failure must still be told
        return ()


def _write(folder: Place, files: dict[str, bytes]) -> tuple[str, ...]:
    for name, content in files.items():
        (folder / name).write(content)
    return tuple(str(folder / name) for name in files)
