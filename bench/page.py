"""The page: a folder that shows runs in a browser, with neither a network nor a server.

`index.html` holds the tables, the details and, as JSON, what the gallery needs; `page.css` and
`page.js` lie beside it, and so do copies of the pictures and their thumbnails. All names in a run
(of files, styles, plugins) are data to this page: Jinja2 escapes them, pictures are copied under
names made here, and a content security policy keeps anything else from running. No torch here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from bench import __version__, preference, results
from bench.columns import DEFAULT, SETS, Column, choose, of_metrics
from bench.environment import describe
from bench.errors import BenchError
from bench.results import CellRecord, Frames, MetricRecord, RunRecord, Scope, SpeedRecord
from bench.rows import Group, Row, groups
from bench.table import BEST, DAGGER, DOMINATED, GATE
from bench.text import digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEMPLATES = Path(__file__).parent / "templates"
THUMBNAIL = 192
"""The longer side of a thumbnail in pixels: two for each one that it takes on the page."""

_INCH = 135
"""So many pixels for an inch of a plot: more than the 96 of CSS, as a screen is farther off."""

_BINS = 48


def write(
    frames: Frames, out: Path, *, all_metrics: bool = False, seed: int = 0, quiet: bool = False
) -> Path:
    """Make or renew the page of some runs, and return the path of its `index.html`.

    Args:
        frames: what `bench.results.load` gives.
        out: the folder; pictures that are there already are kept.
        all_metrics: show every metric, not just those of judges.
        seed: of the bootstraps.
        quiet: without a progress bar.

    Raises:
        BenchError: the folder holds another page, or cannot be written.
    """
    index = out / "index.html"
    pictures = _Pictures(out)
    try:
        if index.exists() and _GENERATOR not in index.read_text("utf-8", "replace"):
            raise BenchError(f"{index} is not a page of bench: choose another folder for --html")
        for folder in (pictures.full, pictures.thumbnails):
            folder.mkdir(parents=True, exist_ok=True)
        plots = _plots(frames, out, all_metrics, seed)
        text = _render(frames, pictures, plots, all_metrics, seed)
        pictures.write(quiet)
        for name in ("page.css", "page.js"):
            shutil.copyfile(TEMPLATES / name, out / name)
        index.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"--html {out} cannot be written: {error.strerror or error}") from None
    return index


_GENERATOR = '<meta name="generator" content="metastyle-bench'


def _plots(frames: Frames, out: Path, all_metrics: bool, seed: int) -> list[dict[str, Any]]:
    """Write the plots, and say what they show."""
    from bench import plots

    folder = out / "plots"
    folder.mkdir(exist_ok=True)
    made = []
    for name, figure in plots.figures(frames, all_metrics=all_metrics, seed=seed).items():
        (folder / f"{name}.svg").write_text(plots.svg(figure), encoding="utf-8")
        width, height = (round(_INCH * inches) for inches in figure.get_size_inches())
        made.append({"name": name, "label": figure.get_label(), "width": width, "height": height})
    return made


def _render(
    frames: Frames,
    pictures: _Pictures,
    plots: Sequence[Mapping[str, Any]],
    all_metrics: bool,
    seed: int,
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    runs = {
        run: _Run(Path(path), frames.records[run], frames)
        for run, path in zip(frames.runs["run"], frames.runs["path"], strict=True)
    }
    shown = [
        _group(number, group, runs, pictures)
        for number, group in enumerate(groups(frames, all_metrics=all_metrics, seed=seed), 1)
    ]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        version=__version__,
        generator=_GENERATOR,
        summary=_summary(frames),
        groups=shown,
        plots=plots,
        preferences=_preferences(runs, seed),
        warnings=frames.warnings,
        data={"views": [view for group in shown for view in group["views"]]},
    )


def _summary(frames: Frames) -> list[str]:
    """What the runs hold, in a few words each."""
    records = frames.records.values()

    def count(word: str, names: set[Any]) -> str:
        return f"{len(names)} {word}{'s' * (len(names) != 1)}"

    sizes = sorted({size for record in records for size in record["sizes"]})
    days = sorted({record["created"][:10] for record in records})
    return [
        count("method", {name for record in records for name in record["methods"]}),
        count("style", {name for record in records for name in record["styles"]}),
        count("content", {name for record in records for name in record["contents"]}),
        ", ".join(map(str, sizes)) + " px",
        days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
    ]


# pictures


_NAME = re.compile(r"[0-9a-f]{16}\.(png|webp)")


class _Pictures:
    """The pictures of a page: each gets a name that says nothing, and is copied at the end."""

    def __init__(self, out: Path) -> None:
        self.full = out / "pictures"
        self.thumbnails = out / "thumbnails"
        self._sources: dict[str, Path] = {}

    def add(self, run: Path, path: Path) -> str | None:
        """The name of a run's picture; None where it is missing or lies outside the run."""
        path = path.resolve()
        if not path.is_relative_to(run.resolve()) or not path.is_file():
            return None
        stamp = f"{path}\0{path.stat().st_mtime_ns}"
        name = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._sources[name] = path
        return name

    def write(self, quiet: bool) -> None:
        """Copy what is not there yet, make the thumbnails, and take away what is not shown."""
        from bench import progress

        for path in (*self.full.iterdir(), *self.thumbnails.iterdir()):
            if _NAME.fullmatch(path.name) and path.stem not in self._sources:
                path.unlink()
        missing = [name for name in self._sources if not self._thumbnail(name).exists()]
        with ThreadPoolExecutor() as pool:
            work = pool.map(self._copy, missing)
            for _ in progress.bar(
                work,
                desc="pictures",
                total=len(missing),
                disable=quiet or not missing,
                leave=False,
            ):
                pass

    def _thumbnail(self, name: str) -> Path:
        return self.thumbnails / f"{name}.webp"

    def _copy(self, name: str) -> None:
        from PIL import Image

        source, thumbnail = self._sources[name], self._thumbnail(name)
        try:
            with Image.open(source, formats=["PNG"]) as picture:
                small = picture.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return  # the page shows its alternative text
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        shutil.copyfile(source, self.full / f"{name}.png")
        half = thumbnail.with_suffix(".half")
        small.save(half, "WEBP", quality=80)
        half.replace(thumbnail)  # last: it says that the picture is whole


