"""What the commands share: arguments and their types, and the steps before the work."""

from __future__ import annotations

import argparse
import functools
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.errors import BenchError, unknown

if TYPE_CHECKING:
    import torch

    from bench.contract import Context, Dataset, Metric, Picture, Precision
    from bench.plugins.registry import Registry
    from bench.store import PictureStore

RUNS = Path("runs")
MOST = 10**9
"""Of anything that is counted."""
LONGEST_SECONDS = 1e9
PRECISIONS = (
    *("auto", "float32", "float32/channels_last", "tf32", "tf32/channels_last"),
    *("bfloat16", "float16"),
)


class AddCommand(Protocol):
    """Makes the parser of the command that a module is; `bench.cli` gives it to `add`."""

    def __call__(
        self, help: str, epilog: str = "", *, interrupted: str = "", failure: int = 1
    ) -> argparse.ArgumentParser:
        """A parser to add arguments to.

        Args:
            help: what the command does, in lower case and without a full stop.
            epilog: examples.
            interrupted: what is said after "interrupted" or "ended by SIGTERM", until its
                `execute` sets `args.interrupted` to something better.
            failure: the exit status where the command cannot do its work.
        """


def add_machine(command: argparse.ArgumentParser, several: bool = False) -> None:
    """`--device`, `--precision`, `--threads`, `--seed` and `--quiet`; `several`: devices."""
    devices = "auto, cpu, cuda, cuda:1, mps, xpu"
    if several:
        more = f"{devices}; repeatable: a run on each, one after the other, in one report"
        command.add_argument("--device", action="append", metavar="NAME", help=more)
    else:
        command.add_argument("--device", default="auto", help=devices)
    command.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="auto measures which is fastest here",
    )
    command.add_argument(
        "--threads",
        type=threads,
        metavar="N",
        help="CPU threads; as a probe finds useful by default",
    )
    command.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of all random numbers (0)"
    )
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def add_out(command: argparse.ArgumentParser) -> None:
    """`--out`."""
    command.add_argument("-o", "--out", type=Path, metavar="FILE", help="instead of the terminal")


def add_show(command: argparse.ArgumentParser) -> None:
    """Whether a picture is shown in the terminal."""
    command.add_argument(
        "--show",
        action=argparse.BooleanOptionalAction,
        help="show the pictures in the terminal (default: where it can show pixels)",
    )


def add_plugins(command: argparse.ArgumentParser, options: bool = True) -> None:
    """`--plugin`, and `--option` where plugins take part with options."""
    command.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="MODULE_OR_FILE",
        help="load this plugin too; repeatable",
    )
    if options:
        command.add_argument(
            "--option",
            action="append",
            default=[],
            metavar="NAME.KEY=VALUE",
            help="a plugin's option, see bench list; repeatable",
        )


def add_pictures(command: argparse.ArgumentParser) -> None:
    """`--content`, `--style` and `--adapt-content`."""
    for name, help in (
        ("content", "photographs to stylize: folder or file; repeatable"),
        ("style", "styles: folder or file; repeatable"),
        ("adapt-content", "photographs that methods adapt on; the embedded ones by default"),
    ):
        command.add_argument(f"--{name}", action="append", default=[], metavar="PATH", help=help)


def add_dataset(command: argparse.ArgumentParser) -> None:
    """`--dataset`, `--contents` and `--styles`."""
    command.add_argument(
        "--dataset",
        metavar="NAME",
        help="default: the embedded set, or folder where --content or --style is given",
    )
    for name in ("contents", "styles"):
        command.add_argument(f"--{name}", type=count, metavar="N", help=f"only the first N {name}")


def add_metrics(command: argparse.ArgumentParser) -> None:
    """`--metric`."""
    command.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="ID",
        help="id or name, or all; repeatable; by default the usual ones whose weights are here",
    )


def whole(text: str, low: int, high: int, what: str = "whole number") -> int:
    """A whole number in ASCII digits and in a range, which the machine's integers can hold."""
    if not re.fullmatch("[0-9]{1,19}", text) or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text[:40]} is not a {what} from {low} to {high}")
    return int(text)


def count(text: str) -> int:
    """A number of things."""
    return whole(text, 1, MOST)


def threads(text: str) -> int:
    """A number of threads: many more than there are cores end the process."""
    return whole(text, 1, 1024)


def seed(text: str) -> int:
    """A whole number that seeds a generator."""
    return whole(text, 0, 2**63 - 1)


def size(text: str) -> int:
    """A side in pixels."""
    return whole(text, 32, 8192, "size in pixels")


def steps(text: str) -> tuple[int, ...]:
    """Numbers of steps, separated by commas; `default` is 0, 1, 2, 5, 10, 20 and so on."""
    if text == "default":
        return (0, *(digit * 10**power for power in range(6) for digit in (1, 2, 5)))
    if not re.fullmatch(" *[0-9]+ *(, *[0-9]+ *)*", text):
        raise argparse.ArgumentTypeError(
            f"{text[:40]}: write numbers of steps as 0,1,2,5, or default"
        )
    return tuple(sorted({whole(part.strip(), 0, MOST) for part in text.split(",")}))


