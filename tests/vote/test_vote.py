import http.client
import json
import random
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from PIL import Image

from bench import results
from bench.errors import BenchError
from bench.vote.ballot import Ballot, Trial, draw, material
from bench.vote.server import serve
from bench.vote.votes import read_votes

METHODS = ("fast", "slow", "wild", "identity")


@pytest.fixture
def run(fake_run):
    """A run with pictures, each of its own colour."""
    folder = fake_run(METHODS)
    for role, names in (("style", "ab"), ("content", "xy")):
        for name in names:
            _picture(results.input_path(folder, role, name, 64), role + name)
    for method in METHODS:
        for style in "ab":
            path = results.record_path(folder, "cells", method, style, 64)
            cell = results.read_json(path)
            for content in cell["contents"]:
                content["image"] = f"images/{method}-{style}-{content['content']}.png"
                _picture(folder / content["image"], method + style + content["content"])
            results.write_json(path, cell)
    return folder


def _picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = tuple(random.Random(seed).randrange(256) for _ in range(3))
    Image.new("RGB", (8, 8), colour).save(path)


def cast(ballot, choices):
    for choice in choices:
        ballot.vote(ballot.state()["trial"], choice)


def test_anchors_and_pictures_outside_the_run_are_not_compared(run, tmp_path):
    path = results.record_path(run, "cells", "wild", "a", 64)
    cell = results.read_json(path)
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    cell["contents"][0]["image"] = "../../secret.png"
    results.write_json(path, cell)
    found = material(run)
    assert {method for method, _, _ in found.pictures} == {"fast", "slow", "wild"}
    assert ("wild", "a", "x") not in found.pictures
    # 3 pairs on 2 styles and 2 contents, but one on the pair whose picture is not to be had
    assert len(found.trials()) == 3 * 3 + 1


def test_one_method_cannot_be_compared(fake_run, run):
    with pytest.raises(BenchError, match="two methods"):
        material(fake_run(("fast", "identity")))
    with pytest.raises(BenchError, match=r"--size 32 is not in .*: it has 64"):
        material(run, 32)


def test_votes_are_balanced(run):
    ballot = Ballot(material(run), seed=1)
    cast(ballot, ["left"] * 6)
    votes = read_votes(run)
    pairs = Counter(frozenset((v.left, v.right)) for v in votes)
    assert list(pairs.values()) == [2, 2, 2]
    for pair in pairs:
        mine = [v for v in votes if frozenset((v.left, v.right)) == pair]
        assert {v.style for v in mine} == {"a", "b"}
        assert {v.content for v in mine} == {"x", "y"}
    cast(ballot, ["same"] * 6)
    everything = {(frozenset((v.left, v.right)), v.style, v.content) for v in read_votes(run)}
    assert len(everything) == 12
    assert ballot.state() == {"trial": None, "votes": 12, "trials": 12, "undo": True}


def test_sides_are_drawn():
    trials = [Trial("a", "x", "fast", "slow")]
    drawn = Counter(draw(trials, [], random.Random(seed)).left for seed in range(200))
    assert min(drawn.values()) > 60  # 100 expected, 7 the standard deviation


def test_a_vote_says_what_was_shown(run):
    ballot = Ballot(material(run), "ann")
    id_ = ballot.state()["trial"]
    shown = {
        what: ballot.picture(id_, what).read_bytes()
        for what in ("left", "right", "content", "style")
    }
    ballot.vote(id_, "right")
    (vote,) = read_votes(run)
    where = f"{vote.style}-{vote.content}.png"
    assert shown["left"] == (run / "images" / f"{vote.left}-{where}").read_bytes()
    assert shown["right"] == (run / "images" / f"{vote.right}-{where}").read_bytes()
    assert shown["style"] == results.input_path(run, "style", vote.style, 64).read_bytes()
    assert shown["content"] == results.input_path(run, "content", vote.content, 64).read_bytes()
    assert (vote.voter, vote.choice, vote.size) == ("ann", "right", 64)


def test_only_what_is_on_the_screen_gets_a_vote(run):
    ballot = Ballot(material(run))
    first = ballot.state()["trial"]
    assert ballot.vote(first, "up") is None
    assert ballot.vote(first, ["left"]) is None
    assert ballot.vote(None, "left") is None
    assert ballot.vote(first, "left")["votes"] == 1
    assert ballot.vote(first, "left") is None  # a double click
    assert ballot.picture(first, "left") is None
    assert len(read_votes(run)) == 1


def test_undo_shows_the_same_pictures_again(run):
    ballot = Ballot(material(run), "ann")
    other = Ballot(material(run), "bob")
    cast(ballot, ["left", "right"])
    cast(other, ["left"])
    last = read_votes(run)[1]
    state = ballot.undo()
    assert (state["votes"], state["undo"]) == (1, True)
    ballot.vote(state["trial"], "same")
    votes = read_votes(run)
    assert [v.voter for v in votes] == ["ann", "bob", "ann"]
    shown = ("style", "content", "left", "right")
    assert [getattr(votes[-1], key) for key in shown] == [getattr(last, key) for key in shown]
    ballot.undo()
    assert ballot.undo()["votes"] == 0
    assert ballot.undo()["undo"] is False
    assert [v.voter for v in read_votes(run)] == ["bob"]


def test_a_later_session_goes_on(run):
    cast(Ballot(material(run)), ["left"] * 5)
    with (run / "votes.jsonl").open("a") as file:
        file.write('{"schema": 1, "id": "cut o')  # the machine went down here
    ballot = Ballot(material(run))
    assert ballot.state()["votes"] == 5
    cast(ballot, ["right"] * 7)
    assert len(read_votes(run)) == 12
    assert ballot.state()["trial"] is None


def test_a_full_disk_is_told(run, monkeypatch):
    ballot = Ballot(material(run))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BenchError, match=r"votes\.jsonl cannot be written \(No space left"):
        ballot.vote(ballot.state()["trial"], "left")


# the server


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
