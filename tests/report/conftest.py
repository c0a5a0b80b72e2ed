"""Runs in which methods compete, whose adaptations were watched, or to choose a method from."""

import json

import pytest
from helpers.chosen import CORE, VALUES
from helpers.report import frames_of
from helpers.watched import LOSSES, METRICS, write

from bench import results
from bench.report import rows

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


@pytest.fixture
def watched(fake_run):
    """A function that writes a run whose adaptations were observed at all steps but the last."""

    def make(losses=LOSSES, contents=("x", "y"), missing=(), **changes):
        styles = list(next(iter(losses.values())))
        names = list(losses)
        fake = fake_run(names, styles=styles, contents=contents, metrics=METRICS,
                        adapt=dict.fromkeys(styles, 1.0),
                        values={key: {"fast": 1.0} for key in METRICS}, **changes)  # fmt: skip
        for name in names:
            for style in styles:
                write(fake, name, style, losses[name][style], contents, missing)
        return fake

    return make


@pytest.fixture
def group(fake_run, monkeypatch):
    """Rows quick (error 1.0), good and slow (both 0.5), each adapting for 3 s in the median."""

    def make(**changes):
        given = {"values": VALUES, **changes}
        runs = [
            fake_run(("identity", "style-copy", "quick", "good", "slow"), **given),
        ]
        for run in runs:
            for name, seconds in CORE.items():
                file = run / "speed" / f"{name}__64.json"
                record = json.loads(file.read_text())
                record["scopes"]["core"]["samples"] = [seconds] * 3
                file.write_text(json.dumps(record))
        [found] = rows.groups(results.load(runs))
        return found

    return make
