"""Studies: questions that a few bench commands answer, one after the other.

A study is its list of commands, so that it can be read, stopped, gone on with and done by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

SECOND_DERIVATIVES = 3
"""What an inner step costs that is differentiated again, in plain gradients (measured)."""


@dataclass(frozen=True)
class Setting:
    """What a study is given.

    Attributes:
        folder: where everything goes.
        content: folders or files of training photographs.
        style: folders or files of training styles.
        size: side of the crops in pixels, in training and in adaptation.
        budget: gradients per arm, each of a batch of two crops.
        start: weights that all arms start from; None: made first, with as many gradients.
        machine: arguments that every command is given (threads, device, precision, seed).
    """

    folder: Path
    content: Sequence[str]
    style: Sequence[str]
    size: int
    budget: int
    start: Path | None
    machine: Sequence[str]


@dataclass(frozen=True)
class Step:
    """One command of a study.

    Attributes:
        words: the command line after `bench`.
        makes: the file or folder that it makes.
    """

    words: Sequence[str]
    makes: Path


@dataclass(frozen=True)
class Study:
    """A study by its question and its commands."""

    question: str
    steps: Callable[[Setting], Sequence[Step]]


ADAM: Mapping[str, object] = {
    "inner": "adam",
    "inner_moves": "all",
    "inner_lr": 1e-3,
    "inner_steps": 10,
    "contents": "fresh",
}
"""An inner rule that is the adaptation's own: Adam on everything, a new batch at each step."""

ABLATIONS: Mapping[str, Mapping[str, object]] = {
    "plain": {"rule": "plain"},
    "second-order": {},
    "first-order": {"rule": "first-order"},
    "two-steps": {"inner_steps": 2},
    "five-steps": {"inner_steps": 5},
    "all-parameters": {"inner_moves": "all", "inner_lr": 0.02},
    "fresh-contents": {"contents": "fresh"},
    "first-order-adam": {"rule": "first-order", **ADAM},
    "reptile-sgd": {"rule": "reptile", "inner_steps": 5, "contents": "fresh", "outer_lr": 0.3},
    "reptile-adam": {"rule": "reptile", **ADAM, "outer_lr": 0.3},
}
"""Arms of `metastyle-ablations`: what each changes of the paper's rule (`second-order`)."""


def gradients(arm: Mapping[str, object]) -> int:
    """What one outer step of an arm costs, in plain gradients of two crops, two styles a step."""
    rule = arm.get("rule", "second-order")
    if rule == "plain":
        return 2
    inner = int(str(arm.get("inner_steps", 1)))
    each = SECOND_DERIVATIVES if rule == "second-order" else 1
    return 2 * (inner * each + (rule != "reptile"))


def ablations(setting: Setting) -> Sequence[Step]:
    """Train every arm from one start with one budget of gradients, adapt all, compare."""
    training = ["train", "metastyle"]
    for kind, paths in (("content", setting.content), ("style", setting.style)):
        for path in paths:
            training += [f"--{kind}", path]

    if setting.budget < (least := max(map(gradients, ABLATIONS.values()))):
        raise BenchError(
            f"--budget {setting.budget} is not one step of every arm: give at least {least}, or "
            "the 1500 that it is by default"
        )

    def train(name: str, steps: int, **values: object) -> Step:
        out = setting.folder / f"{name}.safetensors"
        chosen = {"size": setting.size, "style_size": 2 * setting.size, **values}
        pairs = [w for key, v in chosen.items() for w in ("--option", f"metastyle.{key}={v}")]
        words = [*training, "--out", str(out), "--steps", str(steps), *pairs, *setting.machine]
        return Step(words, out)

    steps = []
    start = setting.start
    if start is None:
        count = setting.budget // gradients({"rule": "plain"})
        steps.append(train("start", count, warm_steps=count))
        start = steps[0].makes
    run = ["run", "--profile", "quick", "--contents", "2", "--observe", "0,1,2,5,10,20,50,100"]
    run += ["--size", str(2 * setting.size)]  # as the styles were seen in training
    run += ["--metric", "perceptual", "--metric", "gram/1@vgg16-bsds"]
    for name, arm in ABLATIONS.items():
        count = setting.budget // gradients(arm)
        steps.append(train(name, count, **arm, start=start, warm_steps=0))
        run += ["--method", f"{name}=metastyle", "--option", f"{name}.steps=100"]
        run += ["--option", f"{name}.weights={steps[-1].makes}"]
        run += ["--option", f"{name}.size={setting.size}"]
    runs = setting.folder / "runs"
    return [*steps, Step([*run, "--runs", str(runs), *setting.machine], runs)]


STUDIES: Mapping[str, Study] = {
    "metastyle-ablations": Study(
        "which part of MetaStyle's meta-training makes adaptation better", ablations
    ),
}
