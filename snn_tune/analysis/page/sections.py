"""What the page of a study shows, section by section."""

from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

from snn_tune import evidence
from snn_tune.analysis import claims, confirmed, unfinished, words
from snn_tune.analysis.figures import confusion, curves, interactions, marginals, network, scatter, searched, shares
from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.found import SHOWN, Found
from snn_tune.analysis.page import tables
from snn_tune.analysis.page.gallery import Gallery, Picture
from snn_tune.analysis.page.tables import PageTable
from snn_tune.analysis.report import Tables
from snn_tune.analysis.whole import Analysis
from snn_tune.errors import UserError
from snn_tune.tracking.store import Store

MOST_PAIRS = 3  # whose interactions are drawn


@dataclass(frozen=True)
class Section:
    """Lines, tables and pictures under a heading, and notes below them."""

    name: str
    title: str
    lines: list[str] = field(default_factory=list)
    tables: list[PageTable] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sortable: bool = False


def sections(analysis: Analysis, store: Store, gallery: Gallery) -> list[Section]:
    """Those of a grid, or of a search.

    Raises:
        UserError: the store does not answer, or a figure cannot be written.
    """
    grid_or_search = analysis.tables
    if isinstance(grid_or_search, Found):
        result = _searched(analysis, grid_or_search, gallery)
    else:
        result = _optimum(grid_or_search)
    return [
        result,
        *_finalists(analysis),
        *_claims(analysis),
        _figures(analysis, store, gallery),
        _effects(analysis, gallery),
        _pareto(analysis, gallery),
        _trials(analysis),
    ]


def _optimum(grid: Tables) -> Section:
    varied = [name for name, values in grid.axes.items() if len(values) > 1]
    over = words.listed(dict.fromkeys(one.of for row in grid.rows for one in row.intervals if one.of))
    intervals = f"; below an accuracy its 95 % interval, over {over}" if over else ""
    caption = f"Optimal combinations: + or - marks an end of the axis{intervals}"
    table = tables.optimum(grid.rows, varied, caption)
    return Section("optimum", "Optimal combination", tables=[table], notes=grid.lines)


def _searched(analysis: Analysis, found: Found, gallery: Gallery) -> Section:
    frame = analysis.trials.frame
    pictures = gallery.hang(searched.course(frame), searched.slices(frame, analysis.study))
    best = tables.found(analysis.study, found.best[:SHOWN], "The best of the search, by validation accuracy")
    objectives = analysis.study.search.objectives
    several = len(objectives) > 1 and found.pareto
    caption = f"Pareto set of {', '.join(objectives)}"
    sets = [tables.found(analysis.study, found.pareto, caption)] if several else []
    shown = [best, *sets] if found.best else []
    notes = unfinished.listed(frame, list(analysis.study.space))
    return Section("found", "The search", found.lines(), shown, pictures, notes)


def _finalists(analysis: Analysis) -> list[Section]:
    if not analysis.finalists:
        return []
    table = tables.finalists(analysis.study, analysis.finalists)
    return [Section("finalists", "The best again", confirmed.lines(analysis.finalists), [table])]


def _claims(analysis: Analysis) -> list[Section]:
    if not analysis.judged:
        return []
    return [Section("claims", "The thesis's findings", [claims.HOW], [tables.claims(analysis.judged)])]


def _figures(analysis: Analysis, store: Store, gallery: Gallery) -> Section:
    notes = []
    drawings: list[Drawing | None] = []
    if not isinstance(analysis.tables, Found):
        grid = analysis.tables
        drawings += marginals.draw(analysis.trials.frame, grid.axes, grid.optimum, grid.significance)
    drawings.append(curves.draw(analysis.trials, store))
    if key := analysis.tables.best_key:
        try:
            kept = _kept(store, analysis.trials.run_ids[key])
            drawings += [network.draw(kept), confusion.draw(kept["confusion"])]
        except UserError as error:
            notes.append(f"The best network at work, and its confusion matrix, are not drawn: {error}.")
    shown = gallery.hang(*drawings)
    lines = ["Each is in figures/ beside this page, as SVG, as PNG, and its numbers as CSV."] if shown else []
    if any(picture.name.startswith("mean_by") for picture in shown):
        lines.append(marginals.INTERVALS)
    return Section("figures", "Figures", lines or ["There is nothing to draw yet."], pictures=shown, notes=notes)


def _kept(store: Store, run_id: str) -> network.Arrays:
    """What a trial kept for the report.

    Raises:
        UserError: it kept nothing, or nothing that can be drawn; or the store does not answer.
    """
    with TemporaryDirectory() as here:
        path = store.artifact(run_id, "evidence.npz", here)
        if path is None:
            raise UserError("its trial left no evidence.npz")
        return evidence.read(path)


def _effects(analysis: Analysis, gallery: Gallery) -> Section:
    """Shares, and for a grid the maps of the pairs that interact most."""
    frame, study = analysis.trials.frame, analysis.study
    found = analysis.effects
    pairs = [one for one in found.effects if one.order == 2][:MOST_PAIRS]
    drawings = [shares.draw(found), interactions.draw(frame, study.grid, pairs) if pairs else None]
    lines = [] if found.effects else [f"{found.label[:1].upper()}{found.label[1:]}."]
    return Section("effects", "Effects", lines, pictures=gallery.hang(*drawings))


def _pareto(analysis: Analysis, gallery: Gallery) -> Section:
    drawing = scatter.draw(analysis.front)
    if drawing is None:
        return Section("pareto", "Pareto front", ["No combination has an accuracy and a run time yet."])
    return Section("pareto", "Pareto front", tables=[tables.front(analysis.front)], pictures=gallery.hang(drawing))


def _trials(analysis: Analysis) -> Section:
    frame = analysis.trials.frame
    if frame.empty:
        return Section("trials", "Trials", ["There is no trial yet."])
    caption = "Trials, the best by validation accuracy first"
    shown = min(len(frame), tables.MOST_ROWS)
    table = tables.trials(frame, analysis.study, analysis.tables.best_key, caption)
    lines = [words.states(frame)]
    if shown < len(frame):
        where = "search.csv" if isinstance(analysis.tables, Found) else "trials.csv"
        lines.append(
            f"The table has the first {shown:,} of {len(frame):,} trials; all are in {where} beside this page."
        )
    return Section("trials", "Trials", lines, [table], sortable=True)
