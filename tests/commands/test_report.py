"""`bench report`: options that go together, and what is handed on."""

import pytest

from bench.cli import main


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (["--plots", "new", "--sort", "core"], "--sort does not go with --plots"),
        (["--html", "new", "--format", "csv"], "--format does not go with --html"),
        (["--html", "new", "-o", "new"], "--out does not go with --html"),
        (["--site", "new", "--columns", "core"], "--columns does not go with --site"),
        (["--no-pictures"], "--no-pictures goes with --html or --site"),
        (["--curves", "--by", "style"], "--by does not go with --curves"),
        (["--amortised", "--all-metrics"], "--all-metrics does not go with --amortised"),
    ],
)
def test_options_that_would_say_nothing_are_refused(
    asked, refused, fake_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(fake_run()), *asked]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert refused in line
    assert not (tmp_path / "new").exists()


def test_plots_take_every_metric_where_asked(fake_run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "bench.report.plots.figures", lambda frames, **options: asked.append(options) or {}
    )
    monkeypatch.setattr("bench.report.plots.write", lambda figures, folder: [folder])
    run = str(fake_run())
    for flags in ([], ["--all-metrics"]):
        assert main(["report", run, "--plots", str(tmp_path / "new"), *flags]) == 0
    assert asked == [{"all_metrics": False}, {"all_metrics": True}]
