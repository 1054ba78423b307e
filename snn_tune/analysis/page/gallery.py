"""The folder of a study's figures, and the figures as the page shows them."""

from dataclasses import dataclass
from pathlib import Path

from snn_tune.analysis.figures.drawing import Drawing
from snn_tune.analysis.page import tables
from snn_tune.analysis.page.tables import PageTable

MOST_NUMBERS = 40  # rows of a figure's numbers that the page has too


@dataclass(frozen=True)
class Picture:
    """A figure on the page: see `Drawing`."""

    name: str
    title: str
    alt: str
    svg: str
    says: str
    wide: bool
    numbers: PageTable | None


class Gallery:
    """The folder of a study's figures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: set[str] = set()

    def hang(self, *drawings: Drawing | None) -> list[Picture]:
        """Write the drawings that there are, and have them for the page."""
        return [self._picture(drawing) for drawing in drawings if drawing]

    def _picture(self, drawing: Drawing) -> Picture:
        self._names.add(drawing.name)
        few = len(drawing.numbers) <= MOST_NUMBERS
        return Picture(
            drawing.name,
            drawing.title,
            drawing.alt,
            drawing.write(self.folder),
            drawing.says,
            drawing.wide,
            tables.of_numbers(drawing.numbers, drawing.title) if few else None,
        )

    def remove_others(self) -> None:
        """Those of an earlier page that this one has not."""
        for suffix in ("svg", "png", "csv"):
            for path in self.folder.glob(f"*.{suffix}"):
                if path.stem not in self._names:
                    path.unlink(missing_ok=True)
