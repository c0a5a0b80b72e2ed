"""The page: a folder that shows runs in a browser, with neither a network nor a server.

`index.html` holds the tables, the details and, as JSON, the names that the gallery shows; beside it
lie `page.css`, the scripts, the gallery's data in pieces, and copies of the pictures with their
thumbnails. All names in a run (of files, styles, plugins) are data to this page: Jinja2 escapes
them, pictures are copied under names made here, and a content security policy keeps anything else
from running. No torch here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import __version__, files
from bench.errors import BenchError
from bench.report.licences import barred
from bench.report.model import Group
from bench.report.page import chunks
from bench.report.page.answers import answers_of
from bench.report.page.details import details_of, json_text
from bench.report.page.gallery import view_of
from bench.report.page.pictures import Pictures
from bench.report.page.preferences import preferences_of
from bench.report.page.runs import RunFiles
from bench.report.page.spots import spots_of
from bench.report.page.strips import strips_of
from bench.report.page.table import tables_of
from bench.report.rows import groups
from bench.results import Frames
from bench.results.environment import describe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).parents[2] / "templates"

_INCH = 135
"""So many pixels for an inch of a plot: more than the 96 of CSS, as a screen is farther off."""


def write(
    frames: Frames,
    out: Path,
    *,
    all_metrics: bool = False,
    seed: int = 0,
    quiet: bool = False,
    with_pictures: bool = True,
    home: str | None = None,
) -> Path:
    """Make or renew the page of some runs, and return the path of its `index.html`.

    Args:
        frames: what `bench.results.load` gives.
        out: the folder; pictures that are there already are kept.
        all_metrics: show every metric, not just those of judges.
        seed: of the bootstraps.
        quiet: without a progress bar.
        with_pictures: copy the pictures; without them, or where the runs have none, the page
            begins with the numbers.
        home: address of the site that it is a part of, from here.

    Raises:
        BenchError: the folder holds another page, or cannot be written.
    """
    index = out / "index.html"
    pictures = Pictures(out, with_pictures)
    with files.storage_errors(out):
        check_own(index)
        for folder in (pictures.full, pictures.thumbnails):
            folder.mkdir(parents=True, exist_ok=True)
        found = groups(frames, all_metrics=all_metrics, seed=seed)
        plots = plots_of(frames, found, out, seed)
        text = _render(frames, found, pictures, plots, seed, home)
        pictures.write(quiet)
        copy_assets(out, "page.css", "tables.js", "choose.js", "plots.js", "page.js")
        files.write(index, text)
    return index


def check_own(index: Path) -> None:
    """Refuse to replace a page that is not of bench; raises BenchError."""
    if index.exists() and _GENERATOR not in index.read_text("utf-8", "replace"):
        raise BenchError(f"{index} is not a page of bench: choose another folder for it")


def copy_assets(out: Path, *names: str) -> None:
    """Put files of the templates beside a page."""
    for name in names:
        files.write(out / name, (TEMPLATES / name).read_bytes())


_GENERATOR = '<meta name="generator" content="metastyle-bench'


def plots_of(frames: Frames, found: Sequence[Group], out: Path, seed: int) -> list[dict[str, Any]]:
    """Write the plots, and say what they show."""
    from bench.report import plots

    folder = out / "plots"
    folder.mkdir(exist_ok=True)
    written = []
    for name, figure in plots.figures(frames, found, seed=seed).items():
        files.write(folder / f"{name}.svg", plots.svg(figure))
        width, height = (round(_INCH * inches) for inches in figure.get_size_inches())
        written.append(
            {
                "name": name,
                "label": figure.get_label(),
                "width": width,
                "height": height,
                "spots": _spots(name, figure, found),
            }
        )
    return written


def _spots(name: str, figure: Figure, found: Sequence[Group]) -> list[dict[str, Any]]:
    """The points of a trade-off, by the size and the group that its name says."""
    named = re.fullmatch(r"tradeoff-(\d+)px(?:-(\d+))?", name)
    if named is None:
        return []
    number = int(named[2] or 1)
    group = found[number - 1]
    ids = ids_of(number, group)
    here = {ids[id(row)]: row for row in group.rows if row.size == int(named[1])}
    return spots_of(figure, here, group.metrics)


def _render(
    frames: Frames,
    found: Sequence[Group],
    pictures: Pictures,
    plots: Sequence[Mapping[str, Any]],
    seed: int,
    home: str | None,
) -> str:
    runs = {
        run: RunFiles(Path(path), frames.records[run], frames)
        for run, path in zip(frames.runs["run"], frames.runs["path"], strict=True)
    }
    shown = [_group(number, group, runs, pictures, seed) for number, group in enumerate(found, 1)]
    views = [view for group in shown for view in group["views"]]
    data = pictures.full.with_name("data")
    named = chunks.write_cells(data, views if pictures.any else [])
    chunks.write_tables(data, [detail for group in shown for detail in group["details"]], rendered)
    return rendered(
        "page.html",
        home=home,
        with_pictures=pictures.any,
        summary=_summary(frames),
        groups=shown,
        plots=plots,
        answers=[facts for group in shown for facts in group["answers"]],
        preferences=preferences_of(runs, seed),
        warnings=frames.warnings,
        strips=strips_of(views[0]),
        spots={plot["name"]: plot["spots"] for plot in plots if plot["spots"]},
        data={"views": named},
    )


def ids_of(number: int, group: Group) -> dict[int, str]:
    """The id of each row's details on a page, by the row."""
    return {id(row): f"g{number}-{place}" for place, row in enumerate(group.rows)}


def rendered(template: str, **values: Any) -> str:
    """A template of `TEMPLATES` with its values, all of them escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        version=__version__, generator=_GENERATOR, **values
    )


def _summary(frames: Frames) -> list[str]:
    """What the runs hold, in a few words each."""
    records = frames.records.values()

    def count(word: str, names: set[Any]) -> str:
        return f"{len(names)} {word}{'s' * (len(names) != 1)}"

    sizes = sorted({size for record in records for size in record.sizes})
    days = sorted({record.created[:10] for record in records})
    return [
        count("method", {name for record in records for name in record.methods}),
        count("style", {name for record in records for name in record.styles}),
        count("content", {name for record in records for name in record.contents}),
        ", ".join(map(str, sizes)) + " px",
        days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
    ]


def _group(
    number: int, group: Group, runs: Mapping[str, RunFiles], pictures: Pictures, seed: int
) -> dict[str, Any]:
    """What the template needs of one environment and dataset."""
    environment, dataset = group.environment, group.dataset
    where = f", {dataset.name} ({dataset.fingerprint}), {environment.fingerprint}"
    anchors = ids_of(number, group)
    records = {name: run.record for name, run in runs.items()}
    return {
        "id": f"g{number}",
        "where": describe(environment),
        "environment_id": environment.fingerprint,
        "environment": [(key, json_text(value)) for key, value in environment.facts.items()],
        "dataset": dataset,
        "answers": answers_of(group, anchors, barred(records, group.rows), seed),
        "tables": tables_of(group, anchors),
        "details": [
            {"id": anchors[id(row)], **details_of(row, runs[row.run])} for row in group.rows
        ],
        "views": [
            view_of(
                f"{size} px" + where,
                {anchors[id(row)]: row for row in group.rows if row.size == size},
                group.metrics,
                runs,
                pictures,
            )
            for size in sorted({row.size for row in group.rows})
        ],
    }
