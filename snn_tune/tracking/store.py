"""The tracking store: where MLflow keeps a study, and reading it. One experiment, named after the study."""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList
from mlflow.tracking import MlflowClient

from snn_tune.errors import UserError, without_password
from snn_tune.tracking import database, question
from snn_tune.tracking.addresses import gone
from snn_tune.tracking.database import ARTIFACTS, SQLITE, database_uri

PAGE = 200  # runs: MLflow makes 0.1 MB of objects of each
KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on training runs, not on language models
Answer = TypeVar("Answer")


def tracking_uri(given: str | None, root: Path) -> str:
    """What was given, else MLFLOW_TRACKING_URI, else a database under the root folder.

    Raises:
        UserError: the root's path cannot be part of a database's address.
    """
    return given or os.environ.get("MLFLOW_TRACKING_URI") or database_uri(root)


def how_to_open(uri: str) -> str:
    """What a person types, or where they go, to see the trials in MLflow."""
    return without_password(uri) if uri.startswith("http") else f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


class Store:
    """A study's experiment.

    Raises:
        UserError: the store cannot be opened, or does not answer.
    """

    def __init__(self, study: str, uri: str) -> None:
        self.study, self.uri = study, uri
        if uri.startswith(SQLITE):
            database.check(Path(uri.removeprefix(SQLITE)))
        self.client = self.ask(MlflowClient, uri)
        self.experiment = self.ask(self.client.get_experiment_by_name, study)
        if self.experiment and self.experiment.lifecycle_stage == "deleted":
            raise UserError(f"the MLflow experiment '{study}' is deleted in {uri}; restore it or rename the study file")

    @property
    def experiment_id(self) -> str:
        return str(self.experiment.experiment_id)

    def runs(self, which: str = "") -> Iterator[Run]:
        """The live runs of the study: its parent run, and one for each trial; or those that match MLflow's filter."""
        return self.search([self.experiment_id], which) if self.experiment else iter(())

    def parent(self) -> Run | None:
        """The study's parent run; of two, the older, whoever looks."""
        found = self.runs("tags.role = 'study'")
        return min(found, key=lambda run: (run.info.start_time, run.info.run_id), default=None)

    def search(self, experiments: list[str], which: str) -> Iterator[Run]:
        """The live runs of these experiments that match MLflow's filter."""
        return self._paged(
            lambda token: self.client.search_runs(experiments, which, max_results=PAGE, page_token=token)
        )

    def experiments(self) -> Iterator[Experiment]:
        """Those of the store that are not deleted."""
        return self._paged(lambda token: self.client.search_experiments(max_results=PAGE, page_token=token))

    def _paged(self, pages: Callable[[str | None], PagedList[Answer]]) -> Iterator[Answer]:
        token: str | None = ""
        while token is not None:
            page = self.ask(pages, token or None)
            yield from page
            token = page.token

    def artifact(self, run_id: str, name: str, into: str) -> Path | None:
        """A file that a run has kept, None where it kept none of that name.

        Args:
            into: folder for a copy, where the file is not on this machine.

        Raises:
            UserError: the store does not answer, or what should be there is not.
        """
        if self.uri.startswith(SQLITE):  # a database that was moved, or exported, has its artifacts beside it
            folder = Path(self.uri.removeprefix(SQLITE)).parent / ARTIFACTS / self.study
            if (file := folder / run_id / "artifacts" / name).is_file():
                return file
        if name not in [file.path for file in self.ask(self.client.list_artifacts, run_id)]:
            return None
        return Path(self.ask(self.client.download_artifacts, run_id, name, into))

    def delete(self, run_ids: Iterable[str]) -> None:
        """Soft-delete these runs: MLflow keeps them in its bin."""
        self.ask(lambda: [self.client.delete_run(run_id) for run_id in run_ids])

    def ask(self, what: Callable[..., Answer], *details: Any) -> Answer:
        """The answer, or one line that says that this store gave none."""
        return question.ask(self.uri, what, *details)


def writable(study: str, uri: str, artifacts: Path) -> Store:
    """The study's store; the database and the experiment are made where there are none.

    Args:
        artifacts: folder of the artifacts of a local database; a server keeps them where it likes. Where those of
            the study were elsewhere, and are not there any more, they are looked for and go here from now on.

    Raises:
        UserError: the store cannot be opened, or does not answer.
    """
    local = uri.startswith(SQLITE)
    if local:
        database.make(Path(uri.removeprefix(SQLITE)))
    store = Store(study, uri)
    location = (artifacts.resolve() / study).as_uri() if local else None
    if store.experiment is None:
        store.ask(_make_experiment, store.client, study, location)
        store.experiment = store.ask(store.client.get_experiment_by_name, study)
    elif local and store.experiment.artifact_location != location and gone(store.experiment.artifact_location):
        store.ask(database.move_artifacts, Path(uri.removeprefix(SQLITE)), store.experiment.artifact_location, location)
        store.experiment = store.ask(store.client.get_experiment_by_name, study)
    return store


def elsewhere(store: Store, artifacts: Path) -> str:
    """A line for the user if a local database keeps the study's artifacts in another folder than this, or ""."""
    kept = store.experiment.artifact_location
    if not store.uri.startswith(SQLITE) or kept == (artifacts.resolve() / store.study).as_uri():
        return ""
    return f"artifacts go to {kept}, where this study was begun: MLflow keeps that address when a database is moved"


def _make_experiment(client: MlflowClient, name: str, location: str | None) -> None:
    try:
        client.create_experiment(name, artifact_location=location, tags=KIND)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another driver was faster
            raise


def is_study(run: Run) -> bool:
    """Whether this is the study's parent run."""
    return bool(run.data.tags.get("role") == "study")


def trial_key(run: Run) -> str:
    """Key of the trial that this run holds, "" for the parent run."""
    return str(run.data.tags.get("key", ""))
