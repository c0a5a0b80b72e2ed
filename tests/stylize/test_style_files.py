"""Adapted styles as files, and their mixtures, worked out by hand on a method of two numbers."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench import Method, option, weights
from bench.contract import Context, Precision
from bench.contract.phases import adapt, stylize
from bench.errors import BenchError
from bench.store import collect
from bench.stylize import style_files
from bench.stylize.style_files import Style, parse_shares, take_up, taken


@dataclasses.dataclass(frozen=True)
class TintOptions:
    share: float = option(0.5, "how much of the style's colour")


class Tint(Method):
    """Scales the content by a layer that adapts, and adds a colour that is an attribute."""

    name, family = "tint", "per-style"
    Options = TintOptions

    def load(self):
        self.scale = nn.Linear(1, 1)
        self.scale.load_state_dict({"weight": torch.tensor([[0.5]]), "bias": torch.tensor([0.0])})
        self.norm = nn.BatchNorm2d(1)

    def adapt(self, style):
        with torch.no_grad():
            self.scale.weight.fill_(0.25)
        self.colour = self.options.share * style.mean((2, 3), keepdim=True)

    def stylize(self, content):
        return (self.scale.weight.item() * content + self.colour).clamp(0, 1)


@pytest.fixture
def context():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Context(torch.device("cpu"), Precision(), collect([("photo", photo)]), {}.get)


@pytest.fixture
def make(context):
    def loaded(cls=Tint, **options):
        method = cls(context, cls.Options(**options))
        method.load()
        return method

    return loaded


def grey(level):
    return torch.full((1, 3, 32, 32), float(level))


def style_of(method, level, name="grey"):
    before = style_files.state(method)
    adapt(method, grey(level))
    return taken(method, before, name)


def test_a_style_is_what_adapting_changed(make):
    style = style_of(make(), 0.5)
    assert {name: part.tolist() for name, part in style.tensors.items()} == {
        "scale.weight": [[0.25]],
        "colour": [[[[0.25]], [[0.25]], [[0.25]]]],
    }
    assert (style.name, style.method, style.options) == ("grey", "tint", {"share": 0.5})


def test_a_saved_style_stylizes_as_the_method_that_adapted(make, tmp_path):
    file = tmp_path / "new" / "grey.safetensors"
    style_files.write(file, style_of(make(), 0.5))
    assert weights.metadata(file)["format"] == "bench adapted style"
    read = style_files.read(file)
    assert (read.name, read.method, read.options, read.base) == (
        "grey",
        "tint",
        {"share": 0.5},
        {},
    )
    fresh = make()
    take_up(fresh, [read], [1.0])
    assert torch.equal(stylize(fresh, grey(1)), grey(0.25 + 0.5 * 0.5))


def test_styles_mix_by_convex_combination(make):
    styles = [style_of(make(), 0.0), style_of(make(), 0.8)]
    fresh = make()
    take_up(fresh, styles, [0.25, 0.75])
    assert torch.allclose(stylize(fresh, grey(0)), grey(0.75 * 0.5 * 0.8))
    assert fresh.norm.num_batches_tracked.dtype == torch.int64


def test_what_a_style_lacks_is_the_start_it_shares(make):
    whole, part = style_of(make(), 0.5), style_of(make(), 0.5)
    part = dataclasses.replace(part, tensors={"colour": part.tensors["colour"]})
    fresh = make()
    take_up(fresh, [whole, part], [0.5, 0.5])
    assert fresh.scale.weight.item() == (0.25 + 0.5) / 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "other"}, "they are of tint and other"),
        ({"base": {"w": "0f" * 32}}, "no weights and w 0f0f0f0f0f0f"),
        ({"tensors": {"colour": torch.zeros(3)}}, "colour has the shapes (1, 3, 1, 1) and (3,)"),
        ({"tensors": {}}, "colour has the shapes (1, 3, 1, 1) and None"),
    ],
)  # fmt: skip
def test_styles_that_cannot_be_mixed_are_refused(make, change, says):
    first = dataclasses.replace(style_of(make(), 0.5), file=Path("a.safetensors"))
    second = dataclasses.replace(first, file=Path("b.safetensors"), **change)
    with pytest.raises(BenchError) as error:
        take_up(make(), [first, second], [0.5, 0.5])
    assert str(error.value).startswith("a.safetensors and b.safetensors cannot be mixed: ")
    assert says in str(error.value)


def test_a_part_of_a_network_needs_the_weights_it_started_from(make):
    style = dataclasses.replace(
        style_of(make(), 0.5), file=Path("a.safetensors"), base={"w": "0f" * 32}
    )
    with pytest.raises(BenchError, match="belongs to w 0f0f0f0f0f0f, here is no weights: adapt"):
        take_up(make(), [style], [1.0])
    whole = {**style_files.state(make()), **style.tensors}
    take_up(make(), [dataclasses.replace(style, tensors=whole)], [1.0])  # lacks nothing


def test_another_networks_tensors_are_refused(make):
    style = Style("grey", "tint", {}, {}, {"gone.weight": torch.zeros(1)}, Path("a.safetensors"))
    with pytest.raises(BenchError, match=r"a\.safetensors does not fit tint: .*'gone'"):
        take_up(make(), [style], [1.0])


def test_a_method_without_state_has_nothing_to_save(make):
    class Still(Tint):
        def adapt(self, style):
            pass

    with pytest.raises(BenchError, match="keeps no style in parameters"):
        style_of(make(Still), 0.5)


def test_a_diverged_style_is_not_saved(make):
    with pytest.raises(BenchError, match="diverged: colour is not finite in half precision"):
        style_of(make(share=1e6), 0.5)


def test_a_method_that_keeps_its_style_elsewhere_is_found_out(make):
    class Hidden(Tint):
        def load(self):
            super().load()
            self.factor = 1.0

        def adapt(self, style):
            super().adapt(style)
            self.factor = 0.25

        def stylize(self, content):
            return super().stylize(content) * self.factor

    class Missing(Tint):
        def adapt(self, style):
            super().adapt(style)
            self.number = 1.0

        def stylize(self, content):
            return super().stylize(content) * self.number

    for cls, says in ((Hidden, "loses its style when it is saved"), (Missing, "AttributeError")):
        method = make(cls)
        style = style_of(method, 0.5)
        with pytest.raises(BenchError, match=says):
            style_files.check_round_trip(method, make(cls), style)
    method = make()
    style_files.check_round_trip(method, make(), style_of(method, 0.5))


def test_files_that_hold_no_style_are_refused(tmp_path):
    file = tmp_path / "w.safetensors"
    with pytest.raises(BenchError, match="is not there: make it with bench adapt"):
        style_files.read(file)
    weights.write(file, {"x": torch.zeros(1)}, {"method": "some words"})
    with pytest.raises(BenchError, match="holds no adapted style: make one with bench adapt"):
        style_files.read(file)


def test_only_floating_point_is_halved(tmp_path):
    file = tmp_path / "w.safetensors"
    weights.write(file, {"steps": torch.tensor(70_001), "x": torch.tensor(1 / 3)})
    read = weights.read(file)
    assert read["steps"].item() == 70_001
    assert read["x"].item() == float(np.float16(1 / 3))


def test_shares():
    a, b, c = (Path(f"{name}.safetensors") for name in "abc")
    assert parse_shares(["a.safetensors"]) == [(a, 1.0)]
    assert parse_shares(["a.safetensors:1"]) == [(a, 1.0)]
    assert parse_shares(["a.safetensors", "b.safetensors"]) == [(a, 0.5), (b, 0.5)]
    assert parse_shares(["a.safetensors:0.25", "b.safetensors:0.75"]) == [(a, 0.25), (b, 0.75)]
    thirds = parse_shares([f"{name}.safetensors:.33" for name in "abc"])
    assert [path for path, _ in thirds] == [a, b, c]
    assert [share for _, share in thirds] == pytest.approx([1 / 3] * 3)
    assert parse_shares(["C:\\a.safetensors"]) == [(Path("C:\\a.safetensors"), 1.0)]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["a:0.3", "b:0.6"], "must sum to 1, not to 0.3 + 0.6 = 0.9"),
        (["a:0.5"], "must sum to 1, not to 0.5"),
        (["a:0.5", "b"], "b has no share: give every file one, or none"),
        (["a:half"], "the share half is not a number from 0 to 1"),
        (["a:-0.5", "b:1.5"], "the share -0.5 is not a number from 0 to 1"),
        (["a:nan"], "the share nan is not"),
    ],
)
def test_wrong_shares_are_refused(texts, says):
    with pytest.raises(BenchError) as error:
        parse_shares(texts)
    assert says in str(error.value)
