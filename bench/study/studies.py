"""Studies: questions that a few bench commands answer, one after the other.

A study is its list of commands, so that it can be read, stopped, gone on with and done by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.study import judges

SECOND_DERIVATIVES = 3
"""What an inner step costs that is differentiated again, in plain gradients (measured)."""


@dataclass(frozen=True)
class Setting:
    """What a study is given.

    Attributes:
        folder: where everything goes.
        content: folders or files of photographs: those to train on, or to stylize.
        style: folders or files of styles.
        size: side of the pictures in pixels; None: the study's own.
        budget: gradients per arm, or optimisation steps per picture; None: the study's own.
        start: weights that all arms start from; None: made first, with as many gradients.
        machine: arguments that every command is given (threads, device, precision, seed).
        metrics: arguments that choose metrics; none: all.
    """

    folder: Path
    content: Sequence[str]
    style: Sequence[str]
    size: int | None
    budget: int | None
    start: Path | None
    machine: Sequence[str]
    metrics: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """One command of a study.

    Attributes:
        words: the command line after `bench`.
        makes: the file or folder that it makes.
    """

    words: Sequence[str]
    makes: Path


def waves(steps: Sequence[Step]) -> Sequence[Sequence[Step]]:
    """Steps in groups that follow one another: those of a group need nothing that it makes."""
    found: list[list[Step]] = []
    for step in steps:
        needs = [any(str(other.makes) in word for other in wave for word in step.words)
                 for wave in found]  # fmt: skip
        place = len(needs) - needs[::-1].index(True) if True in needs else 0
        found += [[]] * (place == len(found))
        found[place] = [*found[place], step]
    return found


@dataclass(frozen=True)
class Study:
    """A study by its question, its commands, and what is printed at the end."""

    question: str
    steps: Callable[[Setting], Sequence[Step]]
    conclude: Callable[[Setting], str] | None = None


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
    if not (setting.content and setting.style):
        raise BenchError("metastyle-ablations trains on pictures of yours: --content and --style")
    training = ["train", "metastyle", *_pictures(setting)]
    size, budget = setting.size or 64, setting.budget or 1500
    if budget < (least := max(map(gradients, ABLATIONS.values()))):
        raise BenchError(
            f"--budget {budget} is not one step of every arm: give at least {least}, or "
            "the 1500 that it is by default"
        )

    def train(name: str, steps: int, **values: object) -> Step:
        out = setting.folder / f"{name}.safetensors"
        chosen = {"size": size, "style_size": 2 * size, **values}
        pairs = [w for key, v in chosen.items() for w in ("--option", f"metastyle.{key}={v}")]
        words = [*training, "--out", str(out), "--steps", str(steps), *pairs, *setting.machine]
        return Step(words, out)

    steps = []
    start = setting.start
    if start is None:
        count = budget // gradients({"rule": "plain"})
        steps.append(train("start", count, warm_steps=count))
        start = steps[0].makes
    run = ["run", "--profile", "quick", "--contents", "2", "--observe", "0,1,2,5,10,20,50,100"]
    run += ["--size", str(2 * size)]  # as the styles were seen in training
    run += ["--metric", "perceptual", "--metric", "gram/1@vgg16-bsds"]
    for name, arm in ABLATIONS.items():
        count = budget // gradients(arm)
        steps.append(train(name, count, **arm, start=start, warm_steps=0))
        run += ["--method", f"{name}=metastyle", "--option", f"{name}.steps=100"]
        run += ["--option", f"{name}.weights={steps[-1].makes}"]
        run += ["--option", f"{name}.size={size}"]
    runs = setting.folder / "runs"
    return [*steps, Step([*run, "--runs", str(runs), *setting.machine], runs)]


def _pictures(setting: Setting) -> list[str]:
    named = (("content", setting.content), ("style", setting.style))
    return [word for kind, paths in named for path in paths for word in (f"--{kind}", path)]


def judging(setting: Setting) -> Sequence[Step]:
    """Stylize with Gatys' method at several budgets, degrade the best, judge everything."""
    size, budget = setting.size or 128, setting.budget or 300
    few = [] if setting.content or setting.style else ["--contents", "3", "--styles", "4"]
    chosen = [*_pictures(setting), *few, "--size", str(size)]
    stylized, degraded, scored = (setting.folder / n for n in ("stylized", "pictures", "runs"))
    run = ["run", "--profile", "smoke", "--metric", "ssim", "--runs", str(stylized), *chosen]
    for percent in judges.STEPS:
        name = f"steps-{percent}"
        steps = max(1, round(budget * percent / 100))
        run += ["--method", f"{name}=gatys", "--option", f"{name}.steps={steps}"]
    degrade = ["degrade", "--runs", str(stylized), "--method", judges.GOOD, "--out", str(degraded)]
    rows = sorted({row for check in judges.CHECKS for row in check.order} - {"identity"})
    score = ["score", *(f"{row}={degraded / row}" for row in rows), "--runs", str(scored), *chosen]
    return [
        Step([*run, *setting.machine], stylized),
        Step(degrade, degraded),
        Step([*score, *(setting.metrics or ("--metric", "all")), *setting.machine], scored),
    ]


def judged(setting: Setting) -> str:
    """How often each metric is right."""
    from bench import results

    return judges.render(results.latest(setting.folder / "runs"))


STUDIES: Mapping[str, Study] = {
    "judges": Study("which metrics order known degradations rightly", judging, judged),
    "metastyle-ablations": Study(
        "which part of MetaStyle's meta-training makes adaptation better", ablations
    ),
}
