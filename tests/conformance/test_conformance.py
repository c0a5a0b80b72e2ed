"""Each check of the conformance suite finds the fault that it is there for, and no other does."""

import dataclasses
import functools
import importlib
import json
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
from PIL import Image
from torch import nn

from bench import Dataset, Encoder, Method, Metric, Picture, Weights, conformance, option
from bench.cli import main
from bench.plugins import registry


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


class Seeding(Plain):
    """Sets torch's seed."""

    def adapt(self, style):
        torch.manual_seed(0)
        super().adapt(style)


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


class Failing(Plain):
    """Has an error."""

    def stylize(self, content):
        return content @ torch.zeros(7)


LOADED = registry.load()
CONTEXT = conformance.context(LOADED, torch.device("cpu"))


def outcomes(kind, thing, **given):
    """What `bench check` says of one thing."""
    loaded = dataclasses.replace(LOADED, **{kind: {"thing": thing}})
    return list(conformance.run(conformance.cases_of(loaded, kind, "thing", CONTEXT, given)))


def failures(kind, thing, **given):
    return {
        outcome.case.check.__name__: outcome.message
        for outcome in outcomes(kind, thing, **given)
        if outcome.status not in ("passed", "not run")
    }


@pytest.mark.parametrize("cls", [Good, Plain])
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
        (Failing, "runs", "(test_conformance.py:"),
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
        (Mixing, "stylizes_batches_as_singles", "mix pictures"),
        (Seeding, "leaves_global_state_alone", "a global seed: torch.manual_seed (test_conf"),
        (Borrowing, "leaves_global_state_alone", "numpy.random was changed"),
        (Dicing, "leaves_global_state_alone", "the state of random was changed: random numbers"),
        (Sleepy, "owns_no_clock", "time.sleep (test_conformance.py:"),
        (Measuring, "owns_no_clock", "time.perf_counter (test_conformance.py:"),
        (Measuring, "owns_no_clock", "datetime.now (test_conformance.py:"),
        (Hosted, "keeps_to_its_device", "conv2d mixes a tensor on the device with one on the host"),
        (Unplaced, "keeps_to_its_device", "self.context.place(module) in load (test_conformance"),
        (Returning, "keeps_to_its_device", "leave it on self.context.device"),
        (Arrayed, "keeps_to_its_device", "bring it to the host first, with .cpu()"),
        (Secretive, "records_its_options", "os.environ['SHARE'] (test_conformance.py:"),
        (Extra, "records_its_options", "__init__ takes share"),
        (Rounding, "records_its_options", "let Options change no value"),
        (Reading, "touches_only_declared_files", "test_conformance.py (test_conformance.py:"),
        (Chatty, "prints_nothing", "printed 'adapting'"),
    ],
)
def test_each_fault_is_found_by_its_own_check_and_by_no_other(cls, check, words):
    found = failures("methods", cls)
    assert list(found) == [check]
    assert words in found[check]
    assert "\n" not in found[check]


def test_options_that_no_run_could_record_are_refused_when_the_plugin_is_loaded(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("""
from dataclasses import dataclass
from bench import Method, hookimpl, option

@dataclass(frozen=True)
class Options:
    layers: tuple[str, ...] = option(("a",), "layers")

class Mine(Method):
    name, family, Options = "mine", "arbitrary", Options
    def stylize(self, content): return content

@hookimpl
def bench_methods(): return [Mine]
""")
    (broken,) = registry.load([str(file)]).broken
    assert broken.cause == (
        "option layers of mine is tuple[str, ...], which no command line gives and no run records: "
        "use int, float, bool, str, a Literal of these, or one of them | None"
    )
    file.write_text(file.read_text().replace("tuple[str, ...]", "int").replace('("a",)', '"a"'))
    assert "mine.layers=a is not a whole number" in registry.load([str(file)]).broken[0].cause
    file.write_text(file.read_text().replace('"a"', "1").replace('"mine"', '"My_Method"'))
    assert "'My_Method': use lower-case" in registry.load([str(file)]).broken[0].cause


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


def test_what_cannot_be_simulated_is_said_and_is_no_failure():
    class Generating(Plain):
        """A generator on the device."""

        def stylize(self, content):
            torch.Generator(device=content.device)
            return super().stylize(content)

    (unseen,) = (o for o in outcomes("methods", Generating) if o.status != "passed")
    assert (unseen.status, unseen.case.check.__name__) == ("unseen", "keeps_to_its_device")
    assert "check on a machine that has one, with --device" in unseen.message


def test_what_a_program_keeps_for_a_device_lies_there_at_the_next_check_too():
    @functools.cache
    def halves(device):
        return torch.full((1, 3, 1, 1), 0.5, device=device)

    class Keeping(Plain):
        """Makes its constant once for each device."""

        def stylize(self, content):
            return content * halves(content.device) + self.mean * 0.5

    for _ in range(2):
        assert failures("methods", Keeping) == {}
    assert halves.cache_info().misses == 2  # of the host and of the simulated device


# metrics


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


# datasets


def picture(name, grey):
    return Picture(name, lambda: Image.new("RGB", (20, 20), (grey,) * 3), fingerprint=str(grey))


class Greys(Dataset):
    """Grey pictures."""

    name = "greys"

    def contents(self):
        return [picture("a", 1), picture("b", 2)]

    def styles(self):
        return [picture("c", 3)]


class Bare(Greys):
    """No style."""

    def styles(self):
        return []


class Twins(Greys):
    """One name for two pictures."""

    def contents(self):
        return [picture("a", 1), picture("A", 2)]


class Unmarked(Greys):
    """No fingerprint."""

    def styles(self):
        return [dataclasses.replace(picture("c", 3), fingerprint="")]


class Greyscale(Greys):
    """Not RGB."""

    def styles(self):
        return [dataclasses.replace(picture("c", 3), read=lambda: Image.new("L", (20, 20)))]


class Leaking(Greys):
    """Adapts on a content."""

    def adaptation(self):
        return [picture("z", 2)]


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Bare, "lists_pictures", "styles() is empty"),
        (Twins, "lists_pictures", "contents() gives A and a more than once"),
        (Unmarked, "fingerprints_pictures", "has no fingerprint"),
        (Greyscale, "reads_pictures", "gives L: give an RGB"),
        (Leaking, "adapts_on_nothing_that_is_evaluated", "has contents in it (z)"),
    ],
)
def test_each_fault_of_a_dataset_is_found(cls, check, words):
    assert failures("datasets", Greys) == {}
    found = failures("datasets", cls)
    assert list(found) == [check]
    assert words in found[check]


