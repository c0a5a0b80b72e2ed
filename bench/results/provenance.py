"""Who made a result."""

from __future__ import annotations

from dataclasses import dataclass

from bench.results.values import Name, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """Who made a result that the run's own process did not make: its times compare with no other.

    Attributes:
        host: the machine's name; of a merged run its device.
        environment: the fingerprint of what it was made with.
        run: the run that it was merged from; None: made for the run that holds it.
    """

    host: Text
    environment: Text
    run: Name | None = None
