"""Which licences forbid business, and what runs say of them."""

import pytest
from helpers.chosen import license_weights

from bench import results
from bench.report import licences, rows


@pytest.mark.parametrize(
    ("licence", "forbidden"),
    [
        ("MIT", False), ("CC-BY 4.0", False), ("BSD-2-Clause", False), ("Apache-2.0", False),
        ("CC BY-NC 4.0", True), ("non-commercial research only", True), ("unknown", True),
        ("", True),
    ],
)  # fmt: skip
def test_licences(licence, forbidden):
    assert licences.forbids_commerce(licence) is forbidden


def test_rows_are_barred_by_what_their_own_run_says(fake_run, tmp_path):
    fake_run(("identity", "style-copy", "fast", "slow", "old"))
    license_weights(tmp_path / "runs", {"fast": {"w": "MIT"}, "slow": {"a": "MIT", "b": ""}})
    frames = results.load(results.find_runs(tmp_path / "runs"))
    [group] = rows.groups(frames)
    [run] = frames.records
    assert licences.barred(frames.records, group.rows) == {
        (run, "slow"): "the licence of b is not known",
        (run, "old"): "its run does not say what licence its weights have: run it again",
    }
