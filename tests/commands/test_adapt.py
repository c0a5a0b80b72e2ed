"""`bench adapt`, and `bench stylize --weights`, on tiny pictures and few steps."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import weights
from bench.cli import main
from bench.contract import Context, Precision
from bench.store import collect
from bench.stylize import style_files

QUICK = ["--quiet", "--device", "cpu", "--precision", "float32"]


def options(method):
    """One step on one tiny crop."""
    return [
        word
        for setting in ("steps=1", "batch=1", "size=32")
        for word in ("--option", f"{method}.{setting}")
    ]


TINY = options("metastyle")
NORM = ["--option", "metastyle.update=norm"]
STYLIZE = ["stylize", *QUICK]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("one", "two", "photo"):
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(f"{name}.png")


def adapt(name, *words):
    words = ["--style", f"{name}.png", "-o", f"{name}.safetensors", *QUICK, *words]
    assert main(["adapt", *words]) == 0
    return style_files.read(Path(f"{name}.safetensors"))


def levels(file):
    return np.asarray(Image.open(file)).astype(int)


def test_a_saved_style_stylizes_as_one_just_adapted_to(capsys):
    style = adapt("one", *TINY)
    said = capsys.readouterr().out
    assert "1 steps in" in said
    assert "go on with  bench stylize --weights one.safetensors PHOTO.jpg -o out.png" in said
    assert (style.name, style.method, style.options["steps"]) == ("one", "metastyle", 1)
    assert main([*STYLIZE, "--weights", "one.safetensors", "photo.png", "-o", "saved.png"]) == 0
    assert main([*STYLIZE, "--style", "one.png", *TINY, "photo.png", "-o", "fresh.png"]) == 0
    assert np.abs(levels("saved.png") - levels("fresh.png")).max() <= 2
    assert np.abs(levels("saved.png") - levels("photo.png")).max() > 20


def test_instance_norms_alone_are_a_tiny_file_on_the_shipped_weights():
    style = adapt("one", *TINY, *NORM)
    assert sum(tensor.numel() for tensor in style.tensors.values()) == 3200
    assert Path("one.safetensors").stat().st_size < 12_000
    shipped = weights.SHIPPED / "metastyle.safetensors"
    assert style.base == {"metastyle.safetensors": weights.sha256(shipped)}
    assert main([*STYLIZE, "--weights", "one.safetensors", "photo.png", "-o", "saved.png"]) == 0
    words = ["--style", "one.png", *TINY, *NORM, "photo.png", "-o", "fresh.png"]
    assert main([*STYLIZE, *words]) == 0
    assert np.abs(levels("saved.png") - levels("fresh.png")).max() <= 2

    changed = {**weights.metadata(Path("one.safetensors")), "base": json.dumps({"w": "0" * 64})}
    weights.write(Path("other.safetensors"), dict(style.tensors), changed)
    assert main([*STYLIZE, "--weights", "other.safetensors", "photo.png", "-o", "no.png"]) == 1


def test_halves_of_two_styles_are_the_mean_of_their_parameters():
    one, two = adapt("one", *TINY), adapt("two", *TINY, *NORM)
    module = importlib.import_module("bench.methods.metastyle")
    registry = importlib.import_module("bench.plugins.registry").load([])
    photo = np.zeros((32, 32, 3), np.uint8)
    context = Context(torch.device("cpu"), Precision(), collect([("p", photo)]), registry.encoder)
    method = module.MetaStyle(context)
    method.load()
    start = style_files.state(method)
    style_files.take_up(method, [one, two], [0.5, 0.5])
    mixed = style_files.state(method)
    for name in one.tensors:
        half = (one.tensors[name] + two.tensors.get(name, start[name])) / 2
        assert torch.allclose(mixed[name], half, atol=1e-6), name

    both = ["--weights", "one.safetensors", "--weights", "two.safetensors"]
    ends = ["--weights", "one.safetensors:1", "--weights", "two.safetensors:0.0"]
    for words, out in ((both, "both.png"), (ends, "ends.png"), (both[:2], "one_.png")):
        assert main([*STYLIZE, *words, "photo.png", "-o", out]) == 0
    assert np.array_equal(levels("ends.png"), levels("one_.png"))
    assert not np.array_equal(levels("both.png"), levels("one_.png"))


def test_johnsons_network_is_saved_whole():
    words = options("johnson")
    style = adapt("one", "--method", "johnson", *words)
    assert sum(tensor.numel() for tensor in style.tensors.values()) == 1_679_235
    assert main([*STYLIZE, "--weights", "one.safetensors", "photo.png", "-o", "saved.png"]) == 0
    fresh = ["--method", "johnson", "--style", "one.png", *words]
    assert main([*STYLIZE, *fresh, "photo.png", "-o", "fresh.png"]) == 0
    assert np.abs(levels("saved.png") - levels("fresh.png")).max() <= 2


def test_a_strangers_method_is_saved_too():
    Path("tint.py").write_text(
        "from bench import Method, hookimpl\n"
        "class Tint(Method):\n"
        "    name, family = 'tint', 'arbitrary'\n"
        "    def adapt(self, style): self.mean = style.mean((2, 3), keepdim=True)\n"
        "    def stylize(self, content): return 0 * content + self.mean\n"
        "@hookimpl\n"
        "def bench_methods(): return [Tint]\n"
    )
    plugin = ["--plugin", "tint.py"]
    for name, level in (("black", 0), ("white", 255)):
        Image.new("RGB", (32, 32), (level,) * 3).save(f"{name}.png")
        adapt(name, "--method", "tint", *plugin)
    mixed = ["--weights", "black.safetensors:0.6", "--weights", "white.safetensors:0.4"]
    assert main([*STYLIZE, *plugin, *mixed, "photo.png", "-o", "grey.png"]) == 0
    assert set(levels("grey.png").ravel()) == {102}
    adapt("one", *TINY)
    with_other = ["--weights", "black.safetensors", "--weights", "one.safetensors"]
    assert main([*STYLIZE, *plugin, *with_other, "photo.png", "-o", "no.png"]) == 1
    assert not Path("no.png").exists()


ADAPT = ["adapt", *QUICK, "--style", "one.png"]

WRONG = [
    (["adapt", *QUICK, "-o", "x.safetensors"], "required: --style"),
    (["adapt", *QUICK, "--style", "no.png", "-o", "x.safetensors"], "no.png is not there"),
    ([*ADAPT, "-o", "x.pt"], "-o x.pt: the file's name must end in .safetensors"),
    ([*ADAPT, "-o", "x.safetensors", "--method", "gats"], "did you mean gatys"),
    ([*ADAPT, "-o", "x.safetensors", "--option", "gatys.steps=1"],
     "--option gatys.…: only options of metastyle apply here"),
    ([*ADAPT, "-o", "x.safetensors", "--method", "gatys"], "gatys keeps no style in parameters"),
    ([*ADAPT, "-o", "x.safetensors", "--method", "identity"], "bench stylize --method identity"),
    ([*STYLIZE, "photo.png", "-o", "out.png"], "give --style PICTURE, or --weights"),
    ([*STYLIZE, "--weights", "x.safetensors", "--style", "one.png", "photo.png", "-o", "out.png"],
     "--weights holds an adapted style: leave out --style"),
    ([*STYLIZE, "--weights", "x.safetensors", "photo.png", "-o", "out.png"],
     "x.safetensors is not there: make it with bench adapt"),
    ([*STYLIZE, "--weights", "x.safetensors:0.3", "--weights", "y.safetensors:0.3", "photo.png",
      "-o", "out.png"], "must sum to 1, not to 0.3 + 0.3 = 0.6"),
    ([*STYLIZE, "--weights", str(weights.SHIPPED / "metastyle.safetensors"), "photo.png", "-o",
      "out.png"], "holds no adapted style"),
    ([*STYLIZE, "--weights", "one.png", "photo.png", "-o", "out.png"], "cannot be read as"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), WRONG, ids=[" ".join(w[-3:]) for w, _ in WRONG])
def test_what_is_wrong_is_said_in_one_line(words, says, capsys):
    try:
        status = main(words)
    except SystemExit as exit:
        status = exit.code
    out, err = capsys.readouterr()
    assert status in (1, 2), out
    assert says in err
    assert len(err.splitlines()) == 1, err
    assert not list(Path().glob("*.safetensors"))


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["adapt", "--help"])
    said = capsys.readouterr().out
    assert "examples:\n  bench adapt" in said
    assert "metastyle.update=norm" in said


def test_a_folder_that_cannot_be_written_is_named_before_the_work(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("bench.commands._adapting.adapt", None)  # never reached
    out = tmp_path / "file" / "new" / "a.safetensors"
    assert main(["adapt", "--style", "any.png", "-o", str(out)]) == 1
    said = capsys.readouterr().err
    assert "file is no folder that can be written to" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["caf\udce9", "ü"])
def test_a_style_of_any_name_is_saved(name):
    Path("one.png").rename(f"{name}.png")
    words = ["--style", f"{name}.png", "-o", "style.safetensors", *QUICK, *TINY]
    assert main(["adapt", *words]) == 0
    assert style_files.read(Path("style.safetensors")).name == name.replace("\udce9", "?")
