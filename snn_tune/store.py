"""The tracking store: where MLflow keeps a study, and reading it. One experiment, named after the study."""

import logging
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

# A server that does not answer is given up soon: MLflow's own defaults would wait for minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

from mlflow.entities import Run  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

from snn_tune.errors import UserError, one_line, without_password  # noqa: E402

SQLITE = "sqlite:///"
PAGE = 5000
Answer = TypeVar("Answer")


def tracking_uri(given: str | None, root: Path) -> str:
    """What was given, else MLFLOW_TRACKING_URI, else a database under the root folder.

    Raises:
        UserError: the root's path cannot be part of a database's address.
    """
    if elsewhere := given or os.environ.get("MLFLOW_TRACKING_URI"):
        return elsewhere
    path = str(root.resolve() / "mlflow.db")
    if set(path) & set("?%"):
        raise UserError(f"--root {root}: a path with ? or % cannot be part of a database's address; take another")
    return SQLITE + path


def how_to_open(uri: str) -> str:
    """What a person types, or where they go, to see the trials in MLflow."""
    return without_password(uri) if uri.startswith("http") else f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


class Store:
    """A study's experiment, for reading.

    Args:
        create: whether a database file that is missing is made.

    Raises:
        UserError: the store cannot be opened, or does not answer.
    """

    def __init__(self, study: str, uri: str, *, create: bool = False) -> None:
        self.uri = uri
        if uri.startswith(SQLITE) and not create and not Path(uri.removeprefix(SQLITE)).is_file():
            raise UserError(
                f"there is no tracking database {uri.removeprefix(SQLITE)}; name another --root or --tracking-uri"
            )
        self.client = self.ask(lambda: MlflowClient(uri))
        self.experiment = self.ask(lambda: self.client.get_experiment_by_name(study))
        if self.experiment and self.experiment.lifecycle_stage == "deleted":
            raise UserError(f"the MLflow experiment '{study}' is deleted in {uri}; restore it or rename the study file")

    def runs(self) -> list[Run]:
        """Every live run of the study: its parent run, and one for each trial."""
        return self.ask(lambda: list(self._pages())) if self.experiment else []

    def _pages(self) -> Iterator[Run]:
        token: str | None = ""
        while token is not None:
            page = self.client.search_runs([self.experiment.experiment_id], max_results=PAGE, page_token=token or None)
            yield from page
            token = page.token

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer, or one line that says which store gave none."""
        try:
            return question()
        except Exception as error:  # MLflow lets through whatever its database, its server or the network raise
            what = f"{type(error).__name__}: {one_line(error)}"
            mend = "wait, or stop the other program that holds it" if "locked" in what else "check its address"
            if "not a database" in what or "malformed" in what:
                mend = "move the damaged file aside"
            raise UserError(
                f"the tracking store {without_password(self.uri)} cannot be used ({what}): {mend}"
            ) from error


def is_study(run: Run) -> bool:
    """Whether this is the study's parent run."""
    return bool(run.data.tags.get("role") == "study")


def trial_key(run: Run) -> str:
    """Key of the trial that this run holds, "" for the parent run."""
    return str(run.data.tags.get("key", ""))
