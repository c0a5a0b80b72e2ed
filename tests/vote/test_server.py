"""The server of the blind test: a session, and what it refuses."""

import http.client
import json
import socket
import struct
import threading
from contextlib import contextmanager

import pytest
from helpers.voted import METHODS

from bench.errors import BenchError
from bench.vote.ballot import Ballot, material
from bench.vote.server import serve
from bench.vote.votes import read_votes


@contextmanager
def serving(run):
    server, address = serve(Ballot(material(run)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port, address.split("/")[3]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    response = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return response


def test_a_session_from_end_to_end(run):
    with serving(run) as (port, token):
        status, headers, body = ask(port, "GET", f"/{token}/")
        assert status == 200
        assert b"Which shows the content better" in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        for name in ("page.css", "vote.css", "vote.js"):
            assert ask(port, "GET", f"/{token}/{name}")[0] == 200
        state = json.loads(ask(port, "GET", f"/{token}/state")[2])
        for what in ("left", "right", "content", "style"):
            status, headers, body = ask(port, "GET", f"/{token}/{what}/{state['trial']}")
            assert (status, headers["Content-Type"]) == (200, "image/png")
            assert body.startswith(b"\x89PNG")
        choice = json.dumps({"trial": state["trial"], "choice": "left"})
        json_ = {"Content_Type": "application/json"}
        status, _, body = ask(port, "POST", f"/{token}/vote", choice, **json_)
        assert (status, json.loads(body)["votes"]) == (200, 1)
        assert ask(port, "POST", f"/{token}/vote", choice, **json_)[0] == 409
        status, _, body = ask(port, "POST", f"/{token}/undo", "{}", **json_)
        assert (status, json.loads(body)["votes"]) == (200, 0)
    assert read_votes(run) == []
    assert len((run / "votes.jsonl").read_text().splitlines()) == 2


def test_nothing_that_is_sent_names_a_method(run):
    with serving(run) as (port, token):
        state = ask(port, "GET", f"/{token}/state")
        trial = json.loads(state[2])["trial"]
        sent = [
            state,
            *(ask(port, "GET", f"/{token}/{what}/{trial}") for what in ("left", "right")),
        ]
    for answer in sent:
        assert not any(name.encode() in repr(answer).encode() for name in METHODS)


def test_strangers_are_refused(run):
    with serving(run) as (port, token):
        state = f"/{token}/state"
        assert ask(port, "GET", state, Host=f"localhost:{port}")[0] == 200
        assert ask(port, "GET", state, Host=f"evil.example:{port}")[0] == 403
        assert ask(port, "GET", state, Host="127.0.0.1")[0] == 403
        assert ask(port, "GET", state, Origin="https://evil.example")[0] == 403
        assert ask(port, "GET", "/state")[0] == 403
        assert ask(port, "GET", "/")[0] == 403
        assert ask(port, "GET", f"/{token[:-1]}/state")[0] == 403
        for path in ("../vote.py", "left/../../x", "left/0", "templates/vote.html", "vote"):
            assert ask(port, "GET", f"/{token}/{path}")[0] == 404


def test_only_small_json_is_taken(run):
    json_ = {"Content_Type": "application/json"}
    with serving(run) as (port, token):
        where = f"/{token}/vote"
        assert ask(port, "POST", where, "{}", Content_Type="text/plain")[0] == 415
        assert ask(port, "POST", where, "x=1")[0] == 415
        assert ask(port, "POST", where, "{", **json_)[0] == 400
        assert ask(port, "POST", where, "[]", **json_)[0] == 400
        assert ask(port, "POST", where, "{}", Content_Length="9" * 9, **json_)[0] == 413
        assert ask(port, "POST", where, '{"trial": [], "choice": {}}', **json_)[0] == 409
        assert ask(port, "POST", f"/{token}/state", "{}", **json_)[0] == 404
    assert read_votes(run) == []


def raw(port, request):
    """What the server answers to bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while block := connection.recv(4096):
            answer += block
    return answer


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("Content-Length: \u00b2", b"{}", 400),
        ("Content-Length: " + "9" * 5000, b"{}", 400),
        ("Content-Length: -1", b"{}", 400),
        ("Content-Length: 2\r\nContent-Length: 3", b"{}", 400),
        ("", b"{}", 400),
        ("Content-Length: 4000", b"[" * 4000, 400),
        ("Content-Length: 400", b"{", 400),  # and hangs up
        ("Content-Length: 2\r\nHost: evil.example", b"{}", 400),
    ],
)
def test_malformed_requests_are_refused_without_a_traceback(headers, body, status, run, capfd):
    with serving(run) as (port, token):
        head = f"POST /{token}/vote HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        head += f"Content-Type: application/json\r\n{headers}".rstrip() + "\r\n\r\n"
        answer = raw(port, head.encode("latin-1") + body)
        assert answer.split()[1:2] == [str(status).encode()]
        no_host = raw(port, f"GET /{token}/state HTTP/1.1\r\n\r\n".encode())
        assert no_host.split()[1] == b"400"
    assert capfd.readouterr().err == ""


def test_a_client_that_hangs_up_is_no_error(run, capfd):
    with serving(run) as (port, token):
        state = json.loads(ask(port, "GET", f"/{token}/state")[2])
        for _ in range(5):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            # so that closing resets the connection
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            place = f"/{token}/left/{state['trial']}"
            head = f"GET {place} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
            connection.sendall(head.encode() * 50)
            connection.close()
        assert ask(port, "GET", f"/{token}/state")[0] == 200
    assert capfd.readouterr().err == ""


def test_a_port_that_is_taken(run):
    with serving(run) as (port, _), pytest.raises(BenchError, match=f"--port {port} cannot be"):
        serve(Ballot(material(run)), port)
