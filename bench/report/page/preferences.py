"""The preferences of the blind test on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench.report.page.runs import RunFiles
from bench.vote import bradley_terry
from bench.vote.votes import read_votes


def preferences_of(runs: Mapping[str, RunFiles], seed: int) -> list[dict[str, Any]]:
    """Bradley-Terry preferences of every run that people voted on."""
    tests = []
    for name, run in sorted(runs.items()):
        votes = read_votes(run.path)
        preferences = bradley_terry.bradley_terry(votes, seed=seed)
        if not preferences:
            continue
        ends = [end for p in preferences for end in (p.value, p.low, p.high) if math.isfinite(end)]
        reach = max(0.1, *map(abs, ends))
        tests.append(
            {
                "run": name,
                "reach": f"{reach:.2f}",
                "notes": bradley_terry.notes(preferences, votes),
                "rows": [
                    {
                        "preference": preference,
                        "chance": f"{100 / (1 + math.exp(-preference.value)):.0f} %",
                        "text": f"{preference.value:.2f}",
                        "interval": " – ".join(bradley_terry.interval(preference) or ()),
                        "at": f"{50 + 48 * preference.value / reach:.2f}",
                        "low": f"{50 + 48 * preference.low / reach:.2f}",
                        "wide": f"{48 * (preference.high - preference.low) / reach:.2f}",
                        "sure": math.isfinite(preference.low),
                    }
                    for preference in preferences
                ],
            }
        )
    return tests
