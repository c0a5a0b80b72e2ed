"""`bench run --runtime`: further rows of the methods whose network another runtime can run."""

from dataclasses import replace

import pytest

from bench import cli, results, runtimes
from bench.run import profiles

RUN = ["run", "--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]
RUN += ["--metric", "ssim", "--precision", "float32"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    smoke = profiles.PROFILES["smoke"]  # not warmed up: each adaptation is an export of seconds
    cold = replace(smoke, sampling={**smoke.sampling, "warmup_seconds": 0.0})
    monkeypatch.setitem(profiles.PROFILES, "smoke", cold)


def test_a_row_of_a_runtime_is_the_method_with_its_option(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    words = ["--method", "ghiasi", "--method", "wct", "--runtime", "onnxruntime"]
    assert cli.main([*RUN, *words, "--option", "ghiasi.inference=plain"]) == 0
    run = results.latest(tmp_path / "runs")
    record = results.read_run(run)
    rows = {name: each.options.get("inference") for name, each in record.methods.items()}
    assert rows["ghiasi"] == "plain"
    assert rows["ghiasi-onnxruntime"] == "onnxruntime"
    assert set(rows) == {"identity", "style-copy", "ghiasi", "wct", "ghiasi-onnxruntime"}
    speed = results.read_record(
        results.record_path(run, "speed", "ghiasi-onnxruntime", 64), results.SpeedRecord
    )
    assert speed.status == "ok"
    scores = results.load([run]).scores.set_index("method")["value"]
    assert scores["ghiasi"] == pytest.approx(scores["ghiasi-onnxruntime"], abs=1e-3)


def test_methods_that_no_runtime_can_run_are_named(capsys):
    assert cli.main([*RUN, "--method", "wct", "--runtime", "openvino"]) == 1
    assert "--runtime openvino: no method that is asked for" in capsys.readouterr().err


def test_the_command_line_knows_every_runtime():
    words = [word for name in runtimes.RUNTIMES for word in ("--runtime", name)]
    assert cli.parser("run").parse_args(["run", *words]).runtime == [*runtimes.RUNTIMES]
