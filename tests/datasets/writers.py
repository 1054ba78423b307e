"""Small files in the data sets' real formats, and what tests ask about files."""

import gzip
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

IDX = "FashionMNIST/raw"
LETTERS = ["Space", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
BRAILLE = "braille/tutorial5_braille_spiking_data.pkl.gz"


def listing(folder: Path) -> dict[str, bytes]:
    """Every file under a folder and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def put(path: Path, content: bytes) -> Path:
    """Write a file, packed as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content, 1, mtime=0))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem, content)
    else:
        path.write_bytes(content)
    return path


def idx(array: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def fashion_arrays(nb_train: int = 100, nb_test: int = 20) -> dict[str, NDArray[np.uint8]]:
    """What the four official files hold, random, with as many of each class."""
    rng = np.random.default_rng(1)
    arrays = {}
    for part, count in (("train", nb_train), ("t10k", nb_test)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = (np.arange(count) % 10).astype(np.uint8)
    return arrays


def write_fashion(data_dir: Path, suffix: str = ".gz", **changed: NDArray[np.uint8]) -> None:
    """Write the four files; `changed` replaces an array, by its name with underscores."""
    for name, array in fashion_arrays().items():
        put(data_dir / IDX / (name + suffix), idx(changed.get(name.replace("-", "_"), array)))


def shd_arrays(nb_samples: int, seed: int, speakers: tuple[int, ...] = (0, 1, 3, 6)) -> dict[str, Any]:
    """Recordings of 0 to 39 spikes each."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 40, nb_samples)
    return {
        "times": [rng.uniform(0, 1.6, length).astype(np.float16) for length in lengths],
        "units": [rng.integers(0, 700, length).astype(np.uint16) for length in lengths],
        "labels": rng.integers(0, 20, nb_samples).astype(np.uint16),
        "speaker": np.resize(np.array(speakers, np.uint16), nb_samples),
    }


def write_h5(path: Path, times: Any, units: Any, labels: Any, speaker: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as h5:
        for name, rows, dtype in (("times", times, np.float16), ("units", units, np.uint16)):
            dataset = h5.create_dataset(f"spikes/{name}", (len(rows),), h5py.vlen_dtype(dtype))
            for place, row in enumerate(rows):
                dataset[place] = row
        h5["labels"] = labels
        h5["extra/speaker"] = speaker
    return path


def write_shd(data_dir: Path, suffix: str = "", **changed: Any) -> None:
    """Write both files; `changed` replaces arrays of the training file."""
    for part, arrays in (("train", shd_arrays(24, 1) | changed), ("test", shd_arrays(12, 2, (4, 5)))):
        path = write_h5(data_dir / f"shd/shd_{part}.h5", **arrays)
        if suffix:
            put(path.with_name(path.name + suffix), path.read_bytes())
            path.unlink()


def braille_trials(repetitions: int = 10) -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    return [
        {
            "experiment_name": "braille_letters",
            "letter": letter,
            "repetition": repetition,
            "taxel_data": rng.integers(55, 256, (76 + repetition % 2, 12)).astype(float),
        }
        for letter in LETTERS
        for repetition in range(repetitions)
    ]


def write_braille(data_dir: Path, trials: object = None) -> Path:
    return put(data_dir / BRAILLE, pickle.dumps(braille_trials() if trials is None else trials, 4))


PEAK = """
import sys
from pathlib import Path
import torch, torchvision.datasets
from snn_tune.datasets import SOURCES

def megabytes(field):
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith(field)) / 1024

name, folder = sys.argv[1:]
before = megabytes("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
dataset = SOURCES[name](name=name).load(100, Path(folder))
print(len(dataset.train), len(dataset.valid), len(dataset.test), megabytes("VmHWM") - before)
"""
