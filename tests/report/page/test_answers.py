"""What the page is given to choose by; that it chooses alike is tried in a browser."""

import pytest

from bench.report import choice
from bench.report.need import Need
from bench.report.page.answers import answers_of

ROWS = ("good", "quick", "slow")


@pytest.fixture
def facts(group):
    found = group()
    ids = {id(row): row.method for row in found.rows}
    [run] = {row.run for row in found.rows}
    [facts] = answers_of(found, ids, {(run, "slow"): "its licence"}, 0)
    return found, facts


def test_rows_have_their_numbers_in_the_reports_order(facts):
    _, facts = facts
    assert [row["label"] for row in facts["rows"]] == list(ROWS)
    assert [row["picture"] for row in facts["rows"]] == pytest.approx([0.010, 0.001, 0.100])
    assert [row["adapt"] for row in facts["rows"]] == pytest.approx([3.0] * 3)
    assert [row["barred"] for row in facts["rows"]] == [None, None, "its licence"]
    assert [row["id"] for row in facts["rows"]] == list(ROWS)


def test_each_row_is_compared_with_each(facts):
    group, facts = facts
    whole = choice.answer(group, Need(prefer="quality"))
    known = {c.row.label: c for c in (whole.recommended, *whole.others)}
    for row in facts["rows"]:
        mine = known[row["label"]]
        assert row["worse"] == [mine.worse_than(known[other]) for other in ROWS]
        assert row["much_worse"] == [mine.worse_than(known[other], 0.05) for other in ROWS]
    assert facts["rows"][1]["much_worse"][0] == 1.0  # quick against good


def test_without_a_scale_the_page_has_no_answer(group):
    found = group(trains_on=["judge"])
    assert answers_of(found, {id(row): "" for row in found.rows}, {}, 0) == []
