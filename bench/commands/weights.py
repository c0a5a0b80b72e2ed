"""`bench weights`: every weights file that the suite knows of, verified; and downloads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bench import weights
from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.contract import Weights
from bench.errors import BenchError, unknown
from bench.plugins.registry import Registry

EXAMPLES = """examples:
  bench weights
  bench weights adain ghiasi
  bench weights --format json
  bench weights fetch microast --plugin examples/published/microast.py
  bench weights fetch vgg19                          into the user's folder, where it is looked for

No method downloads its weights by itself. $BENCH_WEIGHTS names the user's folder.
"""

FETCH = "fetch"

State = Literal["verified", "there", "missing", "damaged"]


def add(command: AddCommand) -> None:
    """The arguments of `bench weights`."""
    parser = command(
        "weights files: who needs them, where they are, whether they are whole", EXAMPLES
    )
    parser.add_argument(
        "name",
        nargs="*",
        help=f"methods, metrics or encoders; all by default. {FETCH} before them downloads what is "
        "missing and has an address",
    )
    parser.add_argument("--format", choices=("plain", "json"), default="plain")
    _shared.add_plugins(parser, options=False)


@dataclass(frozen=True)
class Row:
    """A file of weights.

    Attributes:
        needed_by: the method, metric or encoder.
        file: its name.
        size: in bytes; None where it is missing.
        sha256: of the file, or what is declared where it is missing.
        state: whether it is there and is what was declared; `there` if no SHA-256 is declared.
        licence: what it is under.
        source: how it was made, or where it can be had.
        path: where it is.
    """

    needed_by: str
    file: str
    size: int | None
    sha256: str
    state: State
    licence: str
    source: str
    path: str


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print the files; 1 where one of them is not what was declared."""
    from bench.plugins import registry

    loaded = registry.load(args.plugin)
    loaded.require()
    declared = declared_files(loaded)
    fetching, names = args.name[:1] == [FETCH], args.name
    if fetching:
        names = args.name[1:]
        if not names:
            raise BenchError(f"{FETCH} what? bench weights lists who needs which files")
    for name in names:
        if name not in declared:
            raise unknown("owner of weights", name, declared)
    if fetching:
        args.interrupted = "; what has come is kept: the same command goes on"
        for item, folders in dict.fromkeys(
            (item, tuple(folders)) for name in names for item, folders in declared[name]
        ):
            _fetch(item, folders)
    rows = [
        inspected(name, item, folders)
        for name in names or declared
        for item, folders in declared[name]
    ]
    if args.format == "json":
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        from tabulate import tabulate

        cells = [
            {
                "needed by": row.needed_by,
                "file": row.file,
                "size": "" if row.size is None else f"{row.size / 1e6:.1f} MB",
                "sha-256": row.sha256[:12],
                "state": row.state,
                "licence": row.licence,
                "made by": row.source,
            }
            for row in rows
        ]
        print(tabulate(cells, headers="keys", tablefmt="plain", disable_numparse=True))
        own = {row.path: row.size or 0 for row in rows if Path(row.path).parent == weights.SHIPPED}
        print(f"\n{len(own)} files are shipped, {sum(own.values()) / 1e6:.1f} MB together")
        print(f"missing ones are looked for in {weights.user_folder()}")
    for row in rows:
        if row.state == "damaged":
            _shared.warn(
                f"{row.path} is not the declared file: delete it, get it from {row.source}"
            )
    return int(any(row.state == "damaged" for row in rows))


def _fetch(item: Weights, folders: Sequence[Path]) -> None:
    """Download one file, unless it is there; what it is and what came is printed.

    Raises:
        BenchError: it is missing and cannot be downloaded.
    """
    from bench import progress
    from bench.weights.downloads import download

    path = weights.find(item, folders)
    if path is not None and _whole(item, path):
        return
    if path is not None and weights.user_folder() not in path.parents:
        raise BenchError(f"{path} is not the declared file: delete it")
    print(f"{item.file}: {item.licence}; from {item.source}", flush=True)
    with progress.bar(unit="B", unit_scale=True, delay=1, desc=item.file) as bar:

        def report(have: int, total: int | None) -> None:
            bar.total, bar.n = total, have
            bar.update(0)

        path = download(item, weights.user_folder(), report)
    verdict = "as declared" if item.sha256 else "its source publishes none to compare with"
    print(f"{path}\nSHA-256 {weights.sha256(path)}, {verdict}")


def declared_files(loaded: Registry) -> Mapping[str, list[tuple[Weights, list[Path]]]]:
    """Owner to its files and the folders where they may lie, for owners that have any."""

    def pairs() -> Iterator[tuple[str, Weights, list[Path]]]:
        for name, method in loaded.methods.items():
            for item in method.weights:
                yield name, item, list(method.folders())
        for name, encoder in loaded.encoders.items():
            yield name, encoder.weights, list(encoder.folders())
        for name, metric in loaded.metrics.items():
            for item in metric.weights:
                yield name, item, []

    declared: dict[str, list[tuple[Weights, list[Path]]]] = {}
    for name, item, folders in pairs():
        declared.setdefault(name, []).append((item, folders))
    return declared


def inspected(name: str, item: Weights, folders: list[Path]) -> Row:
    """What is found of a file that `name` needs, looked for in `folders` too."""
    path = weights.find(item, folders)
    if path is None:
        declared = item.sha256 or ""
        return Row(name, item.file, None, declared, "missing", item.licence, item.source, "")
    state: State = "there" if item.sha256 is None else "verified"
    if not _whole(item, path):
        state = "damaged"
    size, digest = path.stat().st_size, weights.sha256(path)
    return Row(name, item.file, size, digest, state, item.licence, item.source, str(path))


def _whole(item: Weights, path: Path) -> bool:
    """Whether the file is the declared one, or nobody says what that would be."""
    return item.sha256 in (None, weights.sha256(path))
