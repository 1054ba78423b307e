"""A trial's curve of validation accuracy as tags of its run, so that one search of runs has all curves.

A tag holds some 8,000 characters: a curve of more than 800 epochs goes on in `valid_history.2`, and so on.
"""

import json
from itertools import count

from snn_tune.finding import DIGITS

NAME = "valid_history"
IN_A_TAG = 800  # epochs: with comma and space nine characters each at most


def tags(history: dict[int, float]) -> dict[str, str]:
    """The accuracies by epoch, in the order of the epochs, as tags."""
    values = [round(history[epoch], DIGITS) for epoch in sorted(history)]
    parts = [values[start : start + IN_A_TAG] for start in range(0, len(values), IN_A_TAG)]
    return {_name(number): json.dumps(part) for number, part in enumerate(parts, 1)}


def text(tags: dict[str, str]) -> str:
    """The curve that these tags hold, as one JSON list; of somebody else's making perhaps none."""
    parts = []
    for number in count(1):
        if (part := tags.get(_name(number))) is None:
            break
        parts.append(part)
    return parts[0] if len(parts) == 1 else f"[{', '.join(part.strip()[1:-1] for part in parts)}]"


def _name(number: int) -> str:
    return NAME if number == 1 else f"{NAME}.{number}"
