"""Each check of metrics finds the fault that it is for; a good one passes."""

import pytest
import torch
from helpers.checked import failures, outcomes

from bench import Metric


class Brightness(Metric):
    """Distance of mean grey levels."""

    name, axis, citation = "brightness", "style", "this test"

    def score(self, stylized, content, style):
        return float(stylized.mean() - style.mean()) ** 2


class Tensorial(Brightness):
    def score(self, stylized, content, style):
        return (stylized.mean() - style.mean()) ** 2


class Reversed(Brightness):
    direction = "higher"


class Remembering(Brightness):
    styles = frozenset()

    def score(self, stylized, content, style):
        self.styles |= {round(float(style.mean()), 6)}
        return super().score(stylized, content, style) + len(self.styles)


class Tainting(Brightness):
    def score(self, stylized, content, style):
        return super().score(stylized, content.clone(), style.add_(0))

    def load(self, context):
        self.score = lambda a, b, c: Brightness.score(self, a, b.mul_(2), c)


class Homely(Brightness):
    def score(self, stylized, content, style):
        return float((stylized.mean((2, 3)) - style.mean((2, 3)) * torch.ones(3)).norm())


class Halving(Brightness):
    def score(self, stylized, content, style):
        a, b = (
            p.mean((2, 3)) @ torch.full((3, 1), 1 / 3, device=p.device) for p in (stylized, style)
        )
        return float(a - b) ** 2


def test_a_good_metric_passes():
    assert {outcome.status for outcome in outcomes("metrics", Brightness())} == {"passed"}


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Tensorial, "gives_numbers", "score gave a Tensor: return a float"),
        (Reversed, "tells_the_anchors_apart", "set axis and direction right"),
        (Remembering, "is_deterministic", "other pictures leave traces"),
        (Tainting, "leaves_inputs_alone", "the content was changed in place"),
        (Homely, "keeps_to_its_device", "mul mixes"),
        (Halving, "is_the_same_under_autocast", "disable autocast"),
    ],
)
def test_each_fault_of_a_metric_is_found(cls, check, words):
    found = failures("metrics", type(cls.__name__, (cls,), {"__doc__": "A fault."})())
    assert list(found) == [check]
    assert words in found[check]
