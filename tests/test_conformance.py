"""Each check of the conformance suite finds the fault that it is there for."""

import dataclasses
import random
import sys

import numpy as np
import pytest
import torch

from bench import BenchError, Method, Weights, conformance, option
from bench.device import Context, Precision
from bench.errors import unknown
from bench.store import collect


@dataclasses.dataclass(frozen=True)
class Options:
    steps: int = option(100, "steps", low=0)


class Good(Method):
    """Mixes the style's mean colour in, a little more at each step."""

    name = "good"
    family = "optimisation"
    citation = "this test"
    Options = Options

    def adapt(self, style):
        self.mean = style.mean((2, 3), keepdim=True)

    def stylize(self, content):
        picture = content.clone()
        for step in range(self.options.steps + 1):
            yield picture.clone()
            picture = picture * 0.9 + self.mean * 0.1 / (step + 1)


class Plain(Good):
    """The same at once."""

    def stylize(self, content):
        return content * 0.5 + self.mean * 0.5


class Misnamed(Good):
    """A name that no command line likes."""

    name = "Bad_Name"


class Uncited(Good):
    """Nobody's method."""

    citation = " "


class Undocumented(Good):
    pass


class Thawed(Good):
    """Options that can change under way."""

    @dataclasses.dataclass
    class Options:
        steps: int = option(100, "steps")


class Helpless(Good):
    """Options that say nothing."""

    @dataclasses.dataclass(frozen=True)
    class Options:
        steps: int = 100


class Unweighted(Good):
    """Weights that are nowhere."""

    weights = (Weights("nowhere.safetensors", "0" * 64, "the moon", "MIT"),)


class Narrow(Plain):
    """A picture of another shape."""

    def stylize(self, content):
        return super().stylize(content)[..., 1:]


class Even(Plain):
    """Sides that are multiples of four only."""

    def stylize(self, content):
        height, width = (side // 4 * 4 for side in content.shape[2:])
        return super().stylize(content)[..., :height, :width]


class Loud(Plain):
    """Values above 1."""

    def stylize(self, content):
        return super().stylize(content) + 1


class Empty(Plain):
    """NaN."""

    def stylize(self, content):
        return super().stylize(content) * float("nan")


class Double(Plain):
    """float64."""

    def stylize(self, content):
        return super().stylize(content).double()


class Attached(Plain):
    """A picture with a graph."""

    def stylize(self, content):
        return super().stylize(content).requires_grad_()


class Halved(Plain):
    """Half precision comes out under autocast."""

    def load(self):
        self.eye = torch.eye(3).view(3, 3, 1, 1)

    def stylize(self, content):
        return torch.conv2d(super().stylize(content), self.eye)


class Whimsical(Plain):
    """Another source of randomness than torch's."""

    def stylize(self, content):
        return super().stylize(content) * random.random()


class Grabbing(Plain):
    """Changes the content."""

    def stylize(self, content):
        return content.mul_(0.5)


class Staining(Plain):
    """Changes the style."""

    def adapt(self, style):
        super().adapt(style.mul_(0.5))


class Lazy(Plain):
    """Returns the content itself."""

    def stylize(self, content):
        return content.view(content.shape)


class Faithful(Plain):
    """Never lets go of its first style."""

    def adapt(self, style):
        if not hasattr(self, "mean"):
            super().adapt(style)


class Drifting(Plain):
    """Learns from each content."""

    def stylize(self, content):
        self.mean = self.mean * 0.5
        return super().stylize(content)


class Mixing(Plain):
    """A statistic over the batch."""

    def stylize(self, content):
        return super().stylize(content) * content.mean()


class Late(Good):
    """Yields after its steps only."""

    def stylize(self, content):
        steps = super().stylize(content)
        next(steps)
        yield from steps


class Unready(Good):
    """Adapts in steps, and is not ready before the first."""

    def adapt(self, style):
        yield
        super().adapt(style)
        for _ in range(self.options.steps):
            yield


class Seeding(Plain):
    """Sets torch's seed."""

    def adapt(self, style):
        torch.manual_seed(0)
        super().adapt(style)


class Borrowing(Plain):
    """Draws from numpy's global state, without use."""

    def adapt(self, style):
        np.random.rand()
        super().adapt(style)


class Chatty(Plain):
    """Tells all."""

    def adapt(self, style):
        sys.stderr.write("adapting")
        super().adapt(style)


def no_encoder(name):
    raise unknown("encoder", name, ())


@pytest.fixture
def context():
    return Context(torch.device("cpu"), Precision(), collect([]), no_encoder)


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("cls", [Good, Plain])
def test_good_methods_pass(cls, check, context):
    check(conformance.factory(cls, context))


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Misnamed, conformance.describes_itself, "'Bad_Name': use lower-case"),
        (Uncited, conformance.describes_itself, "citation is empty"),
        (Undocumented, conformance.describes_itself, "no docstring"),
        (Thawed, conformance.describes_itself, "frozen=True"),
        (Helpless, conformance.describes_itself, "option steps has no help"),
        (Narrow, conformance.gives_pictures, r"\(1, 3, 48, 47\) for a content of \(1, 3, 48, 48\)"),
        (Loud, conformance.gives_pictures, "clamp"),
        (Empty, conformance.gives_pictures, "NaN"),
        (Double, conformance.gives_pictures, "return float32"),
        (Attached, conformance.gives_pictures, "detach"),
        (Halved, conformance.runs_in_bfloat16, "bfloat16: return float32"),
        (Even, conformance.takes_odd_sizes, r"\(1, 3, 64, 44\)"),
        (Whimsical, conformance.is_deterministic, "from torch only"),
        (Grabbing, conformance.leaves_inputs_alone, "content was changed in place"),
        (Staining, conformance.leaves_inputs_alone, "style was changed in place"),
        (Lazy, conformance.leaves_inputs_alone, "shares memory with the content"),
        (Faithful, conformance.forgets_styles, "adapt must start anew"),
        (Drifting, conformance.forgets_contents, "must not change the method"),
        (Mixing, conformance.stylizes_batches_as_singles, "mix pictures"),
        (Late, conformance.iterates_from_step_zero, "stylize 1 steps"),
        (Seeding, conformance.leaves_global_state_alone, "torch's seed was changed"),
        (Borrowing, conformance.leaves_global_state_alone, "numpy.random was changed"),
        (Whimsical, conformance.leaves_global_state_alone, "the state of random was changed"),
        (Chatty, conformance.prints_nothing, "printed 'adapting'"),
    ],
)
def test_each_fault_is_found(cls, check, words, context):
    with pytest.raises(AssertionError, match=words):
        check(conformance.factory(cls, context))


def test_missing_weights_are_the_user_s_to_get(context):
    with pytest.raises(BenchError, match="get them from the moon"):
        conformance.has_its_weights(conformance.factory(Unweighted, context))


def test_a_method_that_is_not_ready_at_step_zero_is_found(context):
    with pytest.raises(AttributeError, match="mean"):
        conformance.iterates_from_step_zero(conformance.factory(Unready, context))


def test_the_factory_makes_fresh_methods_with_few_steps(context):
    make = conformance.factory(Good, context)
    assert make() is not make()
    assert make().options == Options(steps=2)
