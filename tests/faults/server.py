"""A real MLflow server that is stopped and started, and a proxy before it that loses answers, fails and hangs."""

import http.client
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """MLflow's server on a database of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        self.start()

    def start(self) -> None:
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options, "--backend-store-uri", "sqlite:///mlflow.db"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # with its workers
        )
        for _ in range(480):
            time.sleep(0.5)
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5)
                return
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)


class Proxy:
    """Passes requests on, or misbehaves: `mood` says for each request how.

    pass: as it should be; lose: the server answers, the client hears 502; fail: 503; hang: no answer for 30 s.
    """

    def __init__(self, port: int, mood: Callable[[], str]) -> None:
        self.mood, self.nb_requests = mood, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(handler) -> None:  # noqa: N805 (self is the proxy)
                self.nb_requests += 1
                self.answer(handler, port)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler, port: int) -> None:
        mood = self.mood()
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if mood == "hang":
            time.sleep(30)
        status, answer = 503, b"busy"
        if mood in ("pass", "lose"):
            with suppress(OSError):
                to_server = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                to_server.request(handler.command, handler.path, body, dict(handler.headers))
                found = to_server.getresponse()
                status, answer = (found.status, found.read()) if mood == "pass" else (502, found.read() and b"lost")
        with suppress(OSError):  # the client has gone
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)

    def close(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()
