"""A study's data as MLflow knows data sets: an input of the study's run and of each trial's."""

import json
from collections.abc import Mapping

from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from snn_tune.datasets.source import DataSource

DIGEST = 16  # characters of the fingerprint; the whole one is the tag data_fingerprint


def description(data: DataSource, tags: Mapping[str, str]) -> dict[str, str]:
    """The data that a start has, by the tags of its runs, in plain values, which a journal can hold.

    Its source is this program, with the files that it read and the [data] table: no address, since a file may have come
    from anywhere; their hashes say what it was.
    """
    source = {"name": "snn_tune", "data": data.name, "table": data.model_dump_json(), "files": tags["data_files"]}
    return {
        "name": data.name,
        "digest": digest(tags),
        "source_type": "code",
        "source": json.dumps({"tags": source}),
        "profile": json.dumps(
            json.loads(tags["samples"]) | {"nb_inputs": data.nb_inputs, "nb_classes": data.nb_classes}
        ),
    }


def digest(tags: Mapping[str, str]) -> str:
    """What tells the data from other data of its name, short enough for MLflow."""
    return tags["data_fingerprint"][:DIGEST]


def as_input(described: Mapping[str, str]) -> DatasetInput:
    """The data as MLflow's client takes it."""
    return DatasetInput(Dataset(**described), [InputTag(MLFLOW_DATASET_CONTEXT, "train, valid, test")])
