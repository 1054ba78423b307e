"""The page of a study: one file that opens anywhere, with what was run, what came out, and every trial."""

import re
from pathlib import Path

import jinja2

from snn_tune.analysis import words
from snn_tune.analysis.figures import style
from snn_tune.analysis.page import origin
from snn_tune.analysis.page.gallery import Gallery
from snn_tune.analysis.page.sections import sections
from snn_tune.analysis.whole import Analysis
from snn_tune.files import write_whole
from snn_tune.tracking.store import Store

HERE = Path(__file__).parent
UNIT = re.compile(r"(?<=\d) (?=%|s\b|points?\b)")


def write(analysis: Analysis, uri: str, folder: Path) -> Path:
    """Draw the figures into folder/figures and write folder/index.html, which needs nothing beside it.

    Raises:
        UserError: the store does not answer, or the folder is full or cannot be written.
    """
    study, trials = analysis.study, analysis.trials
    gallery = Gallery(folder / "figures")
    shown = sections(analysis, Store(study.name, uri), gallery)
    gallery.remove_others()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"together": _together, "sentence": _sentence}
    html = environment.get_template("page.html.jinja").render(
        title=analysis.title,
        command=analysis.command,
        kind="Grid of trials" if study.search.method == "grid" else "Search",
        lead=words.lead(study, trials.frame, analysis.tables.best_key, trials.samples),
        origin=origin.terms(trials),
        sections=shown,
        palette=style.PALETTE,
    )
    return write_whole(folder / "index.html", [html.encode()])


def _together(text: str) -> str:
    """A number and its unit stay on one line."""
    return UNIT.sub("\u00a0", text)


def _sentence(line: str) -> str:
    """A line of a terminal as a sentence."""
    return _together(line[:1].upper() + line[1:].removesuffix(".") + ".")
