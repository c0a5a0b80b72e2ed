"""What a run says of methods whose networks are ONNX files, and of their lack."""

import importlib
import sys

import pytest
from helpers.packaged import REGISTRY, loaded, picture

from bench import results
from bench.cli import main
from bench.contract import phases
from bench.errors import NeedError
from bench.extras import extra
from bench.machine import footprint
from bench.run import cells

NAMES = ("magenta-ghiasi", "magenta-cin")
onnx_methods = importlib.import_module("bench.methods._onnx")
KERNELS = {
    "magenta-cin": 81 * 3 * 32 + 9 * (14 * 32 * 32 + 32 * 8 + 8 * 4) + 81 * 4 * 3,
    "magenta-ghiasi": 81 * 3 * 8
    + 9 * (8 * 16 + 16 * 32 + 10 * 32 * 32 + 32 * 16 + 16 * 8)
    + 81 * 8 * 3,
}
STYLE = {  # scales and shifts, of 26 styles or as affine functions of 100 numbers
    "magenta-cin": 26 * 2 * (15 * 32 + 8 + 4 + 3),
    "magenta-ghiasi": 101 * 2 * (10 * 32 + 16 + 8 + 3),
}
BIASES = {"magenta-cin": 0, "magenta-ghiasi": 8 + 16 + 32}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_counted_and_operations_are_not_made_up(name):
    method = loaded(name, **({"style": 0} if name == "magenta-cin" else {}))
    content = picture("contents", 0, 32)
    phases.adapt(method, content)
    wanted = KERNELS[name] + STYLE[name] + BIASES[name]
    assert footprint.parameters(method.networks()) == wanted
    assert cells.count_flops(method, content, 0) is None


SMOKE = ["--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]


def run(tmp_path, *words):
    status = main(["run", *words, *SMOKE, "--metric", "ssim", "--runs", str(tmp_path)])
    return status, results.latest(tmp_path)


def cell_of(folder, name):
    (style,) = results.read_run(folder).styles[:1]
    return results.read_json(results.record_path(folder, "cells", name, style, 64))


def test_a_run_records_them(tmp_path, capsys):
    status, folder = run(tmp_path, "--method", NAMES[0], "--method", NAMES[1])
    assert status == 0
    precisions = [cell_of(folder, name)["precision"] for name in NAMES]
    assert precisions == ["int8/onnxruntime", "float32/onnxruntime"]
    record = results.read_run(folder).methods
    for name in NAMES:
        declared = {needed.file: needed.sha256 for needed in REGISTRY.method(name).weights}
        assert declared.items() <= record[name].weights.items()
        assert "vgg16" in record[name].trains_on
    assert "onnxruntime" in capsys.readouterr().out


@pytest.mark.parametrize("lacking", ["package", "onnxruntime"])
def test_without_the_extra_a_row_is_skipped_and_says_what_to_install(
    lacking, tmp_path, monkeypatch, capsys
):
    if lacking == "package":
        monkeypatch.setattr(onnx_methods, "package_folder", lambda *_: [])
    else:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "none"))
    status, folder = run(tmp_path, "--method", "magenta-ghiasi", "--method", "style-copy")
    cell = cell_of(folder, "magenta-ghiasi")
    assert cell["status"] == "skipped"
    assert "pip install 'metastyle-bench[published]'" in cell["reason"]
    out = capsys.readouterr()
    assert "skipped" in out.out
    assert "metastyle-bench[published]" in out.out
    assert status == 1  # nothing that was asked for could be run: the error says why
    assert "metastyle-bench[published]" in out.err


def test_an_extra_that_is_there_but_broken_is_no_matter_of_installing(monkeypatch, tmp_path):
    (tmp_path / "halfway.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        extra("halfway", "published", "it")
    with pytest.raises(NeedError, match=r"^it needs no_such: pip install '.*\[published\]'$"):
        extra("no_such", "published", "it")
