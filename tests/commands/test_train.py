"""`bench train --recipe paper`: what it asks for, and that the docs say the same."""

import re
from dataclasses import asdict

import pytest
from helpers.checkout import ROOT
from PIL import Image

from bench import training
from bench.cli import main
from bench.plugins import registry

METHODS = {name: cls for name, cls in registry.load().methods.items() if cls.training}
RECIPES = {name: cls.training.paper for name, cls in METHODS.items()}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A function that runs the command up to its training, and what that was asked for."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64)).save("one.png")
    seen = []

    def train(task, out, budget, about, **_):
        seen.append((task.options, budget))
        return training.Progress()

    monkeypatch.setattr(training, "train", train)

    def ask(*words):
        pictures = ["--content", "one.png", "--style", "one.png", "--out", "x.safetensors"]
        status = main(["train", *words, *pictures, "--device", "cpu", "--quiet"])
        return status, seen

    return ask


def test_the_paper_s_options_and_steps_are_taken_where_nothing_else_is_said(asked):
    # the loss network of the paper cannot be had everywhere
    status, [(options, budget)] = asked(
        "metastyle", "--recipe", "paper", "--option", "metastyle.encoder=vgg19-quarter",
        "--option", "metastyle.batch=1",
    )  # fmt: skip
    assert status == 0
    wanted = {**RECIPES["metastyle"].options, "encoder": "vgg19-quarter", "batch": 1}
    assert {name: asdict(options)[name] for name in wanted} == wanted
    assert (budget.steps, budget.minutes) == (100_000, None)


@pytest.mark.parametrize(
    ("words", "budget"), [(["--steps", "7"], (7, None)), (["--minutes", "3"], (None, 3.0))]
)
def test_a_budget_of_one_s_own_goes_before(asked, words, budget):
    _, [(_, taken)] = asked("style-swap", "--recipe", "paper", *words)
    assert (taken.steps, taken.minutes) == budget


def test_a_recipe_without_steps_asks_for_them(asked, capsys):
    assert asked("wct", "--recipe", "paper") == (1, [])
    assert "give --minutes or --steps" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ghiasi", "metanet"])
def test_one_style_is_too_few_where_what_differs_is_learned(asked, name, capsys):
    """Its deviation would be no number, and so would all that comes of it."""
    assert asked(name, "--steps", "1") == (1, [])
    assert "--style has one picture: give two at least" in capsys.readouterr().err


@pytest.mark.parametrize("name", METHODS)
def test_every_recipe_has_options_that_there_are(name):
    options = METHODS[name].training.Options(**RECIPES[name].options)
    assert {key: getattr(options, key) for key in RECIPES[name].options} == RECIPES[name].options
    assert options.encoder in registry.load().encoders
    assert options.size == 256


def test_the_docs_have_a_row_for_each_recipe():
    text = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in text.partition("| method | contents")[2].split("\n\n")[0].splitlines()[2:]
    ]
    shown = {row[0]: row[1:] for row in rows}
    assert shown.pop("johnson")[2:5] == ["256", "4", "40,000"]
    assert set(shown) == set(RECIPES)
    for name, (contents, styles, side, batch, steps, source) in shown.items():
        recipe, options = RECIPES[name], METHODS[name].training.Options(**RECIPES[name].options)
        assert [contents, styles] == [recipe.contents, recipe.styles]
        assert [int(side), int(batch)] == [options.size, options.batch]
        assert steps == (f"{recipe.steps:,}" if recipe.steps else "not told")
        assert source == recipe.source
    assert re.search(r"johnson.steps=40000", text)
