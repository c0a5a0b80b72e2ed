"""`bench vote` says where the page is, and how many votes there are when it ends."""

import socketserver

from helpers.voted import run_to_vote_on

from bench.cli import main


def test_ctrl_c_ends_it(fake_run, monkeypatch, capsys):
    def interrupted(server):
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr(socketserver.BaseServer, "serve_forever", interrupted)
    monkeypatch.setattr("webbrowser.open", opened.append)
    run = run_to_vote_on(fake_run)
    assert main(["vote", str(run), "--open"]) == 0
    address, count, *_, end = capsys.readouterr().out.splitlines()
    assert address.startswith("http://127.0.0.1:")
    assert opened == [address]
    assert count == "votes so far: 0; Ctrl-C ends it, nothing is lost"
    assert end == f"votes in {run / 'votes.jsonl'}: 0"


def test_a_run_with_nothing_to_compare_is_one_line(fake_run, capsys):
    assert main(["vote", str(fake_run(("fast",)))]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "has nothing to compare" in line
