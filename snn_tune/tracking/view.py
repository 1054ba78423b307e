"""A view of the runs table in MLflow's UI that fits a study: its trials, the best first, with what it varies.

MLflow keeps a view that somebody shares as a tag of the experiment, and opens it by its name in the address. What is in
it is MLflow's own; a version that does not know it says so, and shows its usual table.
"""

import json

from snn_tune.study import Study

NAME = "trials"
TAG = f"mlflow.sharedViewState.{NAME}"
SCORES = ("best_valid_accuracy", "best_test_accuracy", "best_train_accuracy", "run_time_s", "spikes_per_neuron")


def state(study: Study) -> str:
    """The view, as MLflow keeps it."""
    varied = [name for name, values in study.grid.items() if len(values) > 1]
    columns = [
        *(f"metrics.`{name}`" for name in SCORES),
        *(f"params.`{name}`" for name in [*varied, "seed"]),
        *(f"tags.`{name}`" for name in ("state", "activity")),
    ]
    return json.dumps(
        {
            "searchFilter": "tags.role = 'trial'",
            "orderByKey": f"metrics.`{SCORES[0]}`",
            "orderByAsc": False,
            "selectedColumns": columns,
        }
    )


def address(experiment_id: str) -> str:
    """Where in MLflow's UI it is."""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={NAME}"
