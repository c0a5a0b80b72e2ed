"""`bench gate`: two versions side by side on one machine, judged by the ratios of their turns.

The noise of the turns' A/A control is the least floor of the verdict. Two processes with the same
code may differ a little in how their memory happens to lie. So an effect of half the floor is
looked at again in a second pair of fresh processes: it counts where the two together are above the
floor, and each of them above half of it.

No torch here: it is the workers that import it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.compare import difference
from bench.compare.comparison import Compared, Comparison, summary
from bench.compare.difference import Difference
from bench.compare.revisions import Side, resolve
from bench.compare.tasks import GateRule, TimedTask, setting_of
from bench.compare.turns import Rounds, measure_pair, noise_of, worker_folder


@dataclass
class Gated(Compared):
    """A verdict of the gate.

    Attributes:
        noise: what the A/A control says, a share.
        rounds: how many were measured.
        launches: by how many pairs of processes.
        waited: the share of time that the calls were kept waiting for a core.
        libraries: what the new version ran on.
    """

    noise: float = math.nan
    rounds: int = 0
    launches: int = 0
    waited: float = 0.0
    libraries: Mapping[str, Any] = field(default_factory=dict)


def compare_versions(
    base: str,
    new: str,
    tasks: Sequence[TimedTask],
    rule: GateRule | None = None,
    *,
    seed: int = 0,
    quiet: bool = True,
) -> Comparison:
    """Measure two versions side by side, and give every task its verdict.

    Args:
        base, new: see `bench.compare.revisions.resolve`.
        tasks: what to time.
        rule: how long, and what counts.
        seed: of the order of turns.
        quiet: no progress bar.

    Raises:
        BenchError: a version is not there, or cannot run a task.
    """
    rule = rule or GateRule()
    rows: list[Compared] = []
    with worker_folder() as folder:
        sides = [resolve(text, folder / name) for text, name in ((base, "base"), (new, "new"))]
        for task in tasks:
            runs = [(side, task) for side in sides]
            verdict = functools.partial(paired_difference, rule=rule)
            rows.append(look_twice(task, runs, verdict, folder, rule, seed, quiet))
    labels = [f"base {sides[0].label}", f"new {sides[1].label}"]
    return Comparison([summary("bench gate", rows), *labels, setting_of(tasks)], rows, [], [])


def look_twice(
    task: TimedTask,
    runs: Sequence[tuple[Side, TimedTask]],
    verdict: Callable[[Sequence[Rounds]], Difference],
    folder: Path,
    rule: GateRule,
    seed: int,
    quiet: bool,
) -> Gated:
    """Time two workers in turn, and once more in fresh processes where they may differ.

    What the first pair of processes shows is off by what they owe to their own memory's layout: of
    an effect of 5 % it may show 3. So half the floor is enough to look again; both together must
    then be above the floor, and each above its half.
    """
    taken = [measure_pair(runs, folder, rule, seed, quiet)]
    result = verdict(taken)
    if result.exceeds(result.floor / 2):
        taken.append(measure_pair(runs, folder, rule, seed + 1, quiet))
        result, each = verdict(taken), [verdict([rounds]) for rounds in taken]
        agreed = all(
            one.exceeds(result.floor / 2) and (one.ratio > 1) == (result.ratio > 1) for one in each
        )
        if not agreed and any(one.beyond for one in (result, *each)):
            result = result._replace(verdict="AMBIGUOUS")
    waited = float(np.mean([rounds.waited for rounds in taken]))
    rounds_ = sum(len(rounds.base) for rounds in taken)
    noise = noise_of(taken)
    notes = [
        f"{rounds_} rounds in {len(taken)} pair{'s' * (len(taken) > 1)} of processes; A/A noise"
        f" {100 * noise:.1f} %"
        + f"; other processes held the core {100 * waited:.0f} % of the time"
        * (waited > 0.02)
    ]
    return Gated(
        task.method,
        task.size,
        task.scope,
        float(np.median([s for rounds in taken for s in rounds.base])),
        float(np.median([s for rounds in taken for s in rounds.new])),
        result,
        notes,
        noise,
        rounds_,
        len(taken),
        waited,
        taken[0].libraries[1],
    )


def paired_difference(taken: Sequence[Rounds], rule: GateRule) -> Difference:
    """The verdict on all rounds of the pairs of processes, by their ratios."""
    ratios = [ratio for rounds in taken for ratio in rounds.ratios()]
    return difference.paired(ratios, max(rule.threshold, noise_of(taken)), rule.bias)
