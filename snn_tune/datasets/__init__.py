"""The data sets, by the name that a study file gives them."""

from snn_tune.datasets.braille import Braille
from snn_tune.datasets.dataset import Analog, Dataset, Part
from snn_tune.datasets.events import EventBatch, Events
from snn_tune.datasets.fashion_mnist import FashionMnist
from snn_tune.datasets.randman import Randman
from snn_tune.datasets.shd import Shd
from snn_tune.datasets.source import DataSource, cache_folder

SOURCES: dict[str, type[DataSource]] = {
    "fashion_mnist": FashionMnist,
    "randman": Randman,
    "shd": Shd,
    "tbl": Braille,
}

__all__ = [
    "SOURCES",
    "Analog",
    "DataSource",
    "Dataset",
    "EventBatch",
    "Events",
    "Part",
    "cache_folder",
]
