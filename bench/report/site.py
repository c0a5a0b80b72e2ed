"""A site to host: many runs, by hardware and method, and how a stranger's run gets in.

    index.html          every method on every machine, with intervals, and the runs
    submit.html         how to send a run or a method
    runs/<key>/         the page of each run (`bench.report.page`)

Any server of files will do, and none is needed to look at it. Times of different machines stand
beside each other and are compared with none but those of their own column. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import files
from bench.report import page
from bench.report.columns import ADAPT, CORE, MetricColumn, Numbers, of_metrics
from bench.report.hardware import Board, Line, boards
from bench.report.model import Group, Row
from bench.report.page.table import heading_of
from bench.results import Frames, RunRecord, key, load, submission
from bench.results.environment import describe

TIMES: Sequence[Numbers] = (CORE, ADAPT)
"""What is told of every machine."""


def write(
    frames: Frames, out: Path, *, with_pictures: bool = True, seed: int = 0, quiet: bool = False
) -> Path:
    """Make or renew the site of some runs, and return the path of its `index.html`.

    Args:
        frames: what `bench.results.load` gives.
        out: the folder.
        with_pictures: copy the pictures of the runs that have them.
        seed: of the bootstraps.
        quiet: without progress bars.

    Raises:
        BenchError: the folder holds another page, or cannot be written.
    """
    index = out / "index.html"
    with files.storage_errors(out):
        page.check_own(index)
        out.mkdir(parents=True, exist_ok=True)
    for path in frames.runs["path"]:
        run = load([Path(path)])
        (id_,) = run.records
        page.write(
            run,
            out / "runs" / key(id_),
            seed=seed,
            quiet=quiet,
            with_pictures=with_pictures,
            home="../../index.html",
        )
    found = boards(frames, seed)
    with files.storage_errors(out):
        page.copy_assets(out, "page.css", "tables.js")
        checks = [(each.__name__.replace("_", " "), each.__doc__) for each in submission.CHECKS]
        files.write(out / "submit.html", page.rendered("submit.html", checks=checks))
        text = page.rendered(
            "site.html",
            boards=[_board(board) for board in found],
            runs=[_run(record, frames) for record in frames.records.values()],
            warnings=frames.warnings,
        )
        files.write(index, text)
    return index


def _board(board: Board) -> dict[str, Any]:
    metrics = {id_: each for group in board.groups.values() for id_, each in group.metrics.items()}
    judges = of_metrics(metrics)
    return {
        "dataset": board.dataset,
        "machines": [
            {"id": name, "name": _short(group), "where": describe(group.environment)}
            for name, group in board.groups.items()
        ],
        "judges": [heading_of(judge) for judge in judges],
        "times": [heading_of(time) for time in TIMES],
        "lines": [_line(line, judges, list(board.groups)) for line in _in_order(board)],
    }


def _in_order(board: Board) -> list[Line]:
    def place(line: Line) -> tuple[int, bool, str]:
        return line.size, not any(row.anchor for row in line.rows.values()), line.label

    return sorted(board.lines, key=place)


def _short(group: Group) -> str:
    """A machine in the words of a heading."""
    of = group.environment
    return str(of.device_name or of.cpu or of.device)


def _line(line: Line, judges: Sequence[MetricColumn], machines: Sequence[str]) -> dict[str, Any]:
    """Quality comes from the newest run: it hardly depends on the machine."""
    newest = max(line.rows.values(), key=lambda row: row.run)
    return {
        "label": line.label,
        "changed": newest.changed,
        "size": line.size,
        "anchor": newest.anchor,
        "address": _address(newest.run),
        "quality": [_number(newest, judge) for judge in judges],
        "times": [_number(line.rows.get(name), time) for time in TIMES for name in machines],
    }


def _address(run: str) -> str:
    return f"runs/{key(run)}/index.html"


def _number(row: Row | None, column: Numbers) -> dict[str, Any]:
    lacking = isinstance(column, MetricColumn) and row is not None and column.id not in row.quality
    if row is None or lacking or not column.of(row).known:
        return {"value": "", "text": "–" if row else "", "interval": "", "address": ""}
    return {
        "value": column.of(row).value,
        "text": column.text(row, missing="–", exact=True),
        "interval": " – ".join(column.interval(row, exact=True) or ()),
        "address": _address(row.run),
    }


def _run(record: RunRecord, frames: Frames) -> dict[str, Any]:
    return {
        "id": record.id,
        "address": _address(record.id),
        "day": record.created[:10],
        "where": describe(record.environment),
        "bench": record.bench_version,
        "methods": sum(method.family != "anchor" for method in record.methods.values()),
        "noise": ", ".join(_noise(record.id, frames)) or "unknown",
    }


def _noise(run: str, frames: Frames) -> Iterator[str]:
    controls = frames.controls[frames.controls["run"] == run]
    for size, noise in controls.groupby("size")["noise"].max().items():
        yield f"{noise:.1%} at {size} px"
