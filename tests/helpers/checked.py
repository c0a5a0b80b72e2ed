"""Plugins that pass every check, and what the checks say of one."""

import dataclasses

import torch
from PIL import Image

from bench import Method, Picture, conformance, option
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


class Seeding(Plain):
    """Sets torch's seed."""

    def adapt(self, style):
        torch.manual_seed(0)
        super().adapt(style)


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


def picture(name, grey):
    return Picture(name, lambda: Image.new("RGB", (20, 20), (grey,) * 3), fingerprint=str(grey))
