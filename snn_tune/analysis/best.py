"""The best network of a study, out of the store and into files that can be used without it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from snn_tune import model
from snn_tune.errors import UserError
from snn_tune.files import naming
from snn_tune.tracking.store import Store

NAMES = ("best.pt", "best.nir")


def export(key: str, study: str, uri: str, folder: Path) -> str:
    """Write the model of the trial of this key, as it is and as NIR.

    Returns:
        A line for the screen: where it is, or why it is not there.

    Raises:
        UserError: the folder cannot be written.
    """
    with naming(folder):
        for name in NAMES:  # those of another trial
            (folder / name).unlink(missing_ok=True)
    try:
        return _export(key, Store(study, uri), folder)
    except UserError as error:
        return f"best network: not exported: {error}"


def _export(key: str, store: Store, folder: Path) -> str:
    run = next(store.runs(f"tags.key = '{key}' and tags.state = 'finished'"), None)
    with TemporaryDirectory() as here:
        path = store.artifact(run.info.run_id, "model.pt", here) if run else None
        if path is None:
            return f"best network: not exported: its trial {key} left no model.pt"
        try:
            trained = model.read(path)
        except UserError as error:
            return f"best network: not exported: its {str(error).removeprefix(f'{path.parent}/')}"
    first, second = (model.write(trained, folder / name) for name in NAMES)
    return f"best network: {first} and {second.name} (trial {key})"
