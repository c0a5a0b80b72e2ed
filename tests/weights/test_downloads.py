"""`bench weights fetch` from a server of this process: whole, cut, changed, gone, not there."""

import socket

import pytest
from helpers.served import BODY, DIGEST, declared

from bench import NeedError, Weights
from bench.cli import main
from bench.errors import BenchError, StorageError
from bench.weights import downloads, locate
from bench.weights.downloads import download

PLUGIN = """
from bench import Method, Weights, hookimpl

class Mine(Method):
    name = "mine"
    family = "arbitrary"
    citation = "this test"
    weights = (Weights("{file}", {sha256!r}, "{source}", "CC0"),)

    def stylize(self, content):
        return content

@hookimpl
def bench_methods():
    return [Mine]
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_progress_is_told(server, tmp_path):
    seen = []
    path = download(declared(server), tmp_path, lambda *state: seen.append(state))
    assert path == tmp_path / "file.pth"
    assert path.read_bytes() == BODY
    assert seen[0] == (0, len(BODY))
    assert seen[-1] == (len(BODY), len(BODY))
    assert [have for have, _ in seen] == sorted(have for have, _ in seen)
    assert set(names(tmp_path)) <= {"file.pth", "file.pth.lock"}


def test_a_cut_connection_is_taken_up_where_it_ended(server, tmp_path):
    """Each time that something came, within one call."""
    server.cuts = [300_000, 200_000]
    assert download(declared(server), tmp_path).read_bytes() == BODY
    assert [seen.get("Range") for seen in server.seen] == [None, "bytes=300000-", "bytes=500000-"]
    assert server.seen[1]["If-Range"] == '"one"'


def test_a_redirection_is_followed_and_resumed_too(server, tmp_path):
    server.cuts = [300_000]
    assert download(declared(server, path="moved.pth"), tmp_path).read_bytes() == BODY
    assert [seen.get("Range") for seen in server.seen] == [None] * 2 + ["bytes=300000-"] * 2


def test_another_call_goes_on_after_the_server_was_gone(server, tmp_path):
    server.cuts = [300_000, 0]
    with pytest.raises(BenchError, match=r"connection was cut\); 0\.3 MB are kept, the same comm"):
        download(declared(server), tmp_path)
    assert (tmp_path / "file.pth.part").stat().st_size == 300_000
    assert download(declared(server), tmp_path).read_bytes() == BODY
    assert server.seen[-1]["Range"] == "bytes=300000-"


@pytest.mark.parametrize("sha256", [DIGEST, None])
def test_a_file_that_has_changed_meanwhile_begins_anew(server, tmp_path, sha256):
    server.cuts = [300_000, 0]
    server.body = b"x" * len(BODY)
    with pytest.raises(BenchError):
        download(declared(server, sha256), tmp_path)
    server.body, server.tag = BODY, '"two"'
    assert download(declared(server, sha256), tmp_path).read_bytes() == BODY


def test_without_a_tag_only_a_declared_file_is_resumed(server, tmp_path):
    """Nothing else would tell that the beginning and the end are of two files."""
    server.tag = ""
    for sha256, ranges in ((DIGEST, [None, "bytes=300000-"]), (None, [None, None])):
        server.cuts, server.seen = [300_000], []
        assert download(declared(server, sha256), tmp_path).read_bytes() == BODY
        assert [seen.get("Range") for seen in server.seen] == ranges


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.ranges, server.cuts = False, [300_000]
    assert download(declared(server), tmp_path).read_bytes() == BODY


def test_a_part_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "file.pth.part").write_bytes(BODY + b"more")
    assert download(declared(server), tmp_path).read_bytes() == BODY


def test_a_name_may_have_folders(server, tmp_path):
    inside = Weights("model/unet/file.pth", DIGEST, declared(server).source, "CC0")
    assert download(inside, tmp_path) == tmp_path / "model" / "unet" / "file.pth"


def test_a_wrong_file_is_not_kept(server, tmp_path):
    server.body = b"something else"
    with pytest.raises(BenchError, match=r"gave another file than the declared one \(SHA-256 .*…"):
        download(declared(server), tmp_path)
    assert not {"file.pth", "file.pth.part"} & set(names(tmp_path))


def test_a_web_page_in_place_of_the_file(server, tmp_path):
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(
        BenchError, match=r"a web page came instead: get it from http.*in a browser"
    ):
        download(declared(server, None), tmp_path)


def test_gone(server, tmp_path):
    with pytest.raises(
        BenchError, match=r"are not at http.*/old\.pth \(404 Not Found\): get it fr"
    ):
        download(declared(server, path="old.pth"), tmp_path)


def test_no_network(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lost = Weights("file.pth", DIGEST, f"http://127.0.0.1:{port}/file.pth", "CC0")
    with pytest.raises(
        BenchError, match=r"cannot be downloaded \(Connection refused\): check the "
    ):
        download(lost, tmp_path)


def test_a_silent_server_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "SECONDS", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = f"http://127.0.0.1:{silent.getsockname()[1]}/file.pth"
        with pytest.raises(BenchError, match=r"cannot be downloaded \(timed out\): check the netw"):
            download(Weights("file.pth", DIGEST, source, "CC0"), tmp_path)


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot be written .*BENCH_WEIGHTS"):
        download(declared(server), tmp_path / "file")


def test_what_has_no_address_says_where_it_is(tmp_path):
    for source in ("PyPI: pip install mine", "bench train mine"):
        with pytest.raises(BenchError, match=f"cannot be downloaded: {source}"):
            download(Weights("file.pth", None, source, "CC0"), tmp_path)


@pytest.fixture
def plugin(server, tmp_path, monkeypatch):
    """Writes a plugin whose method needs the server's file; gives the words that name it."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "user"))

    def write(sha256=DIGEST, source=None, file="file.pth"):
        source = source or declared(server).source
        text = PLUGIN.format(file=file, sha256=sha256, source=source)
        (tmp_path / "mine.py").write_text(text)
        return ["mine", "--plugin", str(tmp_path / "mine.py")]

    return write


