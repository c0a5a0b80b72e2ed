"""The scores of the blind test on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench.report.page.runs import RunFiles
from bench.vote import bradley_terry
from bench.vote.votes import read_votes


def preferences_of(runs: Mapping[str, RunFiles], seed: int) -> list[dict[str, Any]]:
    """Bradley-Terry scores of every run that people voted on."""
    tests = []
    for name, run in sorted(runs.items()):
        votes = read_votes(run.path)
        scores = bradley_terry.bradley_terry(votes, seed=seed)
        if not scores:
            continue
        ends = [end for s in scores for end in (s.score, s.low, s.high) if math.isfinite(end)]
        reach = max(0.1, *map(abs, ends))
        tests.append(
            {
                "run": name,
                "reach": f"{reach:.2f}",
                "notes": bradley_terry.notes(scores, votes),
                "rows": [
                    {
                        "score": score,
                        "chance": f"{100 / (1 + math.exp(-score.score)):.0f} %",
                        "text": f"{score.score:.2f}",
                        "interval": " – ".join(bradley_terry.interval(score) or ()),
                        "at": f"{50 + 48 * score.score / reach:.2f}",
                        "low": f"{50 + 48 * score.low / reach:.2f}",
                        "wide": f"{48 * (score.high - score.low) / reach:.2f}",
                        "sure": math.isfinite(score.low),
                    }
                    for score in scores
                ],
            }
        )
    return tests
