"""Errors are shares of the anchors' distance."""

from __future__ import annotations

import math

import pytest

from bench.report import choice, need


def test_errors_are_shares_of_the_anchors_distance(group):
    found = choice.answer(group(), need.Need())
    candidates = {c.row.method: c for c in (found.recommended, *found.others)}
    assert candidates["quick"].style == pytest.approx(0.6)
    assert candidates["quick"].content == pytest.approx(0.64 / 0.8)
    assert candidates["quick"].error == pytest.approx(1.0)
    assert candidates["good"].error == pytest.approx(math.hypot(0.3, 0.4))
