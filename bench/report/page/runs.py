"""The records of a run as the page needs them, each read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench import results
from bench.results import CellRecord, Frames, RunRecord, SpeedRecord


@dataclass
class RunFiles:
    """A run's records, each read once."""

    path: Path
    record: RunRecord
    frames: Frames
    cells: dict[tuple[str, int], dict[str, CellRecord]] = field(default_factory=dict)
    speeds: dict[tuple[str, int], SpeedRecord] = field(default_factory=dict)
    scores: dict[tuple[str, int, str, str], dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cell in results.whole(self.path, CellRecord):
            self.cells.setdefault((cell.method, cell.size), {})[cell.style] = cell
        for speed in results.whole(self.path, SpeedRecord):
            self.speeds[speed.method, speed.size] = speed
        mine = self.frames.scores[self.frames.scores["run"] == self.record.id]
        columns = ("method", "size", "style", "content", "metric", "value")
        for method, size, style, content, metric, value in zip(
            *(mine[column] for column in columns), strict=True
        ):
            self.scores.setdefault((method, size, style, content), {})[metric] = value
