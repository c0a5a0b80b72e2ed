"""What the page needs to answer `bench choose` itself, for any number of pictures and styles.

All that depends on no need is worked out here; `choose.js` applies the limits and the rule of
`bench.report.choice.answer` to it, and says the answer as `bench.report.choice_text` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.report.choice import CLEARLY, WORSE, Candidate, answer
from bench.report.choice_text import FEW, commands
from bench.report.licences import Barred
from bench.report.model import Group
from bench.report.need import Need
from bench.results.environment import describe

DRAWS = 500
"""So many resamples of a row's times go into the page: enough for two digits of an interval."""


def answers_of(
    group: Group, ids: Mapping[int, str], barred: Barred, seed: int
) -> list[dict[str, Any]]:
    """A group's facts to choose by, for each size; none where quality has no scale.

    Args:
        group: see `bench.report.rows.groups`.
        ids: of the rows' details on the page.
        barred: rows that may not be used for business.
        seed: of the resamples.
    """
    found = []
    for size in sorted({row.size for row in group.rows}):
        try:
            whole = answer(group, Need(size=size), seed)
        except BenchError:  # no anchors, or no judges of both axes
            continue
        candidates = [*([whole.recommended] if whole.recommended else []), *whole.others]
        if not candidates:
            continue
        order = {id(row): place for place, row in enumerate(group.rows)}
        candidates.sort(key=lambda c: order[id(c.row)])
        found.append(
            {
                "where": f"{size} px, {describe(group.environment)}",
                "size": size,
                "styles": whole.styles,
                "few": FEW,
                "clearly": CLEARLY,
                "rows": [_facts(c, candidates, ids, barred) for c in candidates],
                "excluded": list(whole.excluded),
            }
        )
    return found


def _facts(
    candidate: Candidate,
    others: Sequence[Candidate],
    ids: Mapping[int, str],
    barred: Barred,
) -> dict[str, Any]:
    """A candidate's numbers, and how it stands beside each of them in the resamples of styles."""
    c = candidate
    memory = 1e6 * c.row.resources.peak.value
    return {
        "label": c.row.label,
        "id": ids[id(c.row)],
        "adapt": c.adapt,
        "picture": c.picture,
        "training": c.training if np.isfinite(c.training) else None,
        "memory": memory if np.isfinite(memory) else None,
        "style": c.style,
        "content": c.content,
        "error": c.error,
        "barred": barred.get((c.row.run, c.row.method)),
        "times": None if c.times is None else _thinned(c.times),
        "worse": [c.worse_than(other) for other in others],
        "much_worse": [c.worse_than(other, WORSE) for other in others],
        "commands": commands(c),
    }


def _thinned(times: np.typing.NDArray[np.float64]) -> list[list[float]]:
    every = max(1, times.shape[1] // DRAWS)
    return [[float(f"{value:.4g}") for value in line] for line in times[:, ::every]]
