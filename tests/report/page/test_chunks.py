"""What is long of a page lies beside it, in pieces."""

import json

from helpers.made_run import VALUES
from helpers.painted import Reader, views, write

from bench.report.page import chunks


def test_cells_are_in_a_script_for_each_style_and_the_page_has_none(tmp_path):
    view = {
        "styles": [{"name": "a"}, {"name": "b"}],
        "methods": [{"label": "fast", "cells": [1, None]}, {"label": "slow", "cells": [2, "é</"]}],
    }
    (tmp_path / "0-9.js").touch()  # of an earlier page
    (tmp_path / "mine.js").touch()
    named = chunks.write_cells(tmp_path, [view])
    assert named == [{**view, "methods": [{"label": "fast"}, {"label": "slow"}]}]
    assert {path.name for path in tmp_path.iterdir()} == {"0-0.js", "0-1.js", "mine.js"}
    script = (tmp_path / "0-1.js").read_text("ascii")
    assert script == '"use strict";\ncellsAre(0, 1, [null, "\\u00e9</"]);\n'


def test_a_long_table_is_a_page_of_its_own(painted, tmp_path, monkeypatch):
    run = painted(("fast",), failed={("fast", "b"): ("oom", "2.4 GiB <asked>")})
    whole = Reader(write(tmp_path / "out", run))
    assert not list((tmp_path / "out" / "data").glob("*.html"))
    assert "2.4 GiB <asked>" in whole.texts
    monkeypatch.setattr(chunks, "LONGEST", 1)
    read = Reader(write(tmp_path / "out", run))
    assert "2.4 GiB <asked>" not in read.texts
    (address,) = [a["href"] for a in read.all("a") if a["href"].startswith("data/")]
    own = Reader((tmp_path / "out" / address).read_text("utf-8"))
    assert "2.4 GiB <asked>" in own.texts
    (back,) = own.all("a")
    home, _, row = back["href"].partition("#")
    assert (tmp_path / "out" / "data" / home).resolve() == tmp_path / "out" / "index.html"
    assert row in [a.get("id") for _, a in read.elements]
    monkeypatch.undo()
    write(tmp_path / "out", run)
    assert not list((tmp_path / "out" / "data").glob("*.html"))


def test_the_page_itself_does_not_grow_with_its_cells(painted, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "LONGEST", 1)
    contents = [f"c{number}" for number in range(12)]
    values = {id_: {"fast": 0.5} for id_ in VALUES}
    for count in (2, 12):
        run = painted(
            ("fast", "slow", "wide"), styles=("a", "b"), contents=contents[:count], values=values
        )
        write(tmp_path / str(count), run)
    few, many = (json.dumps(views(tmp_path / str(count))) for count in (2, 12))
    pages = [(tmp_path / str(count) / "index.html").stat().st_size for count in (2, 12)]
    assert pages[1] - pages[0] < (len(many) - len(few)) / 2  # the contents' names
