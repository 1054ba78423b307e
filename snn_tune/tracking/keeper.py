"""What a start of a study holds while it runs: the lease, the ledger, the journal and its delivery; closed together."""

import _thread
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from snn_tune.errors import UserError, same_command, without_password
from snn_tune.tracking.database import ARTIFACTS
from snn_tune.tracking.delivery import Delivery
from snn_tune.tracking.journal import Journal, Record
from snn_tune.tracking.lease import Lease
from snn_tune.tracking.ledger import Ledger
from snn_tune.tracking.store import elsewhere, writable
from snn_tune.tracking.writer import Writer
from snn_tune.wording import count

log = logging.getLogger("snn_tune")


class Keeper:
    """Keeps a study's results: once made it holds the lease, and within `with` its threads beat and deliver.

    Args:
        study: its name.
        uri: any MLflow tracking URI.
        root: folder of the artifacts of a local database, and of the journal.

    Raises:
        UserError: the store does not answer or another driver runs this study; at the end, that the study had to be
            stopped or that results are not in the store yet.
    """

    def __init__(self, study: str, uri: str, root: Path, console: Console) -> None:
        self.console, self.uri = console, without_password(uri)
        self.reason, self.again, self.opened = "", same_command(fresh=False), False
        self.store = writable(study, uri, root / ARTIFACTS)
        self.lease = Lease(self.store, console.print, self.stop)
        try:
            self.ledger = Ledger(self.store)
            self.journal = Journal(root / "journal" / study, self.lease.parent_id)
        except BaseException:
            self.lease.close()
            raise
        if self.ledger.nb_deleted:
            console.print(
                f"deleted in {self.uri}: {count(self.ledger.nb_deleted, 'run')} of trials that have a better one there"
            )
        if moved := elsewhere(self.store, root / ARTIFACTS):
            console.print(moved)
        self.writer = Writer(self.ledger, self.lease.held)
        self.delivery = Delivery(self.writer, self.journal, self.lease, console.print)

    def open(self, fresh: bool) -> None:
        """Deliver what earlier starts left, or with `fresh` forget all that the study has; then take records.

        Raises:
            UserError: the store does not answer.
        """
        self.again, self.opened = same_command(fresh), True
        if foreign := self.journal.foreign():
            self.console.print(
                f"{count(len(foreign), 'journal')} in {self.journal.path.parent}: of another tracking store, or of a "
                f"run of this study that is no longer there: the same command with that store delivers them"
            )
        if fresh:
            self.console.print(f"--fresh: deleting {count(len(self.ledger.entries), 'run')} that the study has")
            for path in self.journal.earlier():
                path.unlink()
            self.ledger.clear()
        self.delivery.catch_up()
        self.delivery.start()

    def keep(self, record: Record) -> None:
        """Take a record of a trial. A full disk ends the study: its trials could leave no results either."""
        try:
            self.journal.append(record)
        except UserError as error:
            self.stop(f"{error}, and type {self.again} to go on")
        self.delivery.wake()

    def stop(self, reason: str) -> None:
        """End the study, from any thread, as Ctrl-C does; the reason is told instead."""
        if not self.reason:
            self.reason = reason
            log.error("stopped: %s", reason)
            _thread.interrupt_main()

    def close(self) -> None:
        """Give the lease back, whether or not it came to `with`."""
        self.journal.close()
        self.lease.close()

    def __enter__(self) -> "Keeper":
        self.lease.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        nb_waiting = self.delivery.finish()
        if self.opened and not (nb_waiting or self.lease.lost):
            with suppress(Exception):  # its status is for the eye; all that counts is delivered
                self.store.client.set_terminated(self.lease.parent_id, "KILLED" if kind else "FINISHED")
        self.close()
        kept = self._kept(nb_waiting)
        if self.reason and kind in (None, KeyboardInterrupt):
            raise UserError("; ".join(filter(None, [f"stopped: {self.reason}", *kept])))
        if kind is None and kept:
            raise UserError("; ".join(kept))
        for line in kept:
            self.console.print(line)

    def _kept(self, nb_waiting: int) -> list[str]:
        """What is not in the store, and how it gets there."""
        lines = []
        if nb_waiting and not self.lease.lost:
            lines.append(
                f"results of {count(nb_waiting, 'trial')} are not in {self.uri} yet ({self.delivery.trouble}), but "
                f"kept in {self.journal.path}: type {self.again} to deliver them"
            )
        if refused := self.writer.refused:
            lines.append(
                f"results of {count(len(refused), 'trial')} were not taken by {self.uri} "
                f"({next(iter(refused.values()))}): type {self.again} to run those trials again"
            )
        return lines
