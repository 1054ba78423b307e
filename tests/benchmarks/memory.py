"""Memory of a command and all that it starts: `python tests/benchmarks/memory.py FILE.csv python -m snn_tune.run tbl`.

Twice a minute a line goes to FILE.csv: MiB of the command, of the trials' workers, and of Ray's own processes. They are
proportional shares (PSS): a page that several processes share counts once. Linux. At the end, and for a FILE.csv alone,
what each grew from the first tenth of the time to the last, and by how much an hour (least squares); FILE.png draws it.
"""

import csv
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("agg")
import matplotlib.pyplot as plt

EVERY = 30.0  # seconds
PROC = Path("/proc")
KINDS = ("command", "workers", "Ray")


def tree(root: int) -> list[int]:
    """The process and all below it."""
    children = defaultdict(list)
    for file in PROC.glob("[0-9]*/stat"):
        try:
            children[int(file.read_text().rpartition(")")[2].split()[1])].append(int(file.parent.name))
        except OSError:  # has ended
            continue
    found, new = [], [root]
    while new:
        found += new
        new = [child for one in new for child in children[one]]
    return found


def kind(pid: int, root: int) -> str:
    said = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    return "command" if pid == root else "workers" if said.startswith("ray::ResourceTrainable") else "Ray"


def share(pid: int) -> float:
    """MiB of a process; of what it shares with others, its part."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def sample(root: int) -> dict[str, float]:
    """MiB by kind."""
    found = dict.fromkeys(KINDS, 0.0)
    for pid in tree(root):
        try:
            found[kind(pid, root)] += share(pid)
        except OSError:  # has ended
            continue
    return found


def watch(root: int, file: Path, lives: Callable[[], bool]) -> None:
    began = time.time()
    with file.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["seconds", *KINDS])
        while lives():
            row = [round(time.time() - began), *(round(value) for value in sample(root).values())]
            table.writerow(row)
            out.flush()
            time.sleep(EVERY)


def while_trials_ran(file: Path) -> dict[str, np.ndarray]:
    with file.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["Ray"] and float(row["workers"])]  # a last line may be half
    found = {name: np.array([float(row[name]) for row in rows]) for name in ("seconds", *KINDS)}
    return found | {"all": np.sum([found[name] for name in KINDS], axis=0)}


def told(found: dict[str, np.ndarray]) -> str:
    hours = found["seconds"] / 3600
    tenth = max(len(hours) // 10, 1)
    said = [f"{len(hours)} samples while trials ran, {np.ptp(hours):.2f} hours"]
    for name in (*KINDS, "all"):
        slope = np.polyfit(hours, found[name], 1)[0]
        first, last = np.median(found[name][:tenth]), np.median(found[name][-tenth:])
        said.append(f"{name}: {first:.0f} MiB at first, {last:.0f} MiB at last, {slope:+.1f} MiB an hour")
    return "\n".join(said)


def draw(found: dict[str, np.ndarray], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for name in (*KINDS, "all"):
        axes.plot(found["seconds"] / 3600, found[name], label=name)
    axes.set(xlabel="hours", ylabel="MiB", ylim=(0, None), title=f"memory while {file.stem} ran")
    axes.legend(ncols=4, frameon=False)
    figure.savefig(file, dpi=150)


def main(target: Path, command: list[str]) -> int:
    """The command's exit status."""
    process = subprocess.Popen(command) if command else None
    try:
        if process:
            watch(process.pid, target, lambda: process.poll() is None)
    except KeyboardInterrupt:  # the command was told, too
        print("waiting for the command to stop", file=sys.stderr)
    status = process.wait() if process else 0
    found = while_trials_ran(target)
    if len(found["seconds"]) < 2:
        print(f"{target}: too few samples while trials ran")
        return status
    print(told(found))
    draw(found, target.with_suffix(".png"))
    return status


if __name__ == "__main__":
    if len(sys.argv) < 2 or (len(sys.argv) == 2 and not Path(sys.argv[1]).is_file()):
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
