"""`bench export`: an adapted style as ONNX and as torch.export's file, checked first."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from bench.cli import main
from bench.stylize import exported

QUICK = ["--quiet", "--device", "cpu", "--precision", "float32"]
TINY = [
    word for key in ("steps=1", "batch=1", "size=32") for word in ("--option", f"johnson.{key}")
]


@pytest.fixture(scope="module")
def starry(tmp_path_factory):
    """A folder with a style of `johnson` in starry.safetensors, and its picture."""
    folder = tmp_path_factory.mktemp("starry")
    levels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(levels).save(folder / "starry.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_PLUGINS", "0")
        patch.chdir(folder)
        words = ["--style", "starry.png", "-o", "starry.safetensors", "--method", "johnson"]
        assert main(["adapt", *words, *QUICK, *TINY]) == 0
    return folder


@pytest.fixture(autouse=True)
def style(starry, tmp_path, monkeypatch):
    """Copies of the two files in the working folder."""
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    for file in starry.iterdir():
        shutil.copy(file, tmp_path)


def stylized():
    """The picture as `bench stylize` makes it, (1, 3, H, W) in [0, 1]."""
    words = ["--weights", "starry.safetensors", "starry.png", "-o", "out.png"]
    assert main(["stylize", *QUICK, *words]) == 0
    return tensor("out.png")


def tensor(file):
    return torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1)[None] / 255


def test_onnx_gives_the_picture_that_stylize_gives(capsys):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    assert main(["export", "starry.safetensors", "-o", "starry.onnx"]) == 0
    assert "johnson, picture to picture of any size, equal to 1" in capsys.readouterr().out
    (output,) = runtime.InferenceSession("starry.onnx").run(
        None, {"picture": tensor("starry.png").numpy()}
    )
    torch.testing.assert_close(torch.from_numpy(output), stylized(), atol=0.51 / 255, rtol=0)
    about = {p.key: p.value for p in onnx.load("starry.onnx").metadata_props}
    assert (about["method"], about["style"]) == ("johnson", "starry")


def test_torch_loads_its_own_format_without_bench():
    assert main(["export", "starry.safetensors", "-o", "starry.pt2"]) == 0
    module = torch.export.load("starry.pt2").module()
    torch.testing.assert_close(module(tensor("starry.png")), stylized(), atol=0.51 / 255, rtol=0)


def test_what_does_not_do_the_same_is_not_kept(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(exported, "ALIKE", 200.0)
    assert main(["export", "starry.safetensors", "-o", "starry.pt2"]) == 1
    assert "starry.pt2: not kept, its pictures equal the method's to" in capsys.readouterr().err
    assert not (tmp_path / "starry.pt2").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["starry.safetensors", "-o", "starry.pth"], "the file's name must end in .onnx or .pt2"),
        (["gone.safetensors", "-o", "starry.onnx"], "gone.safetensors is not there: make it with"),
        (["starry.safetensors", "-o", "starry.png/x.onnx"], "is no folder that can be written to"),
    ],
)
def test_mistakes_are_one_line(words, says, capsys):
    assert main(["export", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_a_method_that_is_no_single_network_is_refused(capsys):
    words = ["--style", "starry.png", "-o", "adain.safetensors", "--method", "adain", *QUICK]
    assert main(["adapt", *words]) == 0
    assert main(["export", "adain.safetensors", "-o", "adain.onnx"]) == 1
    assert "adain is, with these options, no single network" in capsys.readouterr().err
