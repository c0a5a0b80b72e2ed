"""`bench demo` is a run: its methods, its size, and what it says first."""

import dataclasses

import pytest

from bench import results
from bench.cli import main
from bench.commands import demo
from bench.run import profiles


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """The demonstration as it is, at 64 px and by two methods."""
    small = dataclasses.replace(
        profiles.PROFILES["demo"], sizes=(64,), sampling=profiles.PROFILES["smoke"].sampling
    )
    monkeypatch.setitem(profiles.PROFILES, "demo", small)
    monkeypatch.setattr(demo, "METHODS", ("metastyle", "ghiasi"))
    monkeypatch.setattr(demo, "OPTIONS", ("metastyle.steps=1",))


def test_it_is_a_small_run_with_pictures(tmp_path, capsys):
    assert main(["demo", "--runs", str(tmp_path), "--device", "cpu", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("A first look: metastyle and ghiasi, two photographs in one style")
    assert "bench run --method metastyle --method ghiasi\n" in out
    (run,) = results.find_runs(tmp_path)
    record = results.read_run(run)
    assert list(record.methods) == ["identity", "style-copy", "metastyle", "ghiasi"]
    assert (len(record.styles), len(record.contents)) == (1, 2)
    assert record.methods["metastyle"].options["steps"] == 1
    assert f"pictures    {run / 'sheet.png'}" in out
    assert (run / "sheet.png").is_file()


def test_quiet_says_nothing_first(tmp_path, capsys):
    words = ["demo", "--runs", str(tmp_path), "--device", "cpu", "--threads", "1", "--quiet"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("environment ")
