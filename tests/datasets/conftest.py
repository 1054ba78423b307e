"""Fixtures for the data sets: a cache and a data folder of the test's own."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache for this test, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "snn_tune"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, as a user has it."""
    folder = os.environ.get("SNN_TUNE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SNN_TUNE_DATA names no folder of real data")
    return Path(folder)
