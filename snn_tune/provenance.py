"""Where a result comes from: code, versions, hardware."""

import platform
import shlex
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from snn_tune.errors import without_password

PACKAGES = ("snn_tune", "torch", "numba", "numpy", "ray", "mlflow")


@cache
def git_commit() -> str:
    """Commit of the checkout that this code runs from, `-dirty` if it was changed since; "" outside a checkout."""
    folder = Path(__file__).parent.parent
    if not (folder / ".git").exists():
        return ""
    git = ["git", "-C", str(folder)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changes = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return commit.stdout.strip() + ("-dirty" if changes.stdout.strip() else "")


def versions() -> str:
    """Python and the packages that decide numbers, as one line."""
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])


def device_name(device: str) -> str:
    """The processor or card that a device stands for: run times are compared only within one of them."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    models = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    return models[0].partition(":")[2].strip() if models else platform.processor() or platform.machine()


def command() -> str:
    """The command line that was typed, without passwords."""
    module = sys.modules["__main__"].__spec__
    program = ["python", "-m", module.name] if module else [Path(sys.argv[0]).name]
    return without_password(shlex.join([*program, *sys.argv[1:]]))
