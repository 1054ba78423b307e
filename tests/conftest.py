"""Shared by all tests: no test touches the user's cache, a tracking server, or a cluster of theirs."""

import os
import signal
from collections.abc import Iterator

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # the GPU kernel is tested on the CPU; Triton reads it when it is imported
pytest.register_assert_rewrite("harness", "server")  # what helpers assert is shown, too
torch.set_num_threads(1)  # as in a trial: small networks gain nothing from more


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "SNN_TUNE_ROOT", "SNN_TUNE_STORAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def same_handlers_afterwards() -> Iterator[None]:
    """For tests of what sets the process's answers to signals."""
    from snn_tune import interrupt  # not above, where TRITON_INTERPRET is yet to be set

    before = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}
    yield
    for which, handler in before.items():
        signal.signal(which, handler)
    interrupt._asked = False
