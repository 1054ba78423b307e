"""Checkpoints: what an interrupted trial goes on from, or a longer one of the same lineage.

A trial's folder holds files LINEAGE-EPOCH.checkpoint: the SHA-256 of what follows, and what `torch.save` makes of a
snapshot of the training and of whose it is. One takes 16 bytes for each weight (weights, two moments of the optimiser,
best weights) and 0.1 kB for each epoch. There are two while a trial runs, three for the moment in which one is
written, and one when it has ended, however it did (two still, where its process was killed).

They may come from anywhere: one is taken only if it is whole and of this lineage, and reading it runs no code.
"""

import hashlib
import io
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress

import torch

from snn_tune.course import State
from snn_tune.errors import UserError, one_line
from snn_tune.place import Place
from snn_tune.trial import MODEL_VERSION, Trial

log = logging.getLogger("snn_tune")

NAME = re.compile(r"(?P<lineage>[0-9a-f]+)-(?P<epoch>[0-9]{1,9})\.checkpoint")
DIGEST = hashlib.sha256().digest_size


class Checkpoints:
    """Those of one trial.

    Args:
        folder: the trial's own.
        others: folders of trials of the same lineage.

    Attributes:
        last: epoch of the last one that was taken or written, 0 before.
        refused: why those that were passed over are not used.
    """

    def __init__(self, trial: Trial, folder: Place, others: Iterable[Place] = ()) -> None:
        self.trial, self.folder, self.others = trial, folder, others
        self.last = 0
        self.refused: list[str] = []
        self._failed = False
        with suppress(UserError):
            for file in folder.files():
                if file.name.endswith(".part"):  # of a process that was killed as it wrote
                    file.delete()

    def save(self, state: State) -> None:
        """Write a snapshot, and keep the one before it. If that fails the trial goes on; the log says so once."""
        epoch = len(state["epochs"])
        name = f"{self.trial.lineage}-{epoch}.checkpoint"
        try:
            (self.folder / name).write(_pack(self.trial, epoch, state))
            self.last = epoch
            self._drop(keep=2)
        except UserError as error:
            if not self._failed:
                log.warning("trial %s is saved up to epoch %d only: %s", self.trial.key, self.last, error)
            self._failed = True
        else:
            self._failed = False

    def close(self) -> None:
        """The trial has ended: keep the last one, for a longer trial or another try."""
        if self.last:
            with suppress(UserError):
                self._drop(keep=1)

    def states(self) -> Iterator[State]:
        """What the trial can go on from, the furthest first: its own, or those of its lineage that are not too long."""
        for epoch, file in self._found({self.folder, *self.others}):
            if epoch <= self.trial.parameters.nb_epochs:
                try:
                    state = _unpack(file.read(), self.trial, epoch)
                except Exception as error:  # whatever a damaged or made-up file leads torch to
                    self.refused.append(f"{file}: {one_line(error)}")
                else:
                    self.last = epoch
                    yield state
        self.last = 0

    def _drop(self, keep: int) -> None:
        """All but these last ones: had one that is further been any good, it would have been used."""
        mine = _furthest_first(self.folder.files())
        kept = [file for number, file in mine if number <= self.last][:keep]
        for _, file in mine:
            if file not in kept:
                file.delete()

    def _found(self, folders: set[Place]) -> list[tuple[int, Place]]:
        files: list[Place] = []
        for folder in folders:
            try:
                files += folder.files()
            except UserError as error:
                self.refused.append(str(error))
        return _furthest_first(files)


def reached(trial: Trial, files: Iterable[Place]) -> int:
    """The epoch that this trial can go on from with these checkpoints of its lineage, 0 without. Names tell."""
    return next((epoch for epoch, _ in _furthest_first(files) if epoch <= trial.parameters.nb_epochs), 0)


def lineages(root: Place) -> dict[str, list[Place]]:
    """The checkpoints of each lineage in a study's folder. Names tell: no file is read."""
    files: defaultdict[str, list[Place]] = defaultdict(list)
    for file in root.files():
        if match := NAME.fullmatch(file.name):
            files[match["lineage"]].append(file)
    return dict(files)


def _furthest_first(files: Iterable[Place]) -> list[tuple[int, Place]]:
    """Epoch and file of each checkpoint among these files."""
    named = [(NAME.fullmatch(file.name), file) for file in files]
    found = [(int(match["epoch"]), file) for match, file in named if match]
    return sorted(found, key=lambda one: (one[0], str(one[1])), reverse=True)


def _pack(trial: Trial, epoch: int, state: State) -> bytes:
    stream = io.BytesIO()
    torch.save({"model": MODEL_VERSION, "lineage": trial.lineage, "epoch": epoch, "state": state}, stream)
    return hashlib.sha256(stream.getbuffer()).digest() + stream.getvalue()


def _unpack(file: bytes, trial: Trial, epoch: int) -> State:
    """The state in a file.

    Raises:
        ValueError: it is damaged, or another training's. What only looks whole can raise anything.
    """
    body = file[DIGEST:]
    if hashlib.sha256(body).digest() != file[:DIGEST]:
        raise ValueError("it is damaged")
    found = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    if (found["model"], found["lineage"], found["epoch"]) != (MODEL_VERSION, trial.lineage, epoch):
        raise ValueError("it is of another training")
    state: State = found["state"]
    return state