def batches(text: str) -> tuple[int, ...]:
    """Sizes of batches, separated by commas."""
    if not re.fullmatch(" *[0-9]+ *(, *[0-9]+ *)*", text):
        raise argparse.ArgumentTypeError(f"{text[:40]}: write sizes of batches as 1,4,16")
    return tuple(sorted({whole(part.strip(), 1, 2**16) for part in text.split(",")}))


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text) if text.isascii() and "_" not in text else 0.0
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def seconds(text: str) -> float:
    """A time, which a record can hold."""
    value = positive(text)
    if value > LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is more than {LONGEST_SECONDS:g} s")
    return value


def percent(text: str) -> float:
    """A number above 0 in percent, as a share."""
    return positive(text) / 100


def load_registry(args: argparse.Namespace, tried: bool = False) -> Registry:
    """The built-in plugins, the installed ones and those of `--plugin`, which must load.

    `tried`: see `registry.load`.
    """
    from bench.plugins import registry

    loaded = registry.load(args.plugin, tried)
    loaded.require()
    return loaded


def given_options(
    args: argparse.Namespace, registry: Registry, aliases: Iterable[str] = ()
) -> dict[str, dict[str, str]]:
    """`--option` by plugin, or by one of a run's own names for one; every one named is there."""
    from bench import options

    given = options.parse_pairs(args.option)
    known = {*registry.methods, *registry.datasets, *aliases}
    for owner in given:
        if owner not in known:
            raise unknown("plugin in --option", owner, known)
    return given


def dataset(
    args: argparse.Namespace, registry: Registry, given: dict[str, dict[str, str]]
) -> Dataset:
    """The dataset of `--dataset`, or of `--content` and `--style`, with its options."""
    from bench import options

    paths = {
        name: os.pathsep.join(getattr(args, name))
        for name in ("content", "style")
        if getattr(args, name)
    }
    name = args.dataset or ("folder" if paths else "default")
    if paths and name != "folder":
        raise BenchError(f"--content and --style go with the dataset folder, not with {name}")
    cls = registry.dataset(name)
    return cls(options.build(cls.Options, {**given.get(name, {}), **paths}, name))


def metrics(args: argparse.Namespace, registry: Registry, moves: bool) -> list[Metric]:
    """The metrics of `--metric`; else those that are computed unasked and need no download.

    Metrics of time are computed unasked where the dataset moves.
    """
    from bench.contract import TemporalMetric

    if not args.metric:
        usual = [metric for metric in registry.metrics.values() if metric.by_default]
        usual = [metric for metric in usual if moves or not isinstance(metric, TemporalMetric)]
        return [m for m in usual if all(_at_hand(name, registry) for name in m.encoders)]
    every = list(registry.metrics.values())
    asked = [every if name == "all" else registry.metric(name) for name in args.metric]
    return list({metric.id: metric for some in asked for metric in some}.values())


def _at_hand(encoder: str, registry: Registry) -> bool:
    """Whether a metric's encoder is there and can be built without a download."""
    from bench import weights

    if encoder not in registry.encoders:
        warn(f"left out the metrics on encoder {encoder}: there is no such encoder")
        return False
    found = registry.encoder(encoder)
    return weights.find(found.weights, found.folders()) is not None


def context(args: argparse.Namespace, registry: Registry, pictures: Sequence[Picture]) -> Context:
    """Device and precision as asked for, and photographs to adapt on, read."""
    from bench import images
    from bench.contract import Context

    device, precision = machine(args)
    store = images.photographs(pictures, 512, report=warn)
    store.place(device)
    return Context(device, precision, store, registry.encoder)


def machine(args: argparse.Namespace) -> tuple[torch.device, Precision]:
    """Device, threads and precision as asked for or probed; freed memory is kept for later."""
    from bench.machine.allocator import keep_freed_memory
    from bench.machine.device import choose_device, choose_precision
    from bench.machine.threads import ask_threads, fit_threads

    keep_freed_memory()
    device = choose_device(args.device)
    ask_threads(args.threads)
    precision = choose_precision(args.precision, device)
    fit_threads(device, precision)
    return device, precision


def adaptation(args: argparse.Namespace, registry: Registry) -> Sequence[Picture]:
    """The photographs of `--adapt-content`, or the embedded ones."""
    if not args.adapt_content:
        return registry.dataset("default")().adaptation()
    paths = os.pathsep.join(args.adapt_content)
    folder = registry.dataset("folder")
    chosen = {"content": paths}
    from bench import options

    return folder(options.build(folder.Options, chosen, "folder")).contents()


def warn(text: str) -> None:
    """A line on the terminal that is no result."""
    print(f"bench: {text}", file=sys.stderr)


def note_left_out(paths: Iterable[str]) -> None:
    """Say what the folders among the paths hold beside pictures."""
    from bench import picture_files
    from bench.paths import expanded

    folders = [path for path in dict.fromkeys(map(expanded, paths)) if path.is_dir()]
    for line in picture_files.survey(folders).notes():
        warn(line)


def stored(paths: Sequence[str], quiet: bool) -> PictureStore:
    """All pictures under the paths, decoded once into a cache on disk."""
    from bench import images, picture_files, progress, store
    from bench.paths import user_cache

    files = picture_files.find(paths)
    note_left_out(paths)
    read = functools.partial(images.array, short_side=256, report=warn)
    folder = user_cache() / "pictures"
    bar = functools.partial(progress.bar, desc="decoding", unit="picture", disable=quiet)
    pictures = store.cached(files, read, folder, bar, tag="short side 256")
    if not len(pictures):
        raise BenchError(f"none of the {len(files)} pictures in {', '.join(paths)} can be used")
    return pictures
