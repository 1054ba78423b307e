"""A driver that slept while another took its place writes nothing when it wakes, not even the rest of a trial."""

from collections.abc import Callable
from typing import Any

from mlflow.tracking import MlflowClient

from snn_tune.errors import UserError


class NotHeldError(UserError):
    """The lease is another driver's now."""


class Fenced:
    """An MLflow client; each of its calls first asks whether the lease is held, and raises `NotHeldError` where not."""

    def __init__(self, client: MlflowClient, held: Callable[[], bool]) -> None:
        self._client, self._held = client, held

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **named: Any) -> Any:
            if not self._held():
                raise NotHeldError("another driver runs this study now")
            return method(*args, **named)

        return call
