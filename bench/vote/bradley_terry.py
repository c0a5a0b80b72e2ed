"""What people preferred in a blind test: Bradley-Terry scores from votes. No torch here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.statistics import LEAST, LEVEL
from bench.tables.model import Cell, Section, Table
from bench.tables.text import clean, short
from bench.vote.votes import CHOICES, Vote, read_votes

RESAMPLES = 1000
VIRTUAL_TIES = 1.0
_Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Preference:
    """How one method fared.

    Attributes:
        method: its name.
        value: natural logarithm of its strength; the mean over methods is 0. It is preferred to
            another with odds exp(difference of the two values).
        low, high: the value's 95 % bootstrap interval over styles; NaN for votes on one style.
        wins, ties, losses: counts of votes.
        component: methods of different components are not linked by any chain of votes, so that
            their values do not compare.
    """

    method: str
    value: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int
    component: int


def bradley_terry(
    votes: Iterable[Vote],
    *,
    virtual_ties: float = VIRTUAL_TIES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Preference]:
    """Preferences for methods by the model of Bradley and Terry (Biometrika 39, 1952), best first.

    The odds that method i is preferred to method j are exp(s_i - s_j); s is the maximum of the
    likelihood, found by Newton's method. A vote of no difference is half a win for each. That
    maximum is infinite for a method that never wins or never loses, so each method is given
    `virtual_ties` ties, spread evenly over all others: of two methods this makes
    log((wins + 1/2) / (losses + 1/2)), the estimate with the least bias.

    The interval is a percentile bootstrap over styles: votes on one style are not independent.

    Args:
        votes: what `read_votes` gives.
        virtual_ties: for each method; with 0 every method must have won and lost on a chain that
            leads to every other.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: there are no virtual ties, and the maximum is infinite.
    """
    counts = _count(list(votes))
    methods = counts.methods
    if len(methods) < 2:
        return []
    total = counts.wins.sum(0)
    if not virtual_ties and len(set(_components(total, directed=True))) > 1:
        raise ValueError("a group of methods always wins: the scores are infinite without ties")
    prior = virtual_ties / 2 / (len(methods) - 1) * (1 - np.eye(len(methods)))
    scores = _maximum(total + prior)
    low = high = np.full(len(methods), np.nan)
    if len(counts.wins) > 1 and virtual_ties:
        low, high = _ends(counts.wins, prior, resamples, seed)
    components = _components(total + total.T)
    found = []
    for i, method in enumerate(methods):
        won, tied, lost = counts.results[method]
        ends = float(scores[i]), float(low[i]), float(high[i])
        found.append(Preference(method, *ends, won, tied, lost, components[i]))
    return sorted(found, key=lambda preference: -preference.value)


class _Counts(NamedTuple):
    """What was voted.

    Attributes:
        methods: in the order of the matrices.
        wins: (styles, M, M), of the first method over the second; a tie is half a win for each.
        results: a method's won, tied and lost votes.
    """

    methods: list[str]
    wins: _Matrix
    results: dict[str, list[int]]


def _count(votes: Sequence[Vote]) -> _Counts:
    methods = sorted({method for vote in votes for method in (vote.left, vote.right)})
    styles = sorted({vote.style for vote in votes})
    wins = np.zeros((len(styles), len(methods), len(methods)))
    results = {method: [0, 0, 0] for method in methods}  # won, tied and lost
    for vote in votes:
        style = styles.index(vote.style)
        left, right = methods.index(vote.left), methods.index(vote.right)
        share = CHOICES[vote.choice]
        wins[style, left, right] += share
        wins[style, right, left] += 1 - share
        results[vote.left][int(2 - 2 * share)] += 1
        results[vote.right][int(2 * share)] += 1
    return _Counts(methods, wins, results)


def _ends(wins: _Matrix, prior: _Matrix, resamples: int, seed: int) -> _Matrix:
    """The ends (2, M) of the percentile bootstrap over styles."""
    styles = len(wins)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(styles, np.full(styles, 1 / styles), resamples)
    sums = np.tensordot(drawn.astype(np.float64), wins, 1)
    ends: _Matrix = np.quantile(_maximum(sums + prior), ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    return ends


def _maximum(wins: _Matrix) -> _Matrix:
    """The scores (..., M) that make the wins (..., M, M) likeliest, with mean 0."""
    count = wins.shape[-1]
    games = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(-1)
    scores = np.zeros(won.shape)
    for _ in range(200):
        chance = 1 / (1 + np.exp(scores[..., None, :] - scores[..., :, None]))
        gradient = won - (games * chance).sum(-1)
        weight = games * chance * (1 - chance)
        curvature = weight.sum(-1)[..., None] * np.eye(count) - weight
        # the likelihood does not see a shift of all scores: 1 / M in each place pins their mean
        step = np.linalg.solve(curvature + 1 / count, gradient[..., None])[..., 0]
        largest = np.abs(step).max(-1, keepdims=True)
        scores = scores + step / np.maximum(largest, 1)  # a long step would overshoot
        if largest.max() < 1e-10:
            break
    return scores


def _components(edges: _Matrix, directed: bool = False) -> list[int]:
    """The number of the component of each method; strongly connected ones where directed."""
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(edges > 0, directed=directed, connection="strong")
    return [int(label) for label in labels]


def section(run: Path, seed: int = 0) -> Section | None:
    """The preferences of a run for `bench.tables.formats.write`; None when nobody voted.

    Raises:
        BenchError: the votes cannot be read.
    """
    votes = read_votes(run)
    preferences = bradley_terry(votes, seed=seed)
    if not preferences:
        return None
    lines = [
        [
            Cell(short(p.method, 40)),
            Cell(f"{p.value:.2f}", interval(p)),
            *(Cell(str(count)) for count in (p.wins, p.ties, p.losses)),
        ]
        for p in preferences
    ]
    headers = [["method"], ["preference", "↑"], ["won"], ["tied"], ["lost"]]
    title = "Preferred with odds exp(difference), 95 % bootstrap intervals below"
    return Section(
        [f"blind test of {clean(run.name)}"],
        [Table(title, [*headers], lines, [False] * len(lines), left=1)],
        [clean(note) for note in notes(preferences, votes)],
    )


def interval(preference: Preference) -> tuple[str, str] | None:
    """The bounds of a preference as text, where there are bounds."""
    low, high = preference.low, preference.high
    return None if math.isnan(low) else (f"{low:.2f}", f"{high:.2f}")


def notes(preferences: Sequence[Preference], votes: Sequence[Vote]) -> list[str]:
    """What a reader must know beside the preferences."""
    styles = len({vote.style for vote in votes})
    voters = len({vote.voter for vote in votes if vote.voter})
    found = [
        f"{len(votes)} votes on {styles} style{'s' * (styles != 1)}"
        + (f" by {voters} named voter{'s' * (voters != 1)}" if voters else ""),
        "intervals by bootstrap over styles; a tie is half a win, and each method has"
        f" {VIRTUAL_TIES:g} virtual tie",
    ]
    if styles < LEAST:
        found.append(f"intervals from {styles} style{'s' * (styles != 1)} are rough")
    groups: dict[int, list[str]] = {}
    for preference in preferences:
        groups.setdefault(preference.component, []).append(preference.method)
    if len(groups) > 1:
        found.append(
            "no chain of votes links these groups, their scores do not compare: "
            + "; ".join(", ".join(names) for names in groups.values())
        )
    return found
