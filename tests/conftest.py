"""Shared by all tests: no test touches the user's cache, a tracking server, or a cluster of theirs."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # the GPU kernel is tested on the CPU; Triton reads it when it is imported
pytest.register_assert_rewrite("harness", "server")  # what helpers assert is shown, too
torch.set_num_threads(1)  # as in a trial: small networks gain nothing from more


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    session = tmp_path_factory.getbasetemp()
    session = session.parent if "PYTEST_XDIST_WORKER" in os.environ else session  # one cache for all workers
    monkeypatch.setenv("XDG_CACHE_HOME", str(session / "cache"))
    for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "SNN_TUNE_ROOT", "SNN_TUNE_STORAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _new_databases_are_copies(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow takes a second to make one, and hundreds of tests need one: all but the first are copies."""
    template = tmp_path_factory.getbasetemp() / "new.db"

    def make(path: Path) -> None:
        made(template)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{uuid4().hex}")
            shutil.copy(template, part)
            with suppress(FileExistsError):  # another thread was faster
                path.hardlink_to(part)
            part.unlink()

    database = sys.modules.get("snn_tune.tracking.database")  # not imported by tests that need none
    if database and request.path.name != "test_database.py":  # which tests the making itself
        made = database.make
        monkeypatch.setattr(database, "make", make)


@pytest.fixture
def same_handlers_afterwards() -> Iterator[None]:
    """For tests of what sets the process's answers to signals."""
    from snn_tune import interrupt  # not above, where TRITON_INTERPRET is yet to be set

    before = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}
    yield
    for which, handler in before.items():
        signal.signal(which, handler)
    interrupt._asked = False
