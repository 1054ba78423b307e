"""The most memory that this process took since a moment: what training adds to what was loaded before it."""

import resource
import sys
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")


class PeakMemory:
    """Counts from its creation; of the GPU's memory, where that is what trains.

    Where the system can't forget an earlier peak (other than Linux), a peak before this moment counts as well.
    """

    def __init__(self, device: str) -> None:
        self.cuda = device.startswith("cuda")
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated()
        elif STATUS.exists():
            Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is held now (man 5 proc)
            self.before = _status("VmRSS")
        else:
            self.before = _peak()

    def bytes(self) -> int:
        """The peak, less what was there before."""
        return (torch.cuda.max_memory_allocated() if self.cuda else _peak()) - self.before


def _peak() -> int:
    if STATUS.exists():
        return _status("VmHWM")  # ru_maxrss would include the parent's, which a new process starts with
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _status(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024
