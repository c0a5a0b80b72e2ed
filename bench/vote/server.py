"""The page of the blind test, served on loopback only.

It lies behind a secret path and answers requests whose Host header names this server: so no other
web page can read it or vote, not even one that has rebound its name to this machine.
"""

from __future__ import annotations

import functools
import hmac
import json
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from bench import interrupts
from bench.errors import BenchError
from bench.vote.ballot import Ballot

HOST = "127.0.0.1"
TEMPLATES = Path(__file__).parents[1] / "templates"
_LONGEST = 4096  # bytes of a request's body
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "": ("vote.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "vote.css": ("vote.css", "text/css; charset=utf-8"),
    "vote.js": ("vote.js", "text/javascript; charset=utf-8"),
}
_SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def service_actions(self) -> None:
        """Twice a second."""
        interrupts.check()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody is left to be told of a client that has hung up or fallen silent."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def serve(ballot: Ballot, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """A server on loopback and the address of its page; `serve_forever` starts it.

    Args:
        ballot: the session.
        port: 0 for one that is free.

    Raises:
        BenchError: the port is taken.
    """
    token = secrets.token_urlsafe(16)
    try:
        server = _Server((HOST, port), functools.partial(_Handler, ballot, token))
    except (OSError, OverflowError) as error:
        raise BenchError(
            f"--port {port} cannot be used ({getattr(error, 'strerror', error)}): choose another"
        ) from None
    return server, f"http://{HOST}:{server.server_port}/{token}/"


class _Handler(BaseHTTPRequestHandler):
    """One request: the page, a picture, the state, a vote or its undoing."""

    server_version = "bench"
    sys_version = ""
    timeout = 30

    def __init__(self, ballot: Ballot, token: str, *connection: Any) -> None:
        self.ballot = ballot
        self.token = token
        super().__init__(*connection)  # answers the request

    def do_GET(self) -> None:
        place = self._place()
        if place is None:
            return
        if place in _FILES:
            name, kind = _FILES[place]
            self._answer(HTTPStatus.OK, kind, (TEMPLATES / name).read_bytes())
        elif place == "state":
            self._act(self.ballot.state)
        else:
            what, _, id_ = place.partition("/")
            path = self.ballot.picture(id_, what)
            if path is None or not path.is_file():
                self._refuse(HTTPStatus.NOT_FOUND)
            else:
                self._answer(HTTPStatus.OK, "image/png", path.read_bytes())

    def do_POST(self) -> None:
        place = self._place()
        if place is None:
            return
        if place not in ("vote", "undo"):
            return self._refuse(HTTPStatus.NOT_FOUND)
        if self.headers.get_content_type() != "application/json":
            return self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        (length, *others) = self.headers.get_all("Content-Length", [""])
        if others or not re.fullmatch("[0-9]{1,19}", length):
            return self._refuse(HTTPStatus.BAD_REQUEST)
        if int(length) > _LONGEST:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return self._refuse(HTTPStatus.BAD_REQUEST)
        if place == "undo":
            return self._act(self.ballot.undo)
        return self._act(lambda: self.ballot.vote(asked.get("trial"), asked.get("choice")))

    def _place(self) -> str | None:
        """The path behind the secret; None, and an answer, to whoever may not ask."""
        hosts = [
            f"{name}:{cast(ThreadingHTTPServer, self.server).server_port}"
            for name in (HOST, "localhost")
        ]
        origin = self.headers.get("Origin")
        named = self.headers.get_all("Host", [])
        if len(named) != 1:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return None
        known = named[0] in hosts and (
            origin is None or origin in [f"http://{host}" for host in hosts]
        )
        secret, _, place = self.path.removeprefix("/").partition("/")
        if not known or not hmac.compare_digest(secret.encode(), self.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        return place

    def _act(self, action: Callable[[], dict[str, Any] | None]) -> None:
        try:
            answer = action()
        except BenchError as error:
            return self._json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)})
        if answer is None:
            return self._json(HTTPStatus.CONFLICT, {"error": "that is not shown any more"})
        return self._json(HTTPStatus.OK, answer)

    def _json(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(content).encode())

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # what was sent may not have been read
        self._answer(status, "text/plain", status.phrase.encode())

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in _SAFE_HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal shows the address, and votes are on disk."""
