"""The contact sheet of a page: which pairs it shows, and where each picture leads."""

from helpers.painted import Reader, write

from bench.report.page import strips


def view(styles, contents):
    def given(count, role):
        return [{"name": f"{role}{n}", "picture": f"{role}-p{n}"} for n in range(count)]

    cell = {"pictures": [f"made{n}" for n in range(contents)]}
    return {
        "styles": given(styles, "s"),
        "contents": given(contents, "c"),
        "methods": [
            {"label": "identity", "anchor": True, "cells": [cell] * styles},
            {"label": "fast", "anchor": False, "cells": [cell] * styles},
            {"label": "gone", "anchor": False, "cells": [None] * styles},
        ],
    }


def test_each_style_has_a_content_of_its_own_while_there_are_some():
    found = strips.strips_of(view(5, 2))
    assert [(each["content"], each["style"]) for each in found] == [
        ("c0", "s0"),
        ("c1", "s1"),
        ("c0", "s2"),
    ]


def test_tiles_lead_to_their_pair_and_leave_the_anchors_out():
    (_, strip) = strips.strips_of(view(2, 2))
    assert [(tile["label"], tile["picture"], tile["address"]) for tile in strip["tiles"]] == [
        ("content", "c-p1", "#pair-0-1-1-content-1"),
        ("style", "s-p1", "#pair-0-1-1-style-1"),
        ("fast", "made1", "#pair-0-1-1-content-1"),
        ("gone", None, "#pair-0-1-1-content-2"),
    ]


def test_the_sheet_is_first_and_needs_no_script(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    sections = [a["id"] for tag, a in read.elements if tag == "section"]
    assert sections == ["sheet", "answer", "results", "pictures", "details"]
    shown = [a["src"] for a in read.all("img") if a.get("src", "").startswith("thumbnails/")]
    assert len(shown) == 2 * 3  # pairs; content, style and the only method that is no anchor
    assert all((tmp_path / "out" / name).is_file() for name in shown)
