"""A view of the runs table in MLflow's UI that fits a study: its trials, the best first, with what it varies.

MLflow keeps a saved view as a tag of the experiment, and lists it under "Views". What is in it is MLflow's own: a
version that does not know it leaves it out.
"""

import json

from snn_tune.study import Study

NAME = "trials, the best first"
TAG = "mlflow.sharedViewState.trials"
SCORES = ("best_valid_accuracy", "best_test_accuracy", "best_train_accuracy", "run_time_s", "spikes_per_neuron")


def saved(study: Study, created_ms: int) -> str:
    """The view as MLflow saves one.

    Args:
        created_ms: when, in milliseconds since 1970.
    """
    varied = [name for name, values in study.grid.items() if len(values) > 1]
    names = [
        *(("metrics", name) for name in SCORES),
        *(("params", name) for name in [*varied, "seed"]),
        *(("tags", name) for name in ("state", "activity")),
    ]
    columns = {f"{kind}.`{name}`": max(90, 9 * len(name)) for kind, name in names}  # width in pixels
    state = {
        "searchFilter": "tags.role = 'trial'",
        "orderByKey": f"metrics.`{SCORES[0]}`",
        "orderByAsc": False,
        "selectedColumns": list(columns),
        "columnOrder": list(columns),
        "columnWidths": columns,
    }
    return json.dumps({"name": NAME, "createdAt": created_ms, "updatedAt": created_ms, "state": json.dumps(state)})
