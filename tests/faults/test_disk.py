"""A disk that is full or read-only: one line that says so, and nothing finished is lost."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import check_whole, database, driver, finish

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not permitted")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_fills_ends_the_study_in_a_line_and_it_goes_on_when_there_is_space(small_disk: Path) -> None:
    process = driver(small_disk)
    filler = small_disk / "filler"
    while not list((small_disk / "trials").glob("*/*/")):
        assert process.poll() is None
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))
    printed, _ = process.communicate(timeout=120)
    assert process.returncode in (1, 2), printed
    assert "No space left" in printed
    assert "Traceback" not in printed, printed
    filler.unlink()
    finish(small_disk)
    check_whole(database(small_disk))


def test_a_read_only_root_is_refused_in_a_line(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    process = driver(small_disk / "root")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert printed.count("\n") == 1
    assert "Read-only file system; make it writable, or name another folder" in printed
