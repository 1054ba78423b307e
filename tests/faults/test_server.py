"""A tracking server that loses answers, fails, hangs, stops and comes back: all is delivered, each value once."""

import random
import time
from pathlib import Path

import pytest
from harness import NB_TRIALS, check_whole, driver, finish
from server import Proxy, Server

from snn_tune.errors import UserError
from snn_tune.tracking.store import writable

pytestmark = pytest.mark.slow


def test_a_server_that_fails_and_stops_mid_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("SNN_TUNE_TEST_PATIENCE_S", "5")
    server, moods = Server(tmp_path / "server"), random.Random(0)
    proxy = Proxy(server.port, lambda: "pass")
    root = tmp_path / "root"
    try:
        process = driver(root, proxy.uri)
        while not list((root / "trials").glob("*/*/")):
            time.sleep(0.05)
        weights = {"pass": 70, "lose": 14, "fail": 15, "hang": 1}
        proxy.mood = lambda: moods.choices(list(weights), list(weights.values()))[0]
        before = proxy.nb_requests
        while proxy.nb_requests < before + 40 and process.poll() is None:
            time.sleep(0.05)
        server.stop()
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == 2, printed
        assert f"{NB_TRIALS}/{NB_TRIALS} done" in printed
        assert "trials are not in http://127.0.0.1" in printed
        assert "type the same command to deliver them" in printed
        proxy.mood = lambda: "pass"
        server.start()
        assert f"{NB_TRIALS} trials: {NB_TRIALS} done" in finish(root, proxy.uri)
        check_whole(proxy.uri)
        assert not list((root / "journal").glob("*/*.jsonl"))
    finally:
        proxy.close()
        server.stop()


@pytest.mark.parametrize("mood", ["fail", "hang"])
def test_a_server_that_does_not_answer_at_the_start_is_refused_within_30_s(mood: str, tmp_path: Path) -> None:
    proxy, start = Proxy(9, lambda: mood), time.monotonic()
    try:
        with pytest.raises(UserError, match="the tracking store http://127.0.0.1:.* cannot be used"):
            writable("small", proxy.uri, tmp_path)
        assert time.monotonic() - start < 20
    finally:
        proxy.close()
