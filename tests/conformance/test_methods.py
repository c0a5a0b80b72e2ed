"""Each check of methods finds the fault that it is for, and only that; good ones pass."""

import dataclasses
import os
import random
import secrets
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.checked import (
    Good,
    Plain,
    Seeding,
    failures,
    outcomes,
)
from torch import nn

from bench import Strength, Weights, option


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
        self.eye = torch.eye(3, device=self.context.device).view(3, 3, 1, 1)

    def stylize(self, content):
        return torch.conv2d(super().stylize(content), self.eye)


class Whimsical(Plain):
    """Another source of randomness than torch's."""

    def stylize(self, content):
        return super().stylize(content) * (secrets.randbelow(10**6) / 10**6)


class Dicing(Plain):
    """Python's source of randomness."""

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


class Silent(Good):
    """A generator that yields nothing."""

    def adapt(self, style):
        super().adapt(style)
        return
        yield


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


class Sleepy(Plain):
    """Waits."""

    def adapt(self, style):
        time.sleep(0)
        super().adapt(style)


class Measuring(Plain):
    """Has a clock of its own, under another name."""

    clock = staticmethod(time.perf_counter)

    def stylize(self, content):
        self.clock()
        datetime.now()
        return super().stylize(content)


class Hosted(Plain):
    """A kernel that stays on the host."""

    def load(self):
        self.kernel = torch.eye(3).view(3, 3, 1, 1)

    def stylize(self, content):
        with torch.autocast(content.device.type, enabled=False):
            return torch.conv2d(super().stylize(content).float(), self.kernel)


class Returning(Plain):
    """A picture that comes back to the host."""

    def stylize(self, content):
        return super().stylize(content).cpu()


class Arrayed(Plain):
    """numpy of what lies on the device."""

    def stylize(self, content):
        return torch.from_numpy(super().stylize(content).numpy().copy())


class Unplaced(Plain):
    """A module that is not moved."""

    def load(self):
        self.pool = nn.Conv2d(3, 3, 1, bias=False).requires_grad_(False)
        nn.init.dirac_(self.pool.weight)

    def stylize(self, content):
        with torch.autocast(content.device.type, enabled=False):
            return self.pool(super().stylize(content).float())


class Secretive(Plain):
    """An option that comes by the environment."""

    def load(self):
        self.share = float(os.environ.get("SHARE", "0.5"))


class Extra(Plain):
    """An option that is an argument."""

    def __init__(self, context, options=None, share=0.5):
        super().__init__(context, options)


class Rounding(Plain):
    """Options that change what they are given."""

    @dataclasses.dataclass(frozen=True)
    class Options:
        """Adds one each time."""

        count: int = option(0, "a number")

        def __post_init__(self):
            object.__setattr__(self, "count", self.count + 1)


class Reading(Plain):
    """A file that is not declared."""

    def load(self):
        self.text = Path(__file__).read_text(encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Much:
    """How strongly."""

    much: float = option(0.5, "how much", low=0, high=1)


class Sharing(Plain):
    """A strength that stylizing alone reads."""

    Options = Much
    strength = Strength("much", (0.2, 0.8), adapts=False)

    def stylize(self, content):
        return content * (1 - self.options.much) + self.mean * self.options.much


class Hoarding(Sharing):
    """Says so too, and adapts by its strength."""

    def adapt(self, style):
        super().adapt(style * self.options.much)


class Failing(Plain):
    """Has an error."""

    def stylize(self, content):
        return content @ torch.zeros(7)


@pytest.mark.parametrize("cls", [Good, Plain, Sharing])
def test_good_methods_pass(cls):
    assert {outcome.status for outcome in outcomes("methods", cls)} == {"passed"}


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Uncited, "describes_itself", "citation is empty"),
        (Undocumented, "describes_itself", "no docstring"),
        (Thawed, "describes_itself", "frozen=True"),
        (Helpless, "describes_itself", "option steps has no help"),
        (Unweighted, "has_its_weights", "get them from the moon"),
        (Failing, "runs", "RuntimeError: "),
        (Failing, "runs", "(test_methods.py:"),
        (Silent, "runs", "adapt must yield once when it is ready"),
        (Late, "iterates_from_step_zero", "stylize 1 steps"),
        (Unready, "iterates_from_step_zero", "cannot stylize yet (AttributeError: "),
        (Narrow, "gives_pictures", "(1, 3, 48, 47) for a content of (1, 3, 48, 48)"),
        (Loud, "gives_pictures", "clamp"),
        (Empty, "gives_pictures", "NaN"),
        (Double, "gives_pictures", "return float32"),
        (Attached, "gives_pictures", "detach"),
        (Halved, "runs_in_bfloat16", "bfloat16: return float32"),
        (Even, "takes_odd_sizes", "(1, 3, 64, 44)"),
        (Whimsical, "is_deterministic", "from torch only"),
        (Grabbing, "leaves_inputs_alone", "content was changed in place"),
        (Staining, "leaves_inputs_alone", "style was changed in place"),
        (Lazy, "leaves_inputs_alone", "shares memory with the content"),
        (Faithful, "forgets_styles", "adapt must start anew"),
        (Drifting, "forgets_contents", "must not change the method"),
        (Hoarding, "shares_its_adaptation", "another much takes another adaptation"),
        (Mixing, "stylizes_batches_as_singles", "mix pictures"),
        (Seeding, "leaves_global_state_alone", "a global seed: torch.manual_seed (checked.py"),
        (Borrowing, "leaves_global_state_alone", "numpy.random was changed"),
        (Dicing, "leaves_global_state_alone", "the state of random was changed: random numbers"),
        (Sleepy, "owns_no_clock", "time.sleep (test_methods.py:"),
        (Measuring, "owns_no_clock", "time.perf_counter (test_methods.py:"),
        (Measuring, "owns_no_clock", "datetime.now (test_methods.py:"),
        (Hosted, "keeps_to_its_device", "conv2d mixes a tensor on the device with one on the host"),
        (Unplaced, "keeps_to_its_device", "self.context.place(module) in load (test_methods"),
        (Returning, "keeps_to_its_device", "leave it on self.context.device"),
        (Arrayed, "keeps_to_its_device", "bring it to the host first, with .cpu()"),
        (Secretive, "records_its_options", "os.environ['SHARE'] (test_methods.py:"),
        (Extra, "records_its_options", "__init__ takes share"),
        (Rounding, "records_its_options", "let Options change no value"),
        (Reading, "touches_only_declared_files", "test_methods.py (test_methods.py:"),
        (Chatty, "prints_nothing", "printed 'adapting'"),
    ],
)
def test_each_fault_is_found_by_its_own_check_and_by_no_other(cls, check, words):
    found = failures("methods", cls)
    assert list(found) == [check]
    assert words in found[check]
    assert "\n" not in found[check]


def test_declared_weights_and_paths_among_the_options_may_be_opened(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Paths:
        file: str = option("", "a file", path=True)

    class Opening(Plain):
        """Opens what it is given."""

        Options = Paths

        def load(self):
            self.text = Path(self.options.file).read_text(encoding="utf-8")

    file = tmp_path / "x.txt"
    file.write_text("")
    assert failures("methods", Opening, file=str(file)) == {}
