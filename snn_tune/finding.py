"""What is known of a trial that has run: what samplers, stopping rules and rankings learn from."""

from dataclasses import dataclass, field

from snn_tune.trial import Trial

DIGITS = 5  # of an accuracy in a history: so it is stored, and so it is compared


@dataclass(frozen=True)
class Finding:
    """A trial and what came of it.

    Attributes:
        state: as the ledger has it: "finished", "pruned", "diverged"; or it is not over.
        metrics: the last value of each.
        history: validation accuracy by epoch, the first at 0.
        marks: which searches it belongs to: see `search_mark`.
    """

    trial: Trial
    state: str
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[float] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)

    def values(self, names: dict[str, str]) -> list[float] | None:
        """These metrics, or None if it has not finished with all of them."""
        found = [self.metrics.get(name, float("nan")) for name in names]
        return found if self.state == "finished" and all(value == value for value in found) else None
