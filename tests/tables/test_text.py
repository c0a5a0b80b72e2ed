"""Names and numbers as text."""

import pytest

from bench.tables.text import digits


@pytest.mark.parametrize(
    ("value", "like", "floor", "text"),
    [
        (0.0119, None, 0.0, "0.0119"),
        (0.0119, None, 0.001, "0.012"),
        (12.345, 0.5, 0.0, "12.345"),
        (60827.4, None, 0.0, "60827"),
        (139053.0, None, 0.0, "139k"),
        (99000.0, 139053.0, 0.0, "99k"),
        (0.0, None, 0.0, "0"),
        (float("nan"), None, 0.0, "-"),
        (float("inf"), None, 0.0, "∞"),
    ],
)
def test_digits(value, like, floor, text):
    assert digits(value, like, floor) == text
