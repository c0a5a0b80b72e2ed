"""The figures of one synthetic run."""

import pytest
from helpers.synthetic_run import synthetic_run

from bench import results
from bench.report import plots


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return results.load([synthetic_run(root, styles=6, contents=2, sizes=(128, 256))])


@pytest.fixture(scope="module")
def figures(frames):
    return plots.figures(frames)
