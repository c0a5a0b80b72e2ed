"""Rows kept column by column."""

import math

import numpy as np
import pytest

from bench.results import columnwise
from bench.results.columnwise import Columns


@pytest.mark.parametrize("block", [1, 2, 4096])
def test_rows_come_back_in_order_with_their_numbers(monkeypatch, block):
    monkeypatch.setattr(columnwise, "BLOCK", block)
    rows = Columns(["method", "size", "value", "contents"], {})
    rows.extend([("a", 64, 0.5, ["x"]), ("b", 128, None, [])])
    rows.append(("a", 64, 2, ["y", "z"]))
    frame = rows.frame()
    assert frame["method"].tolist() == ["a", "b", "a"]
    assert frame["size"].dtype == np.int64
    assert frame["size"].tolist() == [64, 128, 64]
    assert frame["value"].dtype == np.float64
    assert frame["value"].tolist()[::2] == [0.5, 2.0]
    assert math.isnan(frame["value"][1])
    assert frame["contents"].tolist() == [["x"], [], ["y", "z"]]


def test_a_text_that_comes_back_is_held_once():
    texts = {}
    rows, others = Columns(["method"], texts), Columns(["method"], texts)
    for some in (rows, others):
        some.extend((bytes(name, "ascii").decode(),) for name in ("gatys", "adain", "gatys"))
    held = rows.frame()["method"].tolist() + others.frame()["method"].tolist()
    assert len({id(text) for text in held}) == 2


def test_no_rows_are_a_frame_with_its_columns():
    frame = Columns(["method", "size", "value"], {}).frame()
    assert list(frame) == ["method", "size", "value"]
    assert frame.empty


def test_a_number_is_never_another_value_that_equals_it():
    texts = {}
    Columns(["iterative"], texts).extend([(True,), (False,)])
    rows = Columns(["iterative", "batch"], texts)
    rows.extend([(True, 1), (False, 0), (True, 1.0)])
    assert list(map(repr, rows.frame()["batch"])) == ["1", "0", "1.0"]


def test_names_that_are_not_utf8_are_held():
    rows = Columns(["method", "size"], {})
    rows.extend([("\udcff", 64), (None, 64), (True, 64)])
    assert rows.frame()["method"].tolist() == ["\udcff", None, True]
