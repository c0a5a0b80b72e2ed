"""Every example passes `bench check` and works in a run; the notebook's cells can be executed."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.checkout import ROOT
from PIL import Image

from bench import conformance, results
from bench.cli import main

EXAMPLES = ROOT / "examples"
SMOKE = ["--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def example(name):
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def check(name, **given):
    """All checks pass, by the list that `bench check` goes through."""
    thing = name.replace("_", "-")
    outcomes = conformance.run(
        conformance.cases(str(EXAMPLES / f"{name}.py"), given={thing: given})
    )
    wrong = [f"{o.case}: {o.message}" for o in outcomes if o.status != "passed"]
    assert wrong == []


def run_cell(*words, method, style="stripes"):
    assert main(["run", *words]) == 0
    run = results.latest(Path("runs"))
    cell = results.read_json(results.record_path(run, "cells", method, style, 64))
    assert cell["status"] == "ok", cell["reason"]
    return run


# a network from a checkpoint file


@pytest.fixture
def checkpoint(tmp_path):
    """Random weights in the layout of pytorch/examples, with statistics of torch < 0.4."""
    torch.manual_seed(0)
    state = example("checkpoint").Network().state_dict()
    file = tmp_path / "net.pth"
    torch.save({**state, "in1.running_mean": torch.zeros(32)}, file)
    return file


def test_checkpoint_passes_the_suite(checkpoint):
    check("checkpoint", file=str(checkpoint))


def test_checkpoint_has_the_published_number_of_parameters():
    """Johnson et al. 2016 with instance normalisation: 1,679,235, as pytorch/examples' has."""
    network = example("checkpoint").Network()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_679_235
    keys = {"conv1.conv2d.weight", "res5.in2.bias", "deconv3.conv2d.bias", "in5.weight"}
    assert keys <= set(network.state_dict())


def test_checkpoint_is_recorded_with_its_sha(checkpoint, capsys):
    plugin = str(EXAMPLES / "checkpoint.py")
    words = ["--method", "checkpoint", "--plugin", plugin, *SMOKE]
    run = run_cell(*words, "--option", "checkpoint.file=net.pth", method="checkpoint")
    from bench.weights import sha256

    weights = results.read_run(run).methods["checkpoint"].weights
    assert weights["net.pth"] == sha256(checkpoint)


def test_checkpoint_that_is_not_there_is_one_line(capsys):
    plugin = str(EXAMPLES / "checkpoint.py")
    Image.new("RGB", (64, 64)).save("a.png")
    words = ["--method", "checkpoint", "--plugin", plugin, "--style", "a.png", "a.png"]
    assert main(["stylize", *words, "-o", "b.png", "--device", "cpu", "--quiet"]) == 1
    assert "name it by --option checkpoint.file=FILE" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda net: {f"module.{k}": v for k, v in net.state_dict().items()}, "as DataParallel"),
        (lambda net: dict(list(net.state_dict().items())[1:]), '"conv1.conv2d.weight"'),
        (lambda net: net, "Unsupported global: GLOBAL"),
    ],
    ids=["DataParallel", "a tensor is missing", "a whole module"],
)
def test_checkpoint_of_another_kind_is_told_why(spoil, says, capsys, tmp_path):
    torch.save(spoil(example("checkpoint").Network()), tmp_path / "other.pth")
    words = ["stylize", "--method", "checkpoint", "--plugin", str(EXAMPLES / "checkpoint.py"),
             "--option", "checkpoint.file=other.pth", "--device", "cpu", "--quiet"]  # fmt: skip
    Image.new("RGB", (64, 64)).save("a.png")
    assert main([*words, "--style", "a.png", "a.png", "-o", "b.png"]) == 1
    assert says in capsys.readouterr().err.splitlines()[-1]


# metric and dataset


def test_palette_passes_the_suite_and_is_by_hand():
    check("palette")
    (palette,) = example("palette").bench_metrics()
    half = torch.zeros(1, 3, 4, 4)
    half[..., :2] = 1
    black = torch.zeros(1, 3, 2, 2)
    # overlap sqrt(1/2 · 1)
    assert palette.score(half, half, black) == pytest.approx((1 - 0.5**0.5) ** 0.5)
    assert palette.score(black + 1, half, black) == 1
    assert palette.score(black, half, black) == 0


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    rows = [("b.png", "content"), ("a.png", "content"), ("s.png", "style"), ("p.png", "adaptation")]
    for file, _ in rows:
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(tmp_path / file)
    lines = ["file,role", *(",".join(row) for row in rows)]
    (tmp_path / "roles.csv").write_text("\n".join(lines))
    return tmp_path


def test_sorted_folder_passes_the_suite_and_keeps_the_tables_order(pictures):
    check("sorted_folder", root=str(pictures))
    module = example("sorted_folder")
    dataset = module.SortedFolder(module.Options(root=str(pictures)))
    assert [picture.name for picture in dataset.contents()] == ["b", "a"]
    assert [picture.name for picture in dataset.styles()] == ["s"]
    assert [picture.name for picture in dataset.adaptation()] == ["p"]


def test_sorted_folder_says_what_is_missing(pictures, capsys):
    words = ["run", "--method", "identity", "--plugin", str(EXAMPLES / "sorted_folder.py")]
    words += ["--dataset", "sorted-folder", "--option"]
    assert main([*words, "sorted-folder.root=gone"]) == 1
    assert "gone/roles.csv is not there: name its folder" in capsys.readouterr().err
    (pictures / "a.png").unlink()
    assert main([*words, f"sorted-folder.root={pictures}"]) == 1
    assert f"a.png is not there: correct {pictures}/roles.csv" in capsys.readouterr().err


# the notebook


def test_the_notebook_makes_tables_of_a_run(fake_run, monkeypatch):
    run = fake_run()
    monkeypatch.setenv("BENCH_RUNS", str(run.parent))
    notebook = json.loads((EXAMPLES / "results.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in cells)
    scope: dict[str, object] = {}
    for cell in cells:
        exec("".join(cell["source"]), scope)  # as a kernel does, one after the other
    frames, tradeoff = scope["frames"], scope["tradeoff"]
    assert set(tradeoff.reset_index()["method"]) == set(frames.cells["method"])
    assert set(frames.scores["metric"]) <= set(tradeoff.columns)
    assert tradeoff["adapt s"].notna().all()
