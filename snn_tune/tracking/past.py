"""What the tracking store knows of trials that have run, as findings that a search learns from."""

import ast
import json
from typing import Any

from mlflow.entities import Run

from snn_tune.collection import no_collection
from snn_tune.finding import Finding
from snn_tune.parameters import Parameters
from snn_tune.tracking import curve
from snn_tune.tracking.ledger import state_of
from snn_tune.tracking.store import Store, trial_key
from snn_tune.trial import Trial


def of_study(store: Store) -> list[Finding]:
    """All trials of the study, in the order in which they began."""
    with no_collection():
        runs = sorted(store.runs("tags.role = 'trial'"), key=lambda run: run.info.start_time)
        return [found for run in runs if (found := finding(run))]


def elsewhere(store: Store, fingerprint: str) -> list[Finding]:
    """The trials of other studies in the store that have finished on the data of this fingerprint.

    Raises:
        UserError: the store does not answer.
    """
    which = f"tags.state = 'finished' and attributes.status = 'FINISHED' and tags.data_fingerprint = '{fingerprint}'"
    others = [one.experiment_id for one in store.experiments() if one.experiment_id != store.experiment_id]
    runs = store.search(others, which) if others else iter(())
    return [found for run in runs if (found := finding(run))]


def finding(run: Run) -> Finding | None:
    """What a run says of its trial; None where it cannot be read, or is of another version of the model."""
    tags = run.data.tags
    try:
        values = {name: _value(text) for name, text in run.data.params.items()}
        parameters = Parameters(**{name: values[name] for name in Parameters.model_fields if name in values})
        trial = Trial(parameters, int(values["seed"]), tags["data_fingerprint"], tags.get("network", ""))
        history = [float(value) for value in json.loads(curve.text(tags))]
    except (KeyError, ValueError, TypeError, RecursionError):  # pydantic's are ValueErrors
        return None
    if trial.key != trial_key(run):
        return None
    marks = {name: value for name, value in tags.items() if name.startswith(("search.", "confirm."))}
    return Finding(trial, state_of(run), dict(run.data.metrics), history, marks)


def _value(text: str) -> Any:
    """A parameter as it was before MLflow made text of it."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