def test_the_command_shows_licence_source_and_hash(plugin, server, tmp_path, capsys):
    words = plugin()
    assert main(["weights", *words]) == 0
    assert "missing" in capsys.readouterr().out
    assert server.seen == []  # nothing downloads by itself
    assert main(["weights", "fetch", *words]) == 0
    out = capsys.readouterr().out
    assert f"file.pth: CC0; from {declared(server).source}" in out
    assert f"SHA-256 {DIGEST}, as declared" in out
    assert "verified" in out
    assert (tmp_path / "user" / "file.pth").read_bytes() == BODY


def test_what_is_there_is_not_downloaded_again(plugin, server):
    words = plugin()
    assert main(["weights", "fetch", *words]) == 0
    assert main(["weights", "fetch", *words]) == 0
    assert len(server.seen) == 1


def test_a_file_whose_source_publishes_no_hash_is_told_what_came(plugin, capsys):
    assert main(["weights", "fetch", *plugin(sha256=None)]) == 0
    out = capsys.readouterr().out
    assert f"SHA-256 {DIGEST}, its source publishes none to compare with" in out
    assert "verified" not in out
    assert " there " in out


def test_a_damaged_file_of_the_users_is_replaced(plugin, tmp_path):
    words = plugin()
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "file.pth").write_bytes(b"damaged")
    assert main(["weights", "fetch", *words]) == 0
    assert (tmp_path / "user" / "file.pth").read_bytes() == BODY


def test_a_damaged_file_elsewhere_is_left_to_its_owner(plugin, server, tmp_path, capsys):
    words = plugin()
    (tmp_path / "file.pth").write_bytes(b"damaged")  # beside the plugin
    assert main(["weights", "fetch", *words]) == 1
    assert "is not the declared file: delete it" in capsys.readouterr().err
    assert server.seen == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fetch"], "fetch what? bench weights lists who needs which files"),
        (["fetch", "mien"], "unknown owner of weights 'mien'; did you mean mine"),
    ],
)
def test_what_is_wrong_is_one_line(plugin, words, says, capsys):
    assert main(["weights", *words, *plugin()[1:]]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_missing_weights_name_the_command(server, tmp_path):
    with pytest.raises(
        NeedError, match=r"file\.pth are missing: bench weights fetch gets them, or "
    ):
        locate(declared(server))
    assert server.seen == []
