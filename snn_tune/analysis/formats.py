"""Numbers as text."""

import re
from math import isnan
from typing import Any

from snn_tune.intervals import Interval
from snn_tune.trial import as_text


def number(value: Any) -> str:
    """A parameter's value as text: 1e-6 for 1e-06, 80.0 for 80.0, at most six digits; other types as str has them."""
    if isinstance(value, bool) or not isinstance(value, float):
        return as_text(value)
    text = repr(float(value))
    text = text if len(text) <= 8 else f"{value:.6g}"
    return re.sub(r"e(-?)\+?0*", r"e\1", text)


def percent(fraction: float) -> str:
    return "-" if isnan(fraction) else f"{100 * fraction:.2f}"


def points(fraction: float) -> str:
    """A difference of percentages, with its sign."""
    return "-" if isnan(fraction) else f"{100 * fraction:+.2f}"


def between(interval: Interval) -> str:
    """`95.2-98.9`, in percent; "" where nothing is known."""
    return "" if isnan(interval.low) else f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"


def from_to(interval: Interval) -> str:
    """` (+1.20 to +3.40)`, in points; "" where nothing is known."""
    return "" if isnan(interval.low) else f" ({points(interval.low)} to {points(interval.high)})"


def seconds(time_s: float) -> str:
    return "-" if isnan(time_s) else f"{time_s:.1f} s" if time_s < 1000 else f"{time_s:.0f} s"


def p_value(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else "below 0.001"
