"""Fashion-MNIST: 28 x 28 pixels of clothing in 10 classes, each pixel coded by the time of its only spike."""

import hashlib
import struct
from math import prod
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from snn_tune.datasets import folder, latency
from snn_tune.datasets.dataset import Dataset, Samples, stratified, take
from snn_tune.datasets.download import Official, absent, obtain
from snn_tune.datasets.events import Events, Packer
from snn_tune.datasets.folder import DataFile
from snn_tune.datasets.source import DataSource, cache_folder
from snn_tune.errors import UserError
from snn_tune.files import naming

SUB = "FashionMNIST/raw"  # as torchvision lays it out
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
MAX_BYTES = 64 << 20  # the largest file unpacked has 47 MB
FILES = [
    Official(f"{ADDRESS}/train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", MAX_BYTES),
    Official(f"{ADDRESS}/train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe", MAX_BYTES),
    Official(f"{ADDRESS}/t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79", MAX_BYTES),
    Official(f"{ADDRESS}/t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310", MAX_BYTES),
]


class FashionMnist(DataSource):
    """The official 10,000 are the test part; a part of the 60,000 is for validation, the same of each class.

    Attributes:
        threshold: intensity (0 to 1) up to which a pixel never spikes.
        tau: time constant of the coding, steps.
        valid_fraction: of the official training set.
        split_seed: draws the validation part.
    """

    classes: ClassVar[tuple[str, ...]] = CLASSES
    name: Literal["fashion_mnist"]
    nb_inputs: Literal[784] = 784
    nb_classes: Literal[10] = 10
    threshold: float = Field(0.2, ge=0, lt=1)
    tau: float = Field(20.0, gt=0, allow_inf_nan=False)
    valid_fraction: float = Field(0.1, gt=0, lt=1)
    split_seed: int = Field(0, ge=0)

    def absent(self, data_dir: Path) -> list[str]:
        return [file.name for file in absent(SUB, FILES, data_dir)]

    def load(self, nb_steps: int, data_dir: Path) -> Dataset:
        """Read the four IDX files and code their pixels."""
        files = obtain(SUB, FILES, data_dir)
        root = _root(files)
        digest = hashlib.sha256(self.model_dump_json().encode())
        steps = self._steps(nb_steps)
        parts = []
        for train, (images_file, labels_file) in ((True, files[:2]), (False, files[2:])):
            images, labels = _read(root, train, images_file, labels_file)
            digest.update(images.tobytes())
            digest.update(labels.tobytes())
            parts.append((_pack(images, steps, nb_steps), labels))
            del images  # 47 MB
        (events, labels), (test_events, test_labels) = parts
        train_samples, valid_samples = stratified(labels, self.valid_fraction, self.split_seed)
        if not len(train_samples) or not len(valid_samples):
            raise UserError(f"fashion_mnist: valid_fraction = {self.valid_fraction} leaves a part empty")
        return Dataset(
            train=take(events, labels, train_samples),
            valid=take(events, labels, valid_samples),
            test=take(test_events, test_labels, np.arange(len(test_labels))),
            nb_inputs=self.nb_inputs,
            nb_classes=self.nb_classes,
            nb_steps=nb_steps,
            fingerprint=digest.hexdigest(),
            files={file.path.name: file.sha256 for file in files},
            table=self.model_dump(),
        )

    def read(self, path: Path, nb_steps: int, measured: dict[str, list[float]]) -> Samples:
        """Read an IDX file of images, packed or not; its classes are in the file of labels beside it, if there is one.

        That is named alike: `t10k-labels-idx1-ubyte` beside `t10k-images-idx3-ubyte`.
        """
        images = _idx(folder.named(path), (28, 28))
        beside = folder.find(path.name.removesuffix(".gz").replace("images-idx3", "labels-idx1"), [path.parent])
        labels = _idx(beside, ()).astype(np.int64) if beside and "images-idx3" in path.name else None
        if beside and labels is not None and (len(labels) != len(images) or labels.max() >= 10):
            raise UserError(f"{beside.path}: not a class, 0 to 9, for each of the {len(images)} images of {path}")
        return Samples(_pack(images.reshape(len(images), -1), self._steps(nb_steps), nb_steps), labels)

    def _steps(self, nb_steps: int) -> NDArray[np.int64]:
        """In which each grey level spikes."""
        return latency.spike_step(np.arange(256) / 255, self.tau, self.threshold, nb_steps)


def _root(files: list[DataFile]) -> Path:
    """The folder to hand to torchvision, which reads unpacked files only, all from one place."""
    parents = {file.path.parent for file in files}
    if len(parents) == 1 and all(file.path.name == file.plain_name for file in files):
        return parents.pop().parent.parent
    key = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
    root = cache_folder() / "unpacked" / key
    for file in files:
        folder.unpack(file.path, root / SUB / file.plain_name, MAX_BYTES)
    return root


def _read(
    root: Path, train: bool, images_file: DataFile, labels_file: DataFile
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 784) and labels of the official training or test set, checked."""
    from torchvision.datasets import FashionMNIST  # takes seconds to import

    nb_images = _check_header(root / SUB / images_file.plain_name, images_file, (28, 28))
    if _check_header(root / SUB / labels_file.plain_name, labels_file, ()) != nb_images:
        raise UserError(f"{labels_file.path}: not as many labels as {images_file.path} has images")
    data = FashionMNIST(str(root), train=train)
    labels = data.targets.numpy()
    if labels.max() >= 10:
        raise UserError(f"{labels_file.path}: label {labels.max()}, but there are 10 classes")
    return data.data.numpy().reshape(nb_images, -1), labels


def _idx(file: DataFile, item: tuple[int, ...]) -> NDArray[np.uint8]:
    """The items of this shape that an IDX file holds."""
    path = folder.plain(file, MAX_BYTES)
    nb_items = _check_header(path, file, item)
    return np.fromfile(path, np.uint8, offset=4 * (2 + len(item))).reshape(nb_items, *item)


def _check_header(path: Path, file: DataFile, item: tuple[int, ...]) -> int:
    """How many items of this shape an IDX file, unpacked at `path`, holds; torchvision's complaints name no file."""
    nb_dims = 1 + len(item)
    with naming(path), path.open("rb") as stream:
        header, size = stream.read(4 * (1 + nb_dims)), path.stat().st_size
    if len(header) == 4 * (1 + nb_dims):
        magic, nb_items, *shape = struct.unpack(f">{1 + nb_dims}I", header)
        whole = size == len(header) + nb_items * prod(item)
        if magic == 0x800 + nb_dims and tuple(shape) == item and nb_items and whole:
            return int(nb_items)
    what = "28 x 28 images" if item else "labels"
    raise UserError(f"{file.path}: damaged, or not an IDX file of {what}")


def _pack(images: NDArray[np.uint8], steps: NDArray[np.int64], nb_steps: int) -> Events:
    """Spikes of images (N, 784), from the step of each grey level."""
    packer = Packer(nb_steps, images.shape[1])
    for start in range(0, len(images), packer.chunk_samples):
        step = steps[images[start : start + packer.chunk_samples]]
        sample, unit = (step < nb_steps).nonzero()
        packer.add(len(step), sample, step[sample, unit], unit)
    return packer.events()
