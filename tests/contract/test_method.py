"""A method's options, networks and phases; the contract's classes are abstract."""

from dataclasses import dataclass

import pytest

from bench import Dataset, Encoder, Method, Metric, Picture, option
from bench.options import NoOptions


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
