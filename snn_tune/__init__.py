"""Hyper-parameter studies of surrogate-gradient spiking networks, with Ray Tune and MLflow."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Study", "own_data", "run"]


def __getattr__(name: str) -> Any:
    """`from snn_tune import Study, run`: imported when it is asked for, so that no command waits for it."""
    if name in __all__:
        from snn_tune import api

        return getattr(api, name)
    raise AttributeError(f"module 'snn_tune' has no attribute '{name}'")
