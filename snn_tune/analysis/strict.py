"""JSON that every reader takes."""

from math import isfinite
from typing import Any


def strict(value: Any) -> Any:
    """The same with None for NaN and infinity, and Python's own numbers for NumPy's."""
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not isfinite(value) else value
