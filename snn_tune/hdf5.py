"""HDF5 files from elsewhere: only what lies in the very file is read, and never more than it holds."""

from math import prod

import h5py

EXPANDS = 1100  # times: more than deflate can


def dataset(h5: h5py.Group, name: str) -> h5py.Dataset:
    """A data set that lies in this very file: one from elsewhere could lead to any file here.

    Raises:
        ValueError: there is none of that name, or it is a link, or lies in another file.
    """
    node = find(h5, name)
    if not isinstance(node, h5py.Dataset):
        raise ValueError(f"{name} is not a data set")
    if node.is_virtual or node.external:
        raise ValueError(f"{name} lies in another file, which is not read")
    return node


def find(h5: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """A group or a data set; the same for what leads to it."""
    node = h5
    for part in name.split("/"):
        links = node.id.links if isinstance(node, h5py.Group) else None
        if links is None or not links.exists(part.encode()):
            raise ValueError(f"no data set {name}")
        if links.get_info(part.encode()).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{name} is a link, which is not followed")
        node = node[part]
    return node


def check_size(node: h5py.Dataset) -> None:
    """Raise a ValueError if it claims more numbers than the file can hold: reading it would take that much memory."""
    claimed = prod(node.shape) * node.dtype.itemsize
    if claimed > EXPANDS * node.id.get_storage_size() + 1000:
        raise ValueError(f"{node.name} claims {claimed:,} bytes, which the file does not hold")
