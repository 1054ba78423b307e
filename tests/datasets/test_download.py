"""Downloads, from a real server on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from writers import listing, put

from snn_tune.datasets import download
from snn_tune.datasets.download import Official, UnreachableError, obtain
from snn_tune.errors import UserError

CONTENT = b"spikes" * 300_000


@dataclass
class Server:
    """Answers /name with the bytes in `files`; /redirect leads to `elsewhere`; /broken breaks off half-way."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    elsewhere: str = ""
    asked: list[str] = field(default_factory=list)

    def official(self, name: str, content: bytes = CONTENT, max_bytes: int = 1 << 22) -> Official:
        self.files[f"/{name}"] = content
        return Official(f"{self.url}/{name}", f"md5:{hashlib.md5(content).hexdigest()}", max_bytes)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            if self.path == "/redirect":
                self.send_response(302)
                self.send_header("Location", state.elsewhere)
                self.end_headers()
                return
            content = CONTENT if self.path == "/broken" else state.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path == "/broken" else content)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join(10)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "TIMEOUT", 5.0)


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_arrives_whole(server: Server, data_dir: Path, algorithm: str) -> None:
    file = server.official("a.h5")
    checksum = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
    download.download(file.url, data_dir / "sub/a.h5", checksum, 1 << 22)
    assert listing(data_dir) == {"sub/a.h5": CONTENT}


def test_a_wrong_checksum_names_url_expected_and_got(server: Server, data_dir: Path) -> None:
    url = server.official("a.h5").url
    with pytest.raises(UserError, match="wrong md5") as caught:
        download.download(url, data_dir / "a.h5", md5(b"other"), 1 << 22)
    assert all(part in str(caught.value) for part in (url, md5(b"other")[4:], md5(CONTENT)[4:]))
    assert listing(data_dir) == {}


def test_a_broken_transfer_leaves_nothing_and_the_next_starts_anew(server: Server, data_dir: Path) -> None:
    with pytest.raises(UnreachableError, match=r"broke off|IncompleteRead"):
        download.download(f"{server.url}/broken", data_dir / "a.h5", md5(CONTENT), 1 << 22)
    assert listing(data_dir) == {}
    download.download(server.official("a.h5").url, data_dir / "a.h5", md5(CONTENT), 1 << 22)
    assert listing(data_dir) == {"a.h5": CONTENT}


def test_too_large_a_file_is_stopped(server: Server, data_dir: Path) -> None:
    with pytest.raises(UserError, match="sends more than the 1,000 bytes"):
        download.download(server.official("a.h5").url, data_dir / "a.h5", md5(CONTENT), 1000)
    assert listing(data_dir) == {}


def test_a_redirect_is_followed(server: Server, data_dir: Path) -> None:
    server.elsewhere = server.official("a.h5").url
    download.download(f"{server.url}/redirect", data_dir / "a.h5", md5(CONTENT), 1 << 22)
    assert listing(data_dir) == {"a.h5": CONTENT}


def test_nothing_but_http(server: Server, data_dir: Path, tmp_path: Path) -> None:
    secret = put(tmp_path / "secret", CONTENT).as_uri()
    with pytest.raises(UserError, match="only http and https"):
        download.download(secret, data_dir / "a", md5(CONTENT), 1 << 22)
    server.elsewhere = secret
    with pytest.raises(UserError):
        download.download(f"{server.url}/redirect", data_dir / "a", md5(CONTENT), 1 << 22)
    assert listing(data_dir) == {}


def test_all_go_into_a_data_folder_that_has_none(server: Server, data_dir: Path, cache: Path) -> None:
    files = [server.official("a.h5"), server.official("b.h5.gz")]
    found = obtain("set", files, data_dir)
    assert [file.path for file in found] == [data_dir / "set/a.h5", data_dir / "set/b.h5.gz"]
    assert found[0].sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert listing(cache) == {}


def test_a_data_folder_that_does_not_exist_yet_is_made(server: Server, tmp_path: Path) -> None:
    (file,) = obtain("set", [server.official("a.h5")], tmp_path / "new/data")
    assert file.path == tmp_path / "new/data/set/a.h5"


def test_nothing_is_added_beside_files_that_are_there(server: Server, data_dir: Path, cache: Path) -> None:
    put(data_dir / "set/a.h5.zip", b"somebody's")
    before = listing(data_dir)
    found = obtain("set", [server.official("a.h5"), server.official("b.h5")], data_dir)
    assert [file.path for file in found] == [data_dir / "set/a.h5.zip", cache / "set/b.h5"]
    assert listing(data_dir) == before
    assert server.asked == ["/b.h5"]


def test_a_read_only_data_folder_sends_them_to_the_cache(
    server: Server, data_dir: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download.os, "access", lambda *_: False)  # root may write anywhere
    (file,) = obtain("set", [server.official("a.h5")], data_dir)
    assert file.path == cache / "set/a.h5"
    assert list(data_dir.iterdir()) == []


def test_what_was_downloaded_is_found_again(server: Server, data_dir: Path) -> None:
    files = [server.official("a.h5"), server.official("b.h5")]
    assert obtain("set", files, data_dir) == obtain("set", files, data_dir)
    assert server.asked == ["/a.h5", "/b.h5"]


def test_without_network_one_line_says_what_to_do(data_dir: Path, cache: Path) -> None:
    files = [Official(f"http://127.0.0.1:9/{name}.zip", "md5:0", 10) for name in ("a.h5", "b.h5")]
    with pytest.raises(UserError) as caught:
        obtain("set", files, data_dir)
    line = str(caught.value)
    assert "\n" not in line
    for part in ("a.h5, b.h5", *(file.url for file in files), str(data_dir / "set"), str(cache / "set")):
        assert part in line
    assert list(data_dir.iterdir()) == []


def test_a_missing_page_is_said_as_well(server: Server, data_dir: Path) -> None:
    with pytest.raises(UserError, match=r"no a\.h5 in .*cannot be downloaded \(Not Found\)"):
        obtain("set", [Official(f"{server.url}/gone/a.h5", "md5:0", 10)], data_dir)
