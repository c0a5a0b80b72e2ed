"""Phases that iterate and phases that do not, driven alike."""

import pytest
import torch

from bench import Method
from bench.contract import Context, Precision, phases
from bench.errors import BenchError

CONTEXT = Context(torch.device("cpu"), Precision("bfloat16"), None, None)
PICTURE = torch.full((1, 3, 2, 2), 0.5)


class AtOnce(Method):
    name, family = "at-once", "arbitrary"

    def adapt(self, style):
        self.style = style

    def stylize(self, content):
        return content * self.style


class Iterating(AtOnce):
    name = "iterating"

    def adapt(self, style):
        self.seen = []
        for _ in range(3):
            self.seen.append(torch.is_autocast_enabled("cpu"))
            yield

    def stylize(self, content):
        for step in (1, 2):
            yield content / step


class Empty(AtOnce):
    name = "empty"

    def adapt(self, style):
        yield from ()

    def stylize(self, content):
        yield from ()


def test_at_once():
    method = AtOnce(CONTEXT)
    phase = phases.adapting(method, PICTURE)
    assert list(phase) == [0]
    assert not phase.iterates
    assert phases.stylize(method, PICTURE).unique().tolist() == [0.25]


def test_steps_are_counted_from_nought_under_the_contexts_arithmetic():
    method = Iterating(CONTEXT)
    phase = phases.adapting(method, PICTURE)
    assert next(phase) == 0
    assert phase.iterates
    assert not torch.is_autocast_enabled("cpu")  # the caller's own code
    assert list(phase) == [1, 2]
    assert method.seen == [True] * 3
    assert phases.adapt(method, PICTURE) == 2
    assert [p.unique().item() for p in phases.stylizing(method, PICTURE)] == [0.5, 0.25]


def test_a_method_without_autocast_computes_in_float32():
    class Exact(Iterating):
        autocast = False

    method = Exact(CONTEXT)
    phases.adapt(method, PICTURE)
    assert method.seen == [False] * 3


def test_a_phase_that_gives_nothing_is_refused():
    method = Empty(CONTEXT)
    with pytest.raises(BenchError, match="'empty': adapt must yield once when it is ready"):
        phases.adapt(method, PICTURE)
    with pytest.raises(BenchError, match="'empty': stylize must yield at least one picture"):
        phases.stylize(method, PICTURE)
