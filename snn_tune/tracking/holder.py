"""Who runs a study: a process of a machine, told from a later one that has its number."""

import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True)
class Holder:
    """A driver.

    Attributes:
        began: when its process began, in the machine's count, so that another one with its number is not taken for it.
    """

    id: str = field(default_factory=lambda: uuid4().hex)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    began: str = field(default_factory=lambda: _began(os.getpid()))
    since: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M:%S"))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"

    @property
    def gone(self) -> bool:
        """Whether its process is known to have ended: only its own machine knows."""
        return self.host == socket.gethostname() and _began(self.pid) != self.began


def _began(pid: int) -> str:
    """When a process began; "" where it has ended."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except ProcessLookupError:
        return ""
    except OSError:  # another user's process, or no Linux: it is there, and that is all we know
        return "unknown"
    return "" if stat[0] in "ZX" else stat[19]
