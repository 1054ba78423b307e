"""A study's best network as a model of MLflow's, `models:/...`, that belongs to the study's run; one at a time."""

import hashlib
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus

from snn_tune.tracking.store import Store

NAME = "best"
LOADER = "snn_tune.pyfunc"
PACKAGES = ("snn_tune", "torch", "numba", "numpy", "mlflow")


def keep(store: Store, run_id: str, file: Path, key: str) -> str:
    """Make the model file the study's model, in place of an earlier one; one that is the same stays.

    Args:
        run_id: the study's run.
        file: best.pt; where it is not there, the study has no model.
        key: of the trial that trained it.

    Returns:
        The model's id in MLflow, or "".

    Raises:
        Exception: whatever MLflow, its store or the network raise.
    """
    content = file.read_bytes() if file.is_file() else b""
    tags = {"key": key, "sha256": hashlib.sha256(content).hexdigest()}
    kept = ""
    for one in _of_run(store, run_id):
        if content and not kept and one.status == LoggedModelStatus.READY and tags.items() <= one.tags.items():
            kept = one.model_id
        else:
            store.client.delete_logged_model(one.model_id)
    return kept or (_log(store, run_id, file, tags) if content else "")


def _of_run(store: Store, run_id: str) -> list[LoggedModel]:
    return list(store.client.search_logged_models([store.experiment_id], f"source_run_id = '{run_id}'"))


def _log(store: Store, run_id: str, file: Path, tags: dict[str, str]) -> str:
    from mlflow import pyfunc  # a second's work, and only of a start that has a new best
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema

    files = Schema([ColSpec("string", "name"), ColSpec("binary", "content")])
    classes = {"file": "long", "sample": "long", "class": "string", "probability": "double"}
    signature = ModelSignature(files, Schema([ColSpec(kind, name) for name, kind in classes.items()]))
    made = store.client.create_logged_model(store.experiment_id, NAME, run_id, tags)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        with warnings.catch_warnings(action="ignore"):  # that there is no example of the input
            pyfunc.save_model(
                path,
                loader_module=LOADER,
                data_path=str(file),
                mlflow_model=Model(model_id=made.model_id, run_id=run_id, artifact_path=made.artifact_location),
                signature=signature,
                pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES],
            )
        store.client.log_model_artifacts(made.model_id, str(path))
    store.client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
    store.client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    return str(made.model_id)
