"""A baseline is in units of the reference workload, and is only read."""

import json
from pathlib import Path

import pytest
from helpers.gating import Simulated

from bench.cli import main
from bench.compare import baseline, revisions, turns


def test_a_baseline_is_in_units_of_the_reference(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(turns, "WorkerProcess", Simulated)
    monkeypatch.setattr(baseline, "resolve", lambda text, _: revisions.Side(text, "python"))
    monkeypatch.setattr(Simulated, "slowdown", {})
    file = str(tmp_path / "speed.json")
    words = ["--quiet", "--max-seconds", "0.2"]
    saving = ["gate", ".", "--save-baseline", file, "--method", "made", *words]
    assert main(saving) == 0
    stored = json.loads(Path(file).read_text())
    (entry,) = stored["entries"]
    assert entry["task"]["method"] == "made"
    assert sorted(entry["ratios"])[len(entry["ratios"]) // 2] == pytest.approx(1.0, abs=0.05)

    def slower(factor):
        side = revisions.Side(".", "python")
        monkeypatch.setattr(Simulated, "slowdown", {(side, "core"): factor - 1})
        return main(["gate", "--baseline", file, *words])

    assert slower(1.0) == 0
    assert slower(1.2) == 1
    assert "units of the reference workload" in capsys.readouterr().out
    # a machine of half the speed: both are slower, and nothing has changed
    monkeypatch.setattr(
        Simulated,
        "slowdown",
        {(revisions.Side(".", "python"), s): 1.0 for s in ("core", "reference")},
    )
    assert main(["gate", "--baseline", file, *words]) == 0


def test_a_baseline_names_no_code_to_load(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(turns, "WorkerProcess", Simulated)
    monkeypatch.setattr(baseline, "resolve", lambda text, _: revisions.Side(text, "python"))
    monkeypatch.setattr(Simulated, "slowdown", {})
    file = str(tmp_path / "speed.json")
    words = ["--quiet", "--max-seconds", "0.2"]
    naming = ["--plugin", str(tmp_path / "note.py")]
    assert main(["gate", ".", "--save-baseline", file, "--method", "m", *naming, *words]) == 0
    assert main(["gate", "--baseline", file, *words]) == 2
    assert f"add {' '.join(naming)}" in capsys.readouterr().err
    assert main(["gate", "--baseline", file, *naming, *words]) == 0
