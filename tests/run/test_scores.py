"""Scores of sets, from the run to the table."""

import numpy as np
import pytest
import torch

from bench import SetMetric, SetScore, conformance, report, results
from bench.errors import BenchError
from bench.plugins import registry
from bench.report import rows
from bench.run import resuming

REGISTRY = registry.load()


class Spread(SetMetric):
    """How far the pictures' mean reds are apart, and of how many."""

    name = "spread"
    axis = "style"
    direction = "higher"
    citation = "an example"

    def score_set(self, pictures):
        """Largest minus smallest."""
        reds = [stylized[:, 0].mean().item() for stylized, _, _ in pictures]
        if len(reds) < 2:
            raise BenchError("spread needs 2 pictures")
        return SetScore(max(reds) - min(reds), {"count": float(len(reds))})


def test_a_metric_of_sets_conforms():
    from bench.conformance._metrics import MetricSubject, gives_numbers, is_deterministic

    subject = MetricSubject(Spread(), conformance.context(REGISTRY, torch.device("cpu")))
    for check in (gives_numbers, is_deterministic):
        check(subject)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from bench.cli import main

    folder = tmp_path_factory.mktemp("sets")
    plugin = folder / "spread.py"
    plugin.write_text(
        "from bench import SetMetric, SetScore, hookimpl\n"
        "class Spread(SetMetric):\n"
        "    '''Largest minus smallest mean red.'''\n"
        "    name, axis, direction, citation = 'spread', 'both', 'higher', 'an example'\n"
        "    def score_set(self, pictures):\n"
        "        reds = [made[:, 0].mean().item() for made, _, _ in pictures]\n"
        "        return SetScore(max(reds) - min(reds), {'least': min(reds), 'most': max(reds)})\n"
        "@hookimpl\n"
        "def bench_metrics():\n"
        "    return [Spread()]\n"
    )
    words = "run --method identity --profile smoke --contents 2 --styles 2 --quiet --precision"
    command = [*words.split(), "float32", "--plugin", str(plugin), "--metric", "spread"]
    assert main([*command, "--metric", "ssim", "--runs", str(folder / "runs")]) == 0
    return results.latest(folder / "runs")


def test_a_set_is_scored_once_per_method_and_size(run):
    frames = results.load([run])
    assert list(frames.sets["method"]) == ["identity", "style-copy"]
    assert set(frames.sets["pictures"]) == {4}
    assert set(frames.scores["metric"]) == {"ssim/1"}  # nothing of a set among the pictures
    copy = frames.sets.iloc[1]
    assert copy["value"] == pytest.approx(copy["parts"]["most"] - copy["parts"]["least"])


def test_the_table_has_the_number_its_parts_and_how_many_pictures(run):
    table = " ".join(report.render(results.load([run]), "plain").split())
    assert "spread ↑" in table
    assert "spread of 4 pictures: least 0." in table


def test_a_row_of_one_style_has_no_number_of_the_set(run):
    groups = rows.groups(results.load([run]), by="style")
    values = [row.quality["spread/1"].estimate.value for group in groups for row in group.rows]
    assert len(values) == 4
    assert all(np.isnan(values))


def test_a_failed_cell_that_is_tried_again_has_its_sets_scored_again(run):
    cell = next((run / "cells").glob("identity*.json"))
    record = results.read_json(cell)
    results.write_json(cell, {**record, "status": "error", "reason": "made to fail"})
    resuming.forget_failures(run)
    assert {path.stem for path in (run / "sets").glob("*.json")} == {"style-copy__64"}
