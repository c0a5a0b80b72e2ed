"""Numbers of pictures as arrays: cut, averaged and put beside each other."""

from collections import Counter

import numpy as np
import pytest
from pandas import DataFrame

from bench.report.judged import Judged

NO_SETS = DataFrame(columns=["metric", "status", "reason", "value", "pictures", "parts"])
ROWS = [
    # style, metric, content, value, status, reason
    ("wave", "gram", "cat", 1.0, "ok", ""),
    ("wave", "ssim", "cat", 7.0, "ok", ""),
    ("ink", "gram", "cat", 2.0, "ok", ""),
    ("wave", "gram", "dog", 3.0, "ok", ""),
    ("ink", "gram", "dog", None, "error", "NaN"),
    ("oil", "gram", "dog", 9.0, "ok", ""),
]


@pytest.fixture
def judged():
    names = ("style", "metric", "content", "value", "status", "reason")
    return Judged(DataFrame(ROWS, columns=names, dtype=object).astype({"value": float}))


def scores(judged, *places, styles=("wave", "ink", "oil")):
    return judged.scores(np.array(places), set(styles), NO_SETS)


def test_means_of_styles_in_the_order_of_the_rows(judged):
    found = scores(judged, 2, 0, 3, 1)
    assert list(found.values["gram"].by_style.items()) == [("ink", 2.0), ("wave", 2.0)]
    assert found.values["ssim"].by_style == {"wave": 7.0}
    assert found.missing == {}


def test_what_has_no_number_says_why_and_unfinished_styles_are_left_out(judged):
    found = scores(judged, *range(6), styles=("wave", "ink"))
    assert found.missing == {"gram": Counter({("error", "NaN"): 1})}
    assert found.values["gram"].values.tolist() == [1.0, 2.0, 3.0]


def test_beside_each_other_stand_the_pictures_that_both_have(judged):
    mine, theirs = scores(judged, 0, 2, 3).values["gram"], scores(judged, 5, 3, 0).values["gram"]
    assert [some.tolist() for some in mine.beside(theirs)] == [[1.0, 3.0], [1.0, 3.0]]
    assert [some.tolist() for some in mine.beside(mine)] == [[1.0, 2.0, 3.0]] * 2
    none = mine.beside(scores(judged, 5).values["gram"])
    assert [some.tolist() for some in none] == [[], []]


def test_the_number_of_a_set_is_of_no_picture(judged):
    whole = DataFrame(
        [("fid", "ok", "", 4.0, 6, {"bias": 0.5}), ("kid", "error", "few", None, 1, {})],
        columns=NO_SETS.columns,
    )
    found = judged.scores(np.array([0]), {"wave"}, whole)
    assert found.values["fid"].values.tolist() == [4.0]
    assert found.sets == {"fid": (6, {"bias": 0.5})}
    assert found.missing == {"kid": Counter({("error", "few"): 1})}
    assert [some.tolist() for some in found.values["fid"].beside(found.values["fid"])] == [
        [4.0]
    ] * 2
