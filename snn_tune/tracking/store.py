"""The tracking store: where MLflow keeps a study, and reading it. One experiment, named after the study."""

import logging
import os
import shlex
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

# A server that does not answer is given up soon: MLflow's own defaults would wait for minutes. And MLflow itself never
# tries again: a creation whose answer was lost would be made twice, and nobody would know.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

from mlflow.entities import Experiment, Run  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.entities import PagedList  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

from snn_tune.errors import UserError, one_line, without_password  # noqa: E402
from snn_tune.files import naming  # noqa: E402
from snn_tune.tracking.addresses import gone, readdress  # noqa: E402

SQLITE = "sqlite:///"
DATABASE, ARTIFACTS = "mlflow.db", "artifacts"  # in a folder of results
PAGE = 200  # runs: MLflow makes 0.1 MB of objects of each
KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on training runs, not on language models
RESTORE = "move the damaged file aside, or put a copy back"
MENDS = {  # by a word of what MLflow, its database or the system says
    "locked": "wait, or stop the other program that holds it",
    "not a database": RESTORE,
    "malformed": RESTORE,
    "no such table": RESTORE,
    "disk is full": "free some space",
    "disk I/O": "free some space, or look at the disk",
    "readonly": "make it writable, or name another --root",
    "No module named": "install it with pip",
    "unable to open": "make its folder writable, or name another --root",
}
Answer = TypeVar("Answer")


def tracking_uri(given: str | None, root: Path) -> str:
    """What was given, else MLFLOW_TRACKING_URI, else a database under the root folder.

    Raises:
        UserError: the root's path cannot be part of a database's address.
    """
    return given or os.environ.get("MLFLOW_TRACKING_URI") or database_uri(root)


def database_uri(root: Path) -> str:
    """Of the database under the root folder.

    Raises:
        UserError: the root's path cannot be part of a database's address.
    """
    path = str(root.resolve() / DATABASE)
    if set(path) & set("?%"):
        raise UserError(f"--root {root}: a path with ? or % cannot be part of a database's address; take another")
    return SQLITE + path


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
            _check_database(Path(uri.removeprefix(SQLITE)))
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

    def _paged(self, question: Callable[[str | None], PagedList[Answer]]) -> Iterator[Answer]:
        token: str | None = ""
        while token is not None:
            page = self.ask(question, token or None)
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

    def ask(self, question: Callable[..., Answer], *what: Any) -> Answer:
        """The answer, or one line that says that this store gave none."""
        return ask(self.uri, question, *what)


def ask(uri: str, question: Callable[..., Answer], *what: Any) -> Answer:
    """The answer of a store, or one line that says which store gave none."""
    try:
        return question(*what)
    except UserError:  # says it already
        raise
    except Exception as error:  # MLflow lets through whatever its database, its server or the network raise
        said = f"{type(error).__name__}: {one_line(error)}"
        mend = next((mend for word, mend in MENDS.items() if word in str(error)), "check that it runs, and its address")
        raise UserError(f"the tracking store {without_password(uri)} cannot be used ({said}): {mend}") from error


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
        _make_database(Path(uri.removeprefix(SQLITE)))
    store = Store(study, uri)
    location = (artifacts.resolve() / study).as_uri() if local else None
    if store.experiment is None:
        store.ask(_make_experiment, store.client, study, location)
        store.experiment = store.ask(store.client.get_experiment_by_name, study)
    elif local and store.experiment.artifact_location != location and gone(store.experiment.artifact_location):
        store.ask(_move, Path(uri.removeprefix(SQLITE)), store.experiment.artifact_location, location)
        store.experiment = store.ask(store.client.get_experiment_by_name, study)
    return store


def elsewhere(store: Store, artifacts: Path) -> str:
    """A line for the user if a local database keeps the study's artifacts in another folder than this, or ""."""
    kept = store.experiment.artifact_location
    if not store.uri.startswith(SQLITE) or kept == (artifacts.resolve() / store.study).as_uri():
        return ""
    return f"artifacts go to {kept}, where this study was begun: MLflow keeps that address when a database is moved"


def _check_database(path: Path) -> None:
    """MLflow would make one of a file that is not there, or empty, and see nothing wrong."""
    if not path.exists():
        raise UserError(f"there is no tracking database {path}; name another --root or --tracking-uri")
    if not path.is_file():
        raise UserError(f"the tracking database {path} is a folder; move it aside, or name another --root")
    if not path.stat().st_size:
        raise UserError(f"the tracking store {SQLITE}{path} cannot be used (it is an empty file): {RESTORE}")
    if not _is_mlflows(path):
        raise UserError(f"the tracking store {SQLITE}{path} cannot be used (another program's database): {RESTORE}")


def _is_mlflows(path: Path) -> bool:
    """MLflow would add its tables to another program's database. True of what is no database, which it says itself."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchall())
    except sqlite3.Error:
        return True


def _make_database(path: Path) -> None:
    """Whole or not at all: MLflow fills a new database in many steps, and cannot go on from half of them."""
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    with naming(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        ask(SQLITE + str(path), lambda: MlflowClient(SQLITE + str(part)).search_experiments())
        with naming(path.parent), suppress(FileExistsError):  # where another driver was faster
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def _make_experiment(client: MlflowClient, name: str, location: str | None) -> None:
    try:
        client.create_experiment(name, artifact_location=location, tags=KIND)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another driver was faster
            raise


def _move(database: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        readdress(connection, old, new)


def is_study(run: Run) -> bool:
    """Whether this is the study's parent run."""
    return bool(run.data.tags.get("role") == "study")


def trial_key(run: Run) -> str:
    """Key of the trial that this run holds, "" for the parent run."""
    return str(run.data.tags.get("key", ""))
