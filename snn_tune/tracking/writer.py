"""A trial's records as MLflow runs, parameters, metrics and files: written twice, they are still there once."""

from collections.abc import Callable

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException, RestException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from snn_tune.errors import one_line
from snn_tune.storage import at
from snn_tune.tracking.data_input import as_input
from snn_tune.tracking.fence import Fenced
from snn_tune.tracking.journal import Record
from snn_tune.tracking.ledger import STATUS, Entry, Ledger

BATCH = 800  # metrics; MLflow takes 1,000 values at once
REFUSALS = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "INVALID_STATE")  # asking again does not help


class Writer:
    """Writes to a study's experiment, and keeps the ledger up to date.

    Args:
        held: whether this driver holds the study's lease; asked before each call to the store.

    Attributes:
        refused: by trial, why the store does not take its results: its run was deleted as it trained, perhaps.
    """

    def __init__(self, ledger: Ledger, held: Callable[[], bool]) -> None:
        self.ledger, self.client = ledger, Fenced(ledger.store.client, held)
        self.refused: dict[str, str] = {}
        self._doubtful: set[str] = set()  # trials whose run was asked for once, and the answer lost

    def write(self, key: str, records: list[Record]) -> None:
        """Write records of one trial, in the order of its events.

        Raises:
            NotHeldError: another driver has the lease.
            Exception: whatever MLflow, its database or the network raise; to be tried again.
        """
        try:
            self._write(key, records)
        except MlflowException as error:
            if not _is_refusal(error):
                raise
            self.ledger.refresh(key)  # perhaps its run was deleted, and another one is wanted
            try:
                self._write(key, records)
            except MlflowException as again:
                if not _is_refusal(again):
                    raise
                self.refused[key] = one_line(again)

    def settle(self) -> None:
        """Delete second runs that came of creations whose answers were lost."""
        for key in self._doubtful:
            self.ledger.refresh(key)

    def _write(self, key: str, records: list[Record]) -> None:
        """All of one trial, in as few calls as MLflow allows; nothing for a trial that is over in the store."""
        entry = self._run(key, records[0])
        if entry is None:
            self.refused[key] = "its run is no longer there"
            return
        if (data := records[0].get("data")) and not entry.over:
            self.client.log_inputs(entry.run_id, [as_input(data)])
        marks = [RunTag(*mark) for record in records if record["event"] == "marked" for mark in record["tags"].items()]
        if marks:
            self.client.log_batch(entry.run_id, tags=marks)
        ended = next((record for record in records if record["event"] == "ended"), None)
        for file in map(at, ended["files"] if ended else ()):
            with file.local() as copy:
                if copy and not entry.over:  # one that is gone was uploaded by an earlier try
                    self.client.log_artifact(entry.run_id, str(copy))
            file.delete()
        if not entry.over:
            self._log(entry, records)
            if ended:
                status = STATUS.get(ended["state"], "FAILED")
                self.client.set_terminated(entry.run_id, status, ended["time"])
                entry.state = ended["state"]
                entry.scored = entry.scored or "best_epoch" in ended["metrics"]

    def _run(self, key: str, first: Record) -> Entry | None:
        """The trial's run, found or made, and running if the trial begins (again)."""
        begun = first["event"] == "begun"
        if key in self._doubtful:
            self.ledger.refresh(key)
        entry = self.ledger.entries.get(key)
        if entry is None and begun:
            doubtful = key in self._doubtful
            self._doubtful.add(key)
            ids = {name: first["tags"][name] for name in (MLFLOW_PARENT_RUN_ID, "role", "key", "lineage", "state")}
            run = self.client.create_run(self.ledger.store.experiment_id, first["time"], ids, first["name"])
            if not doubtful:
                self._doubtful.discard(key)
            entry = Entry(run.info.run_id, "running", 0, first["time"])
            self.ledger.entries[key] = entry
        elif entry and begun and not entry.over and entry.state != "running":
            self.client.update_run(entry.run_id, status="RUNNING")
            entry.state = "running"
        return entry

    def _log(self, entry: Entry, records: list[Record]) -> None:
        """Metrics, parameters and tags. Of an epoch that was trained twice, or an end, the first values stay."""
        metrics: list[Metric] = []
        tags: dict[str, str] = {}
        params: dict[str, str] = {}
        epoch = entry.epoch
        for record in records:
            tags |= record.get("tags", {})
            params |= record.get("params", {})
            for number, time_ms, values in record.get("epochs", ()):
                if number > epoch:
                    metrics += [Metric(name, value, time_ms, number) for name, value in values.items()]
                    epoch = number
            if record["event"] == "ended" and not entry.scored:
                metrics += [Metric(name, value, record["time"], epoch) for name, value in record["metrics"].items()]
        while len(metrics) > BATCH:
            self.client.log_batch(entry.run_id, metrics[:BATCH])
            metrics = metrics[BATCH:]
        more = [Param(*item) for item in params.items()], [RunTag(*item) for item in tags.items()]
        if metrics or any(more):
            self.client.log_batch(entry.run_id, metrics, *more)
        entry.epoch = epoch


def _is_refusal(error: MlflowException) -> bool:
    """Whether MLflow itself says that it will never take this: what a proxy says, or a server that starts, changes."""
    from_mlflow = isinstance(error, RestException) or "API request" not in str(error)
    return from_mlflow and error.error_code in REFUSALS
