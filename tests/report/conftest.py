"""A run in which methods compete."""

import pytest
from helpers.report import frames_of

from bench import results

# competitors beside `fast`: seconds of core and adaptation, style and content distance
CONTEST = {
    "fast": (0.012, 3.0, 0.4, 0.25),
    "worse": (0.013, 3.0, 0.5, 0.25),  # nowhere better than fast, on two axes worse
    "equal": (0.012, 3.0, 0.4, 0.25),  # no better and no worse
    "other": (0.020, 3.0, 0.3, 0.30),  # better on style
    "cheat": (0.001, 3.0, 1.5, 0.30),  # fails the gate: worse than identity
}


@pytest.fixture
def contest(fake_run):
    """Frames of a run of `CONTEST`."""
    run = fake_run(
        methods=["identity", "style-copy", *CONTEST],
        values={
            "gram/1@judge": {"identity": 1.0, "style-copy": 0.0}
            | {name: row[2] for name, row in CONTEST.items()},
            "lpips/1@judge": {"identity": 0.0, "style-copy": 0.8}
            | {name: row[3] for name, row in CONTEST.items()},
            "gram/1@trainer": {"fast": 1.0},
        },
    )
    for name, row in CONTEST.items():
        path = results.record_path(run, "speed", name, 64)
        record = results.read_json(path)
        record["scopes"]["core"]["samples"] = [row[0]] * 3
        results.write_json(path, record)
    return frames_of(run)
