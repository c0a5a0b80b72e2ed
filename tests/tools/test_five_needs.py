"""Every need has an answer from rows of the run, with their numbers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from helpers.checkout import tool
from helpers.chosen import CORE, VALUES

from bench import results
from bench.report import rows
from bench.report.quantities import duration

needs = SimpleNamespace(**tool("five_needs"))


@pytest.fixture
def run(fake_run):
    """Rows quick (error 1.0), good and slow (both 0.5), each adapting for 3 s in the median."""
    run = fake_run(("identity", "style-copy", "quick", "good", "slow"), values=VALUES)
    for name, seconds in CORE.items():
        path = results.record_path(run, "speed", name, 64)
        record = results.read_json(path)
        record["scopes"]["core"]["samples"] = [seconds] * 3
        results.write_json(path, record)
    return run


def test_each_need_is_answered_from_rows(run):
    [group] = rows.groups(results.load([run]))
    known = {row.label: row for row in group.rows}
    firsts = {}
    for title, words in needs.NEEDS.items():
        answer, folders = needs.answer_to(words, [run])
        assert list(folders.values()) == [run]
        candidates = [c for c in (answer.recommended, *answer.others) if c is not None]
        for c in candidates:
            assert c.adapt == known[c.row.label].adapt.value == 3.0
            assert 1e3 * c.picture == pytest.approx(known[c.row.label].core.value)
            whole = answer.need.styles * 3 + answer.need.pictures * c.picture
            assert c.total == pytest.approx(whole)
        firsts[title] = candidates[0].row.label
    assert set(firsts) == set(needs.NEEDS)
    assert firsts["A minute of video at 25 frames a second"] == "good"  # slow is too slow


def test_the_page_shows_the_words_and_the_rows(run):
    text = needs.page([run])
    for title, words in needs.NEEDS.items():
        assert f"## {title}\n\n```text\n$ bench choose {' '.join(words)}\n" in text
    assert text.count("| good | 3 s | 10 ms | 256 MB |") == len(needs.NEEDS)
    assert f"| {duration(3 + 1500 * CORE['good'])} |" in text
    assert "Take good" in text
