"""Finding files and unpacking them: what is found stays as it is, what is damaged is named."""

import gzip
import zipfile
from pathlib import Path

import pytest
from writers import listing, put

from snn_tune.datasets import folder
from snn_tune.errors import UserError

CONTENT = bytes(range(256)) * 5000  # more than one chunk


def found(path: Path) -> folder.DataFile:
    return folder.DataFile(path, folder.sha256(path))


def test_plain_comes_before_packed_and_data_before_cache(data_dir: Path, cache: Path) -> None:
    places = folder.places("set", data_dir)
    assert folder.find("a.h5", places) is None
    for path in (cache / "set/a.h5", data_dir / "set/a.h5.zip", data_dir / "set/a.h5.gz", data_dir / "set/a.h5"):
        put(path, b"x")
        assert folder.find("a.h5", places) == found(path)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zip"])
def test_plain_gives_the_content_and_leaves_the_data_folder_alone(data_dir: Path, cache: Path, suffix: str) -> None:
    file = found(put(data_dir / ("a.h5" + suffix), CONTENT))
    before = listing(data_dir)
    path = folder.plain(file, len(CONTENT))
    assert path.name == "a.h5"
    assert path.read_bytes() == CONTENT
    assert listing(data_dir) == before
    assert len(list(cache.rglob("a.h5"))) == bool(suffix)


def test_unpacked_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = found(put(data_dir / "a.gz", CONTENT))
    first = folder.plain(file, len(CONTENT))
    monkeypatch.setattr(folder, "write_whole", pytest.fail)
    assert folder.plain(file, len(CONTENT)) == first


def test_another_content_under_the_same_name_is_another_copy(data_dir: Path) -> None:
    for content in (b"first", b"second"):
        file = found(put(data_dir / "a.gz", content))
        assert folder.plain(file, 10).read_bytes() == content


def damaged(kind: str, path: Path) -> Path:
    whole = put(path, CONTENT).read_bytes()
    match kind:
        case "truncated":
            path.write_bytes(whole[: len(whole) // 2])
        case "flipped":
            path.write_bytes(whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])
        case "garbage":
            path.write_bytes(b"<html>404</html>")
        case "empty":
            path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, "a.h5.gz") for kind in ("truncated", "flipped", "garbage")),
        *((kind, "a.h5.zip") for kind in ("truncated", "garbage", "empty")),
    ],
)
def test_a_damaged_archive_is_named_and_leaves_nothing(data_dir: Path, cache: Path, kind: str, name: str) -> None:
    path = damaged(kind, data_dir / name)
    with pytest.raises(UserError, match="damaged or incomplete") as caught:
        folder.plain(found(path), len(CONTENT))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert listing(cache) == {}


@pytest.mark.parametrize("name", ["a.gz", "a.zip", "a"])
def test_a_bomb_is_stopped(data_dir: Path, cache: Path, name: str) -> None:
    path = put(data_dir / name, bytes(50 << 20))
    with pytest.raises(UserError, match=f"{name}: holds more than the 1,000,000 bytes"):
        folder.unpack(path, cache / "target", 1_000_000)
    assert listing(cache) == {}


def test_a_zip_gives_its_member_alone(data_dir: Path, tmp_path: Path, cache: Path) -> None:
    path = data_dir / "a.h5.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil", b"evil")
        archive.writestr("a.h5", CONTENT)
        archive.writestr("b.h5", b"other")
    copy = folder.plain(found(path), len(CONTENT))
    assert copy.read_bytes() == CONTENT
    assert [Path(name).name for name in listing(tmp_path)] == ["a.h5.zip", "a.h5", "a.h5.sha256"]


def test_a_zip_without_its_member_is_named(data_dir: Path) -> None:
    path = data_dir / "a.h5.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b.h5", CONTENT)
    with pytest.raises(UserError, match=r"a\.h5\.zip: .*no item named 'a\.h5'"):
        folder.plain(found(path), len(CONTENT))


def test_a_cache_that_is_a_file_is_named(data_dir: Path, cache: Path) -> None:
    put(cache, b"in the way")
    with pytest.raises(UserError, match=str(cache)):
        folder.plain(found(put(data_dir / "a.gz", CONTENT)), len(CONTENT))


def test_contents_in_pieces(data_dir: Path) -> None:
    path = put(data_dir / "a.gz", CONTENT)
    pieces = list(folder.contents(path, len(CONTENT)))
    assert b"".join(pieces) == CONTENT == gzip.decompress(path.read_bytes())
    assert max(map(len, pieces)) <= folder.CHUNK


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"x"])
def test_an_unpacked_copy_that_was_damaged_is_made_anew(data_dir: Path, cache: Path, damage: bytes) -> None:
    file = found(put(data_dir / "a.h5.gz", CONTENT))
    folder.plain(file, len(CONTENT)).write_bytes(damage)
    assert folder.plain(file, len(CONTENT)).read_bytes() == CONTENT
