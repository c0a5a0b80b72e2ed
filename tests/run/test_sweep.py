"""`bench run --sweep`: a row for each strength, and what a plugin may declare."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bench import Method, Strength, cli, option, results
from bench.plugins import registry
from bench.plugins.validation import CHECKS

RUN = ["run", "--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]
PLUGIN = '''
from dataclasses import dataclass
from bench import Method, Strength, hookimpl, option

@dataclass(frozen=True)
class Options:
    much: float = option(0.5, "how much")
    other: int = option(1, "another")

class Mix(Method):
    """Between both."""
    name = "mix"
    family = "arbitrary"
    citation = "a test"
    Options = Options
    strength = Strength("much", (0.25, 0.5, 1.0))

    def adapt(self, style):
        self.mean = style.mean((2, 3), keepdim=True)

    def stylize(self, content):
        return (1 - self.options.much) * content + self.options.much * self.mean

@hookimpl
def bench_methods():
    return [Mix]
'''


@pytest.fixture
def methods(tmp_path, monkeypatch, capsys):
    """Run with these words; the rows and their options."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mix.py").write_text(PLUGIN)

    def make(*words, status=0):
        assert cli.main([*RUN, "--plugin", "mix.py", "--metric", "ssim", *words]) == status
        if status:
            return capsys.readouterr().err
        run = results.read_run(results.latest(tmp_path / "runs"))
        return {name: dict(each.options) for name, each in run.methods.items()}

    return make


def test_every_other_strength_is_a_row(methods):
    found = methods("--method", "mix", "--sweep")
    assert {name: options["much"] for name, options in found.items() if "much" in options} == {
        "mix": 0.5, "mix-0p25": 0.25, "mix-1": 1.0,
    }  # fmt: skip


def test_a_rows_own_options_go_with_it(methods):
    found = methods(
        "--method", "one=mix", "--option", "one.other=7", "--option", "one.much=1", "--sweep"
    )
    assert {n: (o["much"], o["other"]) for n, o in found.items() if "much" in o} == {
        "one": (1.0, 7), "one-0p25": (0.25, 7), "one-0p5": (0.5, 7),
    }  # fmt: skip


def test_a_sweep_of_nothing_is_an_error(methods):
    assert "no method that is asked for has a strength" in methods(
        "--method", "identity", "--sweep", status=1
    )


def test_built_in_strengths_are_options_with_values_in_range():
    swept = [cls for cls in registry.load().methods.values() if cls.strength is not None]
    assert {cls.name for cls in swept} >= {"adain", "wct", "avatar-net", "gatys", "metastyle"}


@dataclass(frozen=True)
class _Options:
    much: float = option(0.5, "how much", low=0, high=1)


@pytest.mark.parametrize(
    ("strength", "message"),
    [
        (Strength("much", (0.5,)), "of two values or more"),
        (Strength("more", (0.5, 1.0)), "unknown option of mix"),
        (Strength("much", (0.5, 2.0)), "out of range"),
        ("much", "must be a bench.Strength"),
    ],
)
def test_a_wrong_strength_is_refused_in_words(strength, message):
    class Mix(Method):
        name, family, citation = "mix", "arbitrary", "a test"
        Options = _Options

        def stylize(self, content):
            return content

    Mix.strength = strength
    with pytest.raises(Exception, match=message):
        CHECKS["methods"](Mix)
