"""MLflow's server is there for a command, and leaves copies of its database."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from s3server import S3, s3  # noqa: F401
from server import free_port

from snn_tune import tracking_server
from snn_tune.copies import Copies
from snn_tune.errors import UserError

pytestmark = pytest.mark.usefixtures("same_handlers_afterwards")


def process(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def test_a_command_has_one_ctrl_c_for_one(tmp_path: Path) -> None:
    """A terminal sends it to the whole process group."""
    ready, heard = tmp_path / "ready", tmp_path / "heard"
    command = f"""import pathlib, signal, time
signal.signal(signal.SIGINT, lambda *_: pathlib.Path({str(heard)!r}).open("a").write("x"))
pathlib.Path({str(ready)!r}).touch()
while not pathlib.Path({str(heard)!r}).exists(): time.sleep(0.01)
time.sleep(0.5)
raise SystemExit(3)"""
    watching = f"""import subprocess, sys
from pathlib import Path
from snn_tune.tracking_server import Copies, _watch
server = subprocess.Popen(["sleep", "60"], start_new_session=True)
try:
    status = _watch([sys.executable, "-c", {command!r}], server, Copies({str(tmp_path)!r}, Path("none")), 1)
finally:
    server.kill()
sys.exit(status)"""
    watch = process(watching)
    while not ready.exists():
        assert watch.poll() is None
        time.sleep(0.01)
    os.killpg(watch.pid, signal.SIGINT)
    assert watch.wait(60) == 3
    assert heard.read_text() == "x"


def test_a_server_that_dies_is_named_once_and_a_last_copy_that_fails_costs_no_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracking_server, "COPY_S", 0.1)
    copies, server = Copies(str(tmp_path / "storage"), tmp_path / "mlflow.db"), process("raise SystemExit(5)")
    server.wait()
    command = [sys.executable, "-c", "import time; time.sleep(0.5); raise SystemExit(3)"]
    assert tracking_server._watch(command, server, copies, 1) == 3
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("mlflow has ended, with status 5")
    copies.database.write_text("no database" * 100)
    tracking_server._save(copies)
    assert capfd.readouterr().err.startswith(f"{copies.database}: not copied this time: file is not a database")


def test_a_command_that_is_not_there_is_a_line() -> None:
    with pytest.raises(UserError, match="^-- no_such_command: cannot be run .No such file"):
        tracking_server._started(["no_such_command"], 1)


def test_sigterm_while_mlflow_starts_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def killed(port: int) -> bool:
        if not started:  # whether the port is free
            started.append(0)
            return False
        started.extend(int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
        os.kill(os.getpid(), signal.SIGTERM)
        return False

    monkeypatch.setattr(tracking_server, "answers", killed)
    options = ["--storage", str(tmp_path / "storage"), "--root", str(tmp_path), "--port", str(free_port())]
    assert tracking_server.main(options) == 130
    assert len(started) > 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in started[-1:])


def test_options_of_a_bucket_reach_mlflow() -> None:
    of_bucket = tracking_server.of_bucket
    assert of_bucket("") == {}
    assert of_bucket("endpoint_override=http%3A%2F%2Fminio:9000") == {"MLFLOW_S3_ENDPOINT_URL": "http://minio:9000"}
    assert of_bucket("scheme=http&endpoint_override=minio:9000&region=eu-west-1") == {
        "MLFLOW_S3_ENDPOINT_URL": "http://minio:9000",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


@pytest.mark.slow
def test_artifacts_go_to_a_bucket_that_is_not_amazons(s3: S3, tmp_path: Path) -> None:  # noqa: F811
    options = ["--storage", s3.uri, "--root", str(tmp_path), "--port", str(free_port())]
    log = "import mlflow; mlflow.log_text('content', 'file.txt')"
    server = [sys.executable, "-m", "snn_tune.tracking_server", *options, "--", sys.executable, "-c", log]
    done = subprocess.run(server, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert any(key.startswith("prefix/artifacts/") and key.endswith("/file.txt") for key in s3.objects())


def test_a_storage_that_is_not_there_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    options = ["--storage", str(tmp_path / "file"), "--root", str(tmp_path), "--port", str(free_port())]
    assert tracking_server.main(options) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/file")


@pytest.mark.slow
def test_it_serves_while_a_command_runs_and_ends_with_its_status(tmp_path: Path) -> None:
    options = ["--storage", str(tmp_path / "storage"), "--root", str(tmp_path / "root"), "--port", str(free_port())]
    server = [sys.executable, "-m", "snn_tune.tracking_server", *options]
    make = "import mlflow; print('made', mlflow.set_experiment('one').artifact_location); raise SystemExit(3)"
    done = subprocess.run([*server, "--", sys.executable, "-c", make], capture_output=True, text=True, timeout=180)
    assert done.returncode == 3, done.stderr
    assert "made mlflow-artifacts:" in done.stdout
    (tmp_path / "root/mlflow.db").unlink()
    find = "import mlflow; print('found', bool(mlflow.get_experiment_by_name('one')))"
    found = subprocess.run([*server, "--", sys.executable, "-c", find], capture_output=True, text=True, timeout=180)
    assert "found True" in found.stdout


@pytest.mark.slow
def test_sigterm_ends_it_and_leaves_a_copy(tmp_path: Path) -> None:
    options = ["--storage", str(tmp_path / "storage"), "--root", str(tmp_path / "root"), "--port", str(free_port())]
    server = subprocess.Popen(
        [sys.executable, "-m", "snn_tune.tracking_server", *options], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    assert any("mlflow answers" in line for line in server.stdout)
    os.kill(server.pid, signal.SIGTERM)
    server.wait(timeout=60)
    assert len(list((tmp_path / "storage/mlflow").glob("*.db"))) == 1
