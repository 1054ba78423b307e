"""From the journal to MLflow: in a thread, in order, again and again while the store does not answer."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from snn_tune.errors import one_line
from snn_tune.tracking.fence import NotHeldError
from snn_tune.tracking.journal import Journal, read
from snn_tune.tracking.lease import Lease
from snn_tune.tracking.writer import Writer
from snn_tune.wording import count

LONGEST_PAUSE_S = 10.0  # between two tries
PATIENCE_S = 20.0  # at the end of a study, with a store that takes nothing

log = logging.getLogger("snn_tune")


class Delivery:
    """Brings the journal's records to the store, until another driver holds the lease.

    Args:
        say: shows a line to the user.

    Attributes:
        trouble: why the last try failed.
    """

    def __init__(self, writer: Writer, journal: Journal, lease: Lease, say: Callable[[str], None]) -> None:
        self.writer, self.journal, self.lease, self.say = writer, journal, lease, say
        self.trouble = ""
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="delivery", daemon=True)

    def catch_up(self) -> None:
        """Deliver what earlier starts left.

        Raises:
            UserError: the store does not answer; the journals are kept.
        """
        for path in self.journal.earlier():
            by_key, nb_damaged = read(path)
            for key, records in by_key.items():
                self.writer.ledger.store.ask(self.writer.write, key, records)
            if nb_damaged:
                kept = path.rename(path.with_suffix(".damaged"))
                self.say(
                    f"{count(nb_damaged, 'damaged line')} in a journal, kept as {kept}: the trials in them run again"
                )
            else:
                path.unlink()
        self.writer.refused.clear()  # those trials run again now

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the journal."""
        self._wake.set()

    def finish(self) -> int:
        """Wait until all is delivered, or the store takes nothing for a while. Returns how many trials still wait."""
        waiting, since = 0, time.monotonic()
        while self._thread.is_alive() and time.monotonic() - since < PATIENCE_S:
            if not (now := len(self.journal.pending)):
                break
            if now != waiting:
                waiting, since = now, time.monotonic()
            time.sleep(0.05)
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)
        if not self.journal.pending and not self.lease.lost:
            with suppress(Exception):  # else the next start looks
                self.writer.settle()
        return len(self.journal.pending)

    def _work(self) -> None:
        failures = 0
        while not self._ended.is_set():
            key, records = self.journal.first()
            if not key:
                self._wake.wait()
                self._wake.clear()
                continue
            try:
                self.writer.write(key, records)
                self.journal.delivered(key, len(records))
                if failures > 2:
                    self.say("the tracking store answers again")
                failures, self.trouble = 0, ""
            except NotHeldError:
                return
            except Exception as error:
                failures, self.trouble = failures + 1, one_line(error)
                log.warning("not delivered (try %d): %s", failures, self.trouble)
                if failures == 3:
                    self.say(f"the tracking store takes nothing ({self.trouble:.80}): results wait in the journal")
                self._ended.wait(min(2.0**failures / 4, LONGEST_PAUSE_S))
