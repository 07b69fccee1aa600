"""Hugging Face as far as a download goes: one gated model, for whoever has the token."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """`asked` remembers who asked for what: (Authorization, path)."""

    url: str
    asked: list[tuple[str | None, str]] = field(default_factory=list)


@contextmanager
def hub(model: str, folder: Path, token: str) -> Iterator[Hub]:
    """Serve the files of `folder` as those of `model`, on loopback."""
    here = Hub("")
    handler = partial(_Handler, here, f"/{model}/resolve/main/", folder, f"Bearer {token}")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        here.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, hub: Hub, prefix: str, folder: Path, allowed: str, *connection: object):
        self._hub, self._prefix, self._folder, self._allowed = hub, prefix, folder, allowed
        super().__init__(*connection)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if content := self._answer():
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> bytes | None:
        authorization = self.headers.get("Authorization")
        self._hub.asked.append((authorization, self.path))
        file = self._folder / self.path.removeprefix(self._prefix)
        if not self.path.startswith(self._prefix) or not file.is_file():
            self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound", "There is no such file.")
        elif authorization != self._allowed:
            restricted = "Access to this model is restricted."
            self._refuse(HTTPStatus.UNAUTHORIZED, "GatedRepo", restricted)
        else:
            content = file.read_bytes()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", _COMMIT)
            self.end_headers()
            return content
        return None

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.end_headers()