# encoders


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        for parameter in self.conv.parameters():
            nn.init.constant_(parameter, 0.1)

    def forward(self, picture):
        return [picture * 2, self.conv(picture)]


class Pair(Encoder):
    """Two taps."""

    taps, content_tap, citation = ("a", "b"), "b", "this test"
    network = Net

    def build(self):
        return self.network()

    @property
    def weights(self):
        return Weights(__file__, None, "this file", "MIT")


class Short(Net):
    def forward(self, picture):
        return super().forward(picture)[:1]


class Random(Net):
    def __init__(self):
        super().__init__()
        nn.init.normal_(self.conv.weight)


class Normed(Net):
    def forward(self, picture):
        return super().forward(picture - picture.mean())


class Cut(Net):
    def forward(self, picture):
        return super().forward(picture.detach())


class Inplace(Net):
    def forward(self, picture):
        return super().forward(picture.data.add_(1) * 0 + picture)


@pytest.mark.parametrize(
    ("network", "check", "words"),
    [
        (Short, "gives_one_map_per_tap", "1 maps for 2 taps"),
        (Random, "is_deterministic", "tap b differs between two builds"),
        (Normed, "treats_pictures_apart", "let no statistic mix pictures"),
        (Cut, "passes_gradients", "leave no_grad and detach out"),
        (Inplace, "leaves_inputs_alone", "changed in place"),
    ],
)
def test_each_fault_of_an_encoder_is_found(network, check, words):
    assert failures("encoders", Pair()) == {}
    cls = type("Faulty", (Pair,), {"network": network, "__doc__": "A fault."})
    found = failures("encoders", cls())
    assert list(found) == [check]
    assert words in found[check]


# the command

SHADE = """
from bench import Method, hookimpl

class Shade(Method):
    "Half of everything."
    name, family, citation = "shade", "arbitrary", "nobody"
    def stylize(self, content): return content * 0.5

@hookimpl
def bench_methods(): return [Shade]
"""


@pytest.fixture
def shade(tmp_path):
    file = tmp_path / "shade.py"
    file.write_text(SHADE)
    return file


@pytest.mark.parametrize("as_module", [False, True])
def test_check_a_file_and_a_module(shade, as_module, capsys, monkeypatch):
    monkeypatch.syspath_prepend(shade.parent)
    monkeypatch.delitem(sys.modules, "shade", raising=False)
    assert main(["check", "shade" if as_module else str(shade)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "method shade"
    assert "  ok    gives pictures" in lines
    assert lines[-1] == f"{len(conformance.CHECKS['methods'])} checks: all passed"


def test_check_says_what_is_wrong_and_fails(shade, capsys):
    shade.write_text(SHADE.replace("content * 0.5", "content * 3"))
    assert main(["check", str(shade), "--quick"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  gives pictures: values from" in out
    assert "takes odd sizes" not in out
    assert "1 failed" in out.splitlines()[-1]


def test_check_as_json_for_ci(shade, capsys):
    shade.write_text(SHADE.replace("return content", "print('x'); return content"))
    assert main(["check", str(shade), "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["check"] for row in rows if row["status"] == "failed"] == ["prints_nothing"]
    assert {row["name"] for row in rows} == {"shade"}


def test_check_built_in_things_by_name(capsys):
    assert (
        main(["check", "identity", "ssim", "synthetic", "methods.style-copy".replace("-", "_")])
        == 0
    )
    out = capsys.readouterr().out
    for heading in ("method identity", "metric ssim/1", "dataset synthetic", "method style-copy"):
        assert heading in out.splitlines()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("identiy", "unknown plugin 'identiy'; did you mean"),
        ("gone", "(for your own: the path of its .py file)"),
        ("gone.py", "no such file"),
        ("json", "it has no hook"),
    ],
)
def test_check_of_nothing_is_one_line(target, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["check", target]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_seed_is_found_when_torchs_compiler_is_loaded():
    """It wraps torch.manual_seed, so that torch's own code stands between."""
    importlib.import_module("torch._dynamo")
    found = failures("methods", Seeding)["leaves_global_state_alone"]
    assert "a global seed: torch.manual_seed (test_conf" in found
