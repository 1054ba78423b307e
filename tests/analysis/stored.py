"""Studies in a store, as a run leaves them, without training."""

import json
from pathlib import Path

from mlflow.entities import Metric, Param, RunTag

from snn_tune.study import Study
from snn_tune.tracking import curve
from snn_tune.tracking.store import Store, writable
from snn_tune.trial import Trial

SAMPLES = {"nb_train": 1000, "nb_valid": 100, "nb_test": 200}
MACHINE = {"device": "cpu", "kernel": "cpu", "threads": "1", "trials_beside": "2"}


def open_store(study: Study, root: Path) -> Store:
    """With the study's parent run in it."""
    store = writable(study.name, f"sqlite:///{root / 'mlflow.db'}", root / "artifacts")
    tags = {"role": "study", "study": json.dumps(study.tables()), "data_fingerprint": "data", "nb_classes": "10"}
    tags |= {"samples": json.dumps(SAMPLES), "dataset": "randman"}
    store.client.create_run(store.experiment_id, tags=tags)
    return store


def keep(
    store: Store, trial: Trial, valid: float | None = None, state: str = "finished", nb_epochs: int = 3, **tags: str
) -> None:
    """A trial's run: test accuracy is valid less 0.01, run time its hidden units in seconds."""
    run_id = store.client.create_run(store.experiment_id).info.run_id
    scores = {} if valid is None else {"best_train_accuracy": valid, "best_valid_accuracy": valid}
    scores |= {} if valid is None else {"best_test_accuracy": valid - 0.01, "spikes_per_neuron": 1.5}
    scores |= {} if valid is None else {"run_time_s": float(trial.parameters.nb_hidden)}
    history = dict.fromkeys(range(1, nb_epochs + 1), valid or 0.0)
    tags = {"role": "trial", "key": trial.key, "state": state, "data_fingerprint": "data"} | MACHINE | tags
    store.client.log_batch(
        run_id,
        [Metric(name, value, 1, nb_epochs) for name, value in scores.items()],
        [Param(name, str(value)) for name, value in trial.parameters.model_dump().items()]
        + [Param("seed", str(trial.seed))],
        [RunTag(*item) for item in (tags | curve.tags(history)).items()],
    )
    store.client.set_terminated(run_id, "FAILED" if state == "failed" else "FINISHED")
