"""Whether the weights behind a row may be used for business, by the licences that its run names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bench.report.model import Row
from bench.results import RunRecord

Barred = Mapping[tuple[str, str], str]
"""A run and a method of it, and why its licence does not allow the use."""


def barred(records: Mapping[str, RunRecord], rows: Iterable[Row]) -> Barred:
    """The rows whose weights' licences do not allow commercial use, or are not known."""
    found = {}
    for row in rows:
        licences = records[row.run].methods[row.method].licences
        if licences is None and not row.anchor:
            found[row.run, row.method] = (
                "its run does not say what licence its weights have: run it again"
            )
        for file, licence in (licences or {}).items():
            if forbids_commerce(licence):
                found[row.run, row.method] = f"the licence of {file} is {licence or 'not known'}"
    return found


def forbids_commerce(licence: str) -> bool:
    """Whether a licence forbids commercial use, or says nothing that can be relied on."""
    words = set(re.split(r"[^a-z]+", licence.lower().replace("non-commercial", "nc"))) - {""}
    return not words or bool(words & {"nc", "noncommercial", "research", "academic", "unknown"})
