"""One look for all figures: sizes, colours that colour-blind readers tell apart, and how a figure becomes files.

Colours: M. Okabe and K. Ito, Color Universal Design (2008); maps of numbers: cividis (Nunez et al. 2018).
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

WIDE, HALF = 9.6, 4.7  # inches: of the page, of one of two columns
INK, MUTED, FAINT, GRID = "#24292f", "#57606a", "#8c959f", "#d8dee4"
BLUE, ORANGE, GREEN, VERMILION, PURPLE = SERIES = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7")
PALETTE = {  # CSS variable: on white, on a dark page
    "ink": (INK, "#e6edf3"),
    "muted": (MUTED, "#9da7b3"),
    "faint": (FAINT, "#768390"),
    "grid": (GRID, "#373e47"),
    "blue": (BLUE, "#4fb0e8"),
    "orange": (ORANGE, "#f0b429"),
    "green": (GREEN, "#2fc79b"),
    "vermilion": (VERMILION, "#ff8a3d"),
    "purple": (PURPLE, "#e29cc4"),
}
PARTS = {"train": (ORANGE, "o"), "valid": (BLUE, "s"), "test": (VERMILION, "^")}
PART_NAMES = {"train": "train", "valid": "validation", "test": "test"}
MAP = "cividis"
PNG_DPI = 160
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read, found, and takes the page's colours
    "svg.hashsalt": "snn_tune",
    "text.parse_math": False,  # names and values are the user's own
    "font.size": 9.5,
    "font.family": "sans-serif",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """Within it matplotlib draws in this look; its own settings are left as they were."""
    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]
        yield


def panels(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of this size in inches and its panels, row after row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **options).flat)


def spread(panel: Axes, values: Any) -> None:
    """A logarithmic x axis where the values are all above 0 and span more than a decade."""
    low, high = min(values), max(values)
    if low > 0 and high > 12 * low:
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.xaxis.set_minor_formatter(NullFormatter())


def as_svg(figure: Figure) -> str:
    """The figure as an SVG file's text: the same for the same figure. Lays it out, for `as_png` too."""
    out = io.StringIO()
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})  # `savefig` would draw it twice
    figure.set_layout_engine("none")
    return out.getvalue()


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG file, on white."""
    out = io.BytesIO()
    figure.set_facecolor("white")
    figure.set_dpi(PNG_DPI)
    FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def inlined(svg: str, name: str) -> str:
    """An SVG for a page that has others: ids of its own, the page's colours, and no size but that of its frame.

    The colours of PALETTE become the CSS variables `--ink`, `--blue` and so on.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    for variable, (light, _) in PALETTE.items():
        svg = svg.replace(light, f"var(--{variable})")
    return svg
