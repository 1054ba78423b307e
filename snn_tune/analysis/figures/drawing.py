"""A figure with the numbers that it shows and what they say; and as files."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from snn_tune.analysis.figures import style
from snn_tune.files import write_whole


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: of its files, and on the page.
        alt: what it looks like, for who does not see it; `says` has its numbers.
        numbers: every number that it shows.
        says: what it shows, in a sentence or a few, worded from the numbers.
        wide: it takes the width of the page, not half of it.
    """

    name: str
    title: str
    alt: str
    figure: Figure
    numbers: pd.DataFrame
    says: str
    wide: bool = False

    def write(self, folder: Path) -> str:
        """Write NAME.svg, NAME.png and NAME.csv, and return the SVG for a page.

        Raises:
            UserError: the folder is full or cannot be written.
        """
        with style.styled():
            svg, png = style.as_svg(self.figure), style.as_png(self.figure)
        contents = {"svg": svg.encode(), "png": png, "csv": self.numbers.to_csv(index=False).encode()}
        for suffix, content in contents.items():
            write_whole(folder / f"{self.name}.{suffix}", [content])
        return style.inlined(svg, self.name)
