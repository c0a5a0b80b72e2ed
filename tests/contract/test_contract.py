import re
from dataclasses import dataclass, replace

import pytest

from bench import Dataset, Encoder, Method, Metric, Picture, Weights, option
from bench.options import NoOptions


class Distance(Metric):
    name = "distance"
    version = 3
    axis = "content"

    def __init__(self, encoder=None):
        self.encoder = encoder

    def score(self, stylized, content, style):
        return 0.0


def test_a_metrics_id_is_name_version_and_network():
    assert Distance().id == "distance/3"
    assert Distance("vgg16-bsds").id == "distance/3@vgg16-bsds"


class Two(Dataset):
    name = "two"
    content = (Picture("a", lambda: None, fingerprint="1"), Picture("b", lambda: None))
    style = (Picture("s", lambda: None, fingerprint="2"),)
    photographs = ()

    def contents(self):
        return self.content

    def styles(self):
        return self.style

    def adaptation(self):
        return self.photographs


def test_a_datasets_fingerprint_is_short_hex_and_stable():
    assert re.fullmatch(r"[0-9a-f]{16}", Two().fingerprint())
    assert Two().fingerprint() == Two().fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"content": (replace(Two.content[0], fingerprint="9"), Two.content[1])},  # bytes
        {"content": (replace(Two.content[0], name="z"), Two.content[1])},
        {"content": Two.content[::-1]},
        {"content": Two.content[:1]},
        {"content": Two.content + Two.style, "style": ()},  # another role
        {"photographs": Two.content[:1]},
    ],
)
def test_a_datasets_fingerprint_sees_bytes_names_order_and_roles(change):
    other = type("Other", (Two,), change)
    assert other().fingerprint() != Two().fingerprint()


def test_a_datasets_fingerprint_ignores_where_pictures_lie(tmp_path):
    moved = tuple(replace(p, path=tmp_path / p.name, title="moved") for p in Two.content)
    assert type("Moved", (Two,), {"content": moved})().fingerprint() == Two().fingerprint()


@dataclass(frozen=True)
class Knobs:
    steps: int = option(5, "how many")


class Copy(Method):
    name = "copy"
    family = "anchor"
    Options = Knobs

    def stylize(self, content):
        return content


def test_options_default_to_the_classs_own():
    assert Copy(context=None).options == Knobs(5)
    assert Copy(context=None, options=Knobs(7)).options.steps == 7
    assert Two().options == NoOptions()


def test_a_method_without_adaptation_needs_none():
    assert Copy(context=None).adapt(style=None) is None


def test_networks_are_the_modules_that_a_method_holds():
    from torch import nn

    method = Copy(context=None)
    assert list(method.networks()) == []
    method.network, method.other, method.steps = nn.Linear(1, 1), nn.ReLU(), 3
    assert list(method.networks()) == [method.network, method.other]


@pytest.mark.parametrize("base", [Method, Metric, Dataset, Encoder])
def test_the_contracts_classes_are_abstract(base):
    with pytest.raises(TypeError, match="abstract"):
        base()


def test_the_content_tap_is_found_among_the_taps():
    class Net(Encoder):
        name = "net"
        taps = ("a", "b", "c")
        content_tap = "b"
        weights = Weights("net.pth", None, "nowhere", "MIT")

        def build(self):
            raise NotImplementedError

    assert Net().content_index == 1
    assert list(Net().folders()) == []
