"""What did not work in a row of a report, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bench.report.model import NOT_RUN, Outcome
from bench.tables.text import short

if TYPE_CHECKING:
    from pandas import DataFrame

_Failure = tuple[str, str]  # status and reason


def outcome_of(cells: DataFrame, speeds: DataFrame, expected: Iterable[str]) -> Outcome:
    """What did not work in a row's cells and timings.

    Args:
        cells, speeds: the row's, of `bench.results.Frames`.
        expected: the styles that the run has.
    """
    styles = list(dict.fromkeys([*expected, *cells["style"]]))
    failed = _failed_cells(cells, styles)
    timing = _failed_timings(speeds, failed)
    reasons = [
        f"{status} for {len(which)} of {len(styles)} styles ({_first(which)}): {reason}"
        for (status, reason), which in failed.items()
    ]
    reasons += [f"timing {status}: {reason}" for status, reason in timing]
    of_all = ""  # the status of every cell
    if not (cells["status"] == "ok").any():
        of_all = next((status for status, _ in failed), "")
    words = {}
    if of_all:
        words["adapt"] = of_all
    if timing or of_all:
        words["core"] = timing[0][0] if timing else of_all
    if all(status == "skipped" for status, _ in (*failed, *timing)):  # nothing went wrong
        return Outcome("ok", "", words, reasons)
    return Outcome(of_all or "partial", "; ".join(reasons), words, reasons)


def _failed_cells(cells: DataFrame, styles: Iterable[str]) -> dict[_Failure, list[str]]:
    """What failed or was not begun, with its styles."""
    failed: dict[_Failure, list[str]] = {}
    for style, status, reason in zip(cells["style"], cells["status"], cells["reason"], strict=True):
        if status != "ok":
            failed.setdefault((status, reason), []).append(style)
    begun = set(cells["style"])
    if missing := [style for style in styles if style not in begun]:
        failed["missing", NOT_RUN] = missing
    return failed


def _failed_timings(speeds: DataFrame, known: Iterable[_Failure]) -> list[_Failure]:
    """What the timings failed with, unless the cells did so too."""
    if not len(speeds):
        return [("missing", NOT_RUN)]
    return [
        (status, reason)
        for status, reason in zip(speeds["status"], speeds["reason"], strict=True)
        if status != "ok" and (status, reason) not in known
    ]


def _first(names: Sequence[str]) -> str:
    shown = [short(name) for name in names[:3]]
    return ", ".join(shown + ["…"] * (len(names) > 3))
