"""An anchor's transfer."""

import torch

from bench.contract import Context, Precision, phases
from bench.plugins import registry
from bench.store import collect

METHODS = registry.load().methods


def transfer(name, style, content):
    """What an anchor makes of a content; it takes no step of adaptation."""
    method = METHODS[name](Context(torch.device("cpu"), Precision(), collect([]), None))
    method.load()
    assert phases.adapt(method, style) == 0
    return phases.stylize(method, content)
