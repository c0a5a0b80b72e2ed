"""Details say how each row was made, and failures why."""

from helpers.painted import Reader, views, write


def test_failures_are_shown_with_their_reason(painted, tmp_path):
    run = painted(("fast", "slow"), failed={("slow", "a"): ("oom", "2.4 GiB <asked>")})
    read = Reader(write(tmp_path / "out", run))
    (view,) = views(tmp_path / "out")
    cell = view["methods"][1]["cells"][0]
    assert (cell["status"], cell["reason"]) == ("oom", "2.4 GiB <asked>")
    assert cell["pictures"] == [None, None]
    assert "2.4 GiB <asked>" in read.texts
    assert "partial" in read.texts


def test_details_say_how_it_was_made(painted, tmp_path):
    run = painted(("fast",), options={"steps": 5}, defaults={"steps": 9}, source="f00d")
    texts = Reader(write(tmp_path / "out", run)).texts
    for fact in ("bench run", "f00d", "steps=5", "with steps=5", "Abacus", "tests"):
        assert fact in texts
