"""One driver for each study and store: a lease with a heartbeat, kept as tags of the study's parent run."""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

from mlflow.entities import Run

from snn_tune.errors import UserError, one_line
from snn_tune.tracking.holder import Holder
from snn_tune.tracking.store import Store

BEAT_S = 5.0
EXPIRY_S = 60.0  # without a beat: twelve were missed
SETTLE_S = 1.0  # between writing and reading back: who read before and writes after it is seen by the next beat

log = logging.getLogger("snn_tune")


class Lease:
    """Held from its making until `close`, beating from `start` on; waits for an earlier holder that may be dead.

    Args:
        store: of the study; its parent run is made where there is none.
        say: shows a line to the user.
        stop: ends the study, for the reason that it is given; called when another driver has taken the lease.

    Raises:
        UserError: another driver holds it; or the store does not answer.
    """

    def __init__(self, store: Store, say: Callable[[str], None], stop: Callable[[str], None]) -> None:
        self.store, self.stop = store, stop
        self.me = Holder()
        self.lost = False
        self._ended = threading.Event()
        self._take(say)
        self._seen = time.time()

    def start(self) -> None:
        """Begin to beat, in a thread, at once; within `EXPIRY_S`."""
        threading.Thread(target=self._beat_on, name="lease", daemon=True).start()

    def close(self) -> None:
        """Give it back, once; where the store does not answer, the next driver finds this process gone."""
        if self._ended.is_set():
            return
        self._ended.set()
        with suppress(Exception):
            if self._is_mine(self.store.parent()):
                self.store.client.set_tag(self.parent_id, "lease", "")

    def held(self) -> bool:
        """Whether this driver may write; asks the store where the last beat is long ago, as after a machine's sleep.

        Raises:
            UserError: the store does not answer.
        """
        return not self.lost and (time.time() - self._seen < EXPIRY_S / 2 or self._beat())

    def _take(self, say: Callable[[str], None]) -> None:
        while True:
            parent = self.store.parent() or self._make_parent()
            self.parent_id = parent.info.run_id
            holder = _holder(parent)
            if holder and not holder.gone and not self._silent(holder, parent, say):
                continue
            self._tag(lease=json.dumps(asdict(self.me)), lease_beat=str(time.time()))
            time.sleep(SETTLE_S)
            if self._is_mine(parent := self.store.parent()):
                return
            if parent and parent.info.run_id != self.parent_id:  # two were made at once: the older counts
                self.store.delete([self.parent_id])

    def _silent(self, holder: Holder, parent: Run, say: Callable[[str], None]) -> bool:
        """Watch another driver's heartbeat: True when it has stopped, False when the lease has gone to someone else."""
        study, beat = self.store.study, parent.data.tags.get("lease_beat")
        say(f"{study} is held by {holder}: waiting up to {EXPIRY_S:.0f} s for a sign of life")
        until = time.monotonic() + EXPIRY_S
        while time.monotonic() < until:
            time.sleep(1)
            now = self.store.parent()
            if now is None or _holder(now) != holder:
                return False
            if holder.gone:
                return True
            if now.data.tags.get("lease_beat") != beat:
                raise UserError(f"{study} is being run by {holder}; wait for it, or stop it")
        say(f"{holder} gave none: this command takes its place")
        return True

    def _beat_on(self) -> None:
        while not (self.lost or self._ended.is_set()):
            try:
                self._beat()
            except Exception as error:  # the server is away; the study is not ended for that
                log.warning("no heartbeat: %s", one_line(error))
            self._ended.wait(BEAT_S)

    def _beat(self) -> bool:
        """Show that this driver lives; False where the lease was given back, or another driver has it: a stop."""
        parent = self.store.parent()
        if not self._is_mine(parent):
            if self._ended.is_set():  # given back, as this was asked
                return False
            self.lost = True
            other = parent and (_holder(parent) or "another driver, which has ended since")
            self.stop(f"{self.store.study} was taken over by {other}" if other else "the study's run was deleted")
            return False
        self._tag(lease_beat=str(time.time()))
        self._seen = time.time()
        return True

    def _is_mine(self, parent: Run | None) -> bool:
        return parent is not None and parent.info.run_id == self.parent_id and _holder(parent) == self.me

    def _make_parent(self) -> Run:
        """As yet it is only scheduled: this start may still be refused.

        It has all tags from the first: where two drivers make the same one at once, a database refuses the second.
        """
        client, tags = self.store.client, {"role": "study", "lease": "", "lease_beat": ""}
        run = self.store.ask(lambda: client.create_run(self.store.experiment_id, tags=tags, run_name=self.store.study))
        self.store.ask(lambda: client.update_run(run.info.run_id, status="SCHEDULED"))
        return run

    def _tag(self, **tags: str) -> None:
        for name, value in tags.items():
            self.store.ask(self.store.client.set_tag, self.parent_id, name, value)


def _holder(parent: Run) -> Holder | None:
    """Who holds the lease; None where nobody does."""
    try:
        return Holder(**json.loads(parent.data.tags.get("lease", "")))
    except (ValueError, TypeError):
        return None