# runs


@dataclass
class _Run:
    """A run's records, each read once."""

    path: Path
    record: RunRecord
    frames: Frames
    cells: dict[tuple[str, int], dict[str, CellRecord]] = field(default_factory=dict)
    speeds: dict[tuple[str, int], SpeedRecord] = field(default_factory=dict)
    scores: dict[tuple[str, int, str, str], dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _, cell in results.whole(self.path, "cells"):
            self.cells.setdefault((cell["method"], cell["size"]), {})[cell["style"]] = cell
        for _, speed in results.whole(self.path, "speed"):
            self.speeds[speed["method"], speed["size"]] = speed
        mine = self.frames.scores[self.frames.scores["run"] == self.record["id"]]
        columns = ("method", "size", "style", "content", "metric", "value")
        for method, size, style, content, metric, value in zip(
            *(mine[column] for column in columns), strict=True
        ):
            self.scores.setdefault((method, size, style, content), {})[metric] = value


def _group(
    number: int, group: Group, runs: Mapping[str, _Run], pictures: _Pictures
) -> dict[str, Any]:
    """What the template needs of one environment and dataset."""
    environment, dataset = group.environment, group.dataset
    where = f", {dataset['name']} ({dataset['fingerprint']}), {environment['fingerprint']}"
    anchors = {id(row): f"g{number}-{place}" for place, row in enumerate(group.rows)}
    return {
        "id": f"g{number}",
        "where": describe(environment),
        "environment_id": environment["fingerprint"],
        "environment": [(key, _json(value)) for key, value in environment.items()],
        "dataset": dataset,
        "table": _table(group, anchors),
        "details": [
            {"id": anchors[id(row)], **_details(row, runs[row.values["run"]])} for row in group.rows
        ],
        "views": [
            _view(
                f"{size} px" + where,
                {anchors[id(row)]: row for row in group.rows if row.values["size"] == size},
                group.metrics,
                runs,
                pictures,
            )
            for size in sorted({row.values["size"] for row in group.rows})
        ],
    }


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# the table


def _part(column: Column) -> str:
    """The heading over a column."""
    parts = {"adapt": "Flexibility", "core": "Speed"}
    parts |= dict.fromkeys(_TIMES, "Further times") | dict.fromkeys(SETS["cost"], "Cost")
    return parts.get(column.name, "Quality")


_TIMES = [name for name in SETS["speed"] if name not in DEFAULT]


_HINTS = {
    "adapt": "What a new style costs",
    "core": "A picture, in a style that is ready",
    "pair": "A new style and a picture",
    "e2e": "From a file to a file, in a style that is ready",
    "first-call": "A picture, not warmed up",
    "params": "Learned numbers that stylizing uses",
    "style-params": "Those kept for each style",
    "peak": "Memory while stylizing, above what was held before",
    "gflop": "Of stylizing one picture",
    "peak-share": "Of the machine's measured peak: the plain network's operations over core",
}


def _table(group: Group, anchors: Mapping[int, str]) -> dict[str, Any]:
    shown = [
        column
        for column in choose([*DEFAULT, *_TIMES, *SETS["cost"]], [group.metrics])[0]
        if any(math.isfinite(row.values[column.key]) for row in group.rows)
    ]
    marks: dict[str, int] = {}

    def marked(notes: Sequence[str]) -> list[int]:
        return [marks.setdefault(note, len(marks) + 1) for note in notes]

    lines = [
        {
            "id": anchors[id(row)],
            "row": row,
            "gate": row.values["gate"] in ("failed", "not checked"),
            "marks": marked(row.notes),
            "cells": [
                {
                    "value": _finite(row.values[column.key]),
                    "text": _number(row.values[column.key], column.floor)
                    or row.words.get(column.key, "–"),
                    "interval": _interval(row, column),
                    "best": column.key in row.best,
                    "own": column.key in row.own and math.isfinite(row.values[column.key]),
                    "marks": marked(row.metric_notes.get(column.key, [])),
                }
                for column in shown
            ],
        }
        for row in group.rows
    ]
    return {
        "columns": [
            {
                "label": column.header[0],
                "unit": " ".join(column.header[1:]),
                "better": column.direction,
                "hint": _HINTS.get(column.name, column.key),
            }
            for column in shown
        ],
        "best": BEST.removeprefix("* "),
        "parts": Counter(map(_part, shown)),
        "lines": lines,
        "notes": list(marks),
        "signs": [
            *[DAGGER] * any(row.own & {column.key for column in shown} for row in group.rows),
            *[GATE] * any(line["gate"] for line in lines),
            *[DOMINATED] * any(row.dominated for row in group.rows),
        ],
        "rest": group.notes,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _number(value: float | None, floor: float = 0.0) -> str:
    """Three digits, or nothing where there is no number."""
    if value is None or not math.isfinite(value):
        return ""
    return f"<{floor:g}" if 0 <= value < floor else digits(value)


def _interval(row: Row, column: Column) -> str:
    value = row.values[column.key]
    low, high = (row.values.get(f"{column.interval}{end}", math.nan) for end in ("low", "high"))
    if not math.isfinite(low) or 0 <= value < column.floor:
        return ""
    return f"{digits(low, value)} – {digits(high, value)}"


# the gallery


def _view(
    label: str,
    rows: Mapping[str, Row],
    metrics: Mapping[str, MetricRecord],
    runs: Mapping[str, _Run],
    pictures: _Pictures,
) -> dict[str, Any]:
    """The gallery of one size: methods by styles by contents; rows by the ids of their details."""
    size = next(iter(rows.values())).values["size"]
    mine = [runs[run] for run in dict.fromkeys(row.values["run"] for row in rows.values())]
    styles = list(dict.fromkeys(name for run in mine for name in run.record["styles"]))
    contents = list(dict.fromkeys(name for run in mine for name in run.record["contents"]))

    def given(role: str, names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "picture": next(
                    (
                        made
                        for run in mine
                        if (
                            made := pictures.add(
                                run.path, results.input_path(run.path, role, name, size)
                            )
                        )
                    ),
                    None,
                ),
            }
            for name in names
        ]

    return {
        "label": label,
        "styles": given("style", styles),
        "contents": given("content", contents),
        "metrics": [" ".join(column.header[:-1]) for column in of_metrics(metrics)],
        "methods": [
            {
                "label": row.label,
                "anchor": row.anchor,
                "details": id_,
                "cells": [
                    _cell(runs[row.values["run"]], row, style, contents, list(metrics), pictures)
                    for style in styles
                ],
            }
            for id_, row in rows.items()
        ],
    }


def _cell(
    run: _Run,
    row: Row,
    style: str,
    contents: Sequence[str],
    metrics: Sequence[str],
    pictures: _Pictures,
) -> dict[str, Any] | None:
    method, size = row.method, row.values["size"]
    cell = run.cells.get((method, size), {}).get(style)
    if cell is None:
        return None

    def shown(records: Sequence[results.ContentRecord]) -> list[str | None]:
        images = {record["content"]: record["image"] for record in records}
        return [
            pictures.add(run.path, run.path / images[name]) if name in images else None
            for name in contents
        ]

    scores = [run.scores.get((method, size, style, content), {}) for content in contents]
    return {
        "status": cell["status"],
        "reason": cell["reason"],
        "facts": list(_facts(cell)),
        "pictures": shown(cell["contents"]),
        "scores": [[_number(score.get(id_)) for id_ in metrics] for score in scores],
        "steps": [
            {
                "step": moment["step"],
                "seconds": f"{digits(moment['seconds'])} s",
                "pictures": shown(moment["contents"]),
            }
            for moment in cell["observed"]
        ],
    }


def _facts(cell: CellRecord) -> Iterator[tuple[str, str]]:
    if adapt := cell["adapt"]:
        steps = f", {adapt['steps']} steps" if adapt["steps"] else ""
        ended = "" if adapt["finished"] else ", ended by the limit"
        yield "adapt", f"{_number(adapt['seconds'], 0.001)} s{steps}{ended}"
    if cell["first_call"] is not None:
        yield "first call", f"{_number(1e3 * cell['first_call'], 0.01)} ms"
    if cell["peak_memory_bytes"] is not None:
        yield "peak memory", f"{_number(cell['peak_memory_bytes'] / 1e6)} MB"


# details


def _details(row: Row, run: _Run) -> dict[str, Any]:
    """Everything that is known of a row of the table."""
    record, size = run.record, row.values["size"]
    cells = run.cells.get((row.method, size), {})
    return {
        "label": row.label,
        "size": size,
        "status": row.values["status"],
        "facts": [(key, text) for key, text in _provenance(row, record) if text],
        "command": record["command"],
        "timings": list(_timings(row, run.speeds.get((row.method, size)))),
        "cells": [
            {
                "style": style,
                "status": cells[style]["status"] if style in cells else "missing",
                "reason": cells[style]["reason"]
                if style in cells
                else "not run, finish with bench run --resume",
                "facts": dict(_facts(cells[style])) if style in cells else {},
            }
            for style in dict.fromkeys([*record["styles"], *cells])
        ],
    }


def _provenance(row: Row, record: RunRecord) -> Iterator[tuple[str, str]]:
    method, values = record["methods"][row.method], row.values
    yield "method", method["method"] if method["method"] != row.method else ""
    yield "family", method["family"]
    yield "citation", method["citation"]
    yield "status", values["status"] + (f": {values['reason']}" if values["reason"] else "")
    yield "quality gate", values["gate"]
    yield "dominated by", ", ".join(row.dominated)
    yield "options", ", ".join(f"{key}={_json(value)}" for key, value in method["options"].items())
    yield "precision", values["precision"]
    yield "trained on", ", ".join(method["trains_on"])
    yield "plugin", method["plugin"]
    yield "source SHA-256", method["source_sha256"] or ""
    for file, sha256 in method["weights"].items():
        yield f"weights {file}", sha256
    yield "run", f"{record['id']}, {record['created']}"
    yield "profile", record["profile"]
    yield "seed", str(record["seed"])
    yield "bench", f"{values['bench']} {values['commit']}".strip()
    yield "dataset", f"{record['dataset']['name']} {record['dataset']['fingerprint']}"
    yield "environment", record["environment"]["fingerprint"]


def _timings(row: Row, speed: SpeedRecord | None) -> Iterator[dict[str, Any]]:
    """The samples of each scope; those of an adaptation that iterates are one for each style."""
    for scope in get_args(Scope):
        timing = row.timings.get(scope)
        if timing is None or not len(timing.seconds):
            continue
        told = "one for each style"
        if speed and timing.rounds is not None:
            taken = speed["scopes"][scope]
            told = (
                f"{len(set(taken['rounds']))} rounds, {taken['warmup_calls']} warm-up calls;"
                f" stopped: {taken['stopped']}"
            )
        yield {"name": scope, "told": told, **_histogram(timing.seconds)}


def _histogram(seconds: NDArray[np.float64]) -> dict[str, Any]:
    """Samples in seconds as the outline of a histogram, 1 high and `_BINS` wide, and in words."""
    import numpy as np

    unit, scale = ("s", 1.0) if np.median(seconds) >= 1 else ("ms", 1e3)
    low, high = float(seconds.min()), float(seconds.max())
    counts, _ = np.histogram(seconds, _BINS, (low, high) if high > low else (low - 0.5, low + 0.5))
    heights = counts / counts.max()
    median = float(np.median(seconds))
    return {
        "count": len(seconds),
        "unit": unit,
        "low": digits(scale * low),
        "high": digits(scale * high),
        "median": digits(scale * median),
        "p90": digits(scale * float(np.quantile(seconds, 0.9))),
        "path": "M0 1" + "".join(f"V{1 - height:.3f}h1" for height in heights) + "V1z",
        "at": f"{_BINS * ((median - low) / (high - low) if high > low else 0.5):.2f}",
        "bins": _BINS,
    }


# the blind test


def _preferences(runs: Mapping[str, _Run], seed: int) -> list[dict[str, Any]]:
    """Bradley-Terry scores of every run that people voted on."""
    made = []
    for name, run in sorted(runs.items()):
        votes = preference.read_votes(run.path)
        scores = preference.bradley_terry(votes, seed=seed)
        if not scores:
            continue
        ends = [end for s in scores for end in (s.score, s.low, s.high) if math.isfinite(end)]
        reach = max(0.1, *map(abs, ends))
        made.append(
            {
                "run": name,
                "reach": f"{reach:.2f}",
                "notes": preference.notes(scores, votes),
                "rows": [
                    {
                        "score": score,
                        "chance": f"{100 / (1 + math.exp(-score.score)):.0f} %",
                        "text": f"{score.score:.2f}",
                        "interval": " – ".join(preference.interval(score) or ()),
                        "at": f"{50 + 48 * score.score / reach:.2f}",
                        "low": f"{50 + 48 * score.low / reach:.2f}",
                        "wide": f"{48 * (score.high - score.low) / reach:.2f}",
                        "sure": math.isfinite(score.low),
                    }
                    for score in scores
                ],
            }
        )
    return made
