"""The command line. Each command imports what it needs, so that `--help` and `report` are fast."""

from __future__ import annotations

import argparse
import io
import itertools
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bench.errors import BenchError, unknown

if TYPE_CHECKING:
    import torch

    from bench.contract import Dataset, Picture
    from bench.device import Context, Precision
    from bench.registry import Registry
    from bench.runner import Plan

RUNS = Path("runs")
PRECISIONS = ("auto", "float32", "float32/channels_last", "bfloat16")
ANCHORS = ("identity", "style-copy")

EXAMPLES = """examples:
  bench run --method metastyle
  bench run --method metastyle --method gatys --content PHOTOS/ --style PAINTINGS/ --size 512
  bench run --resume
  bench report --format github
  bench stylize --method metastyle --style starry.jpg photo.jpg -o out.png
  bench train metastyle --content PHOTOS/ --style PAINTINGS/ --minutes 60 --out meta.safetensors
"""
RUN_EXAMPLES = """examples:
  bench run --method metastyle                       the embedded pictures, a few minutes
  bench run --all --profile standard                 every method, an hour or more
  bench run --method johnson --option johnson.steps=400 --adapt-seconds 120
  bench run --method mine --plugin mine.py           your own method
  bench run --method metastyle --device cuda --profile full --content PHOTOS/ --style PAINTINGS/
  bench run --resume                                 go on with the newest run
"""
TRAIN_EXAMPLES = """examples:
  bench train metastyle --content PHOTOS/ --style ART/ --minutes 120 --out meta.safetensors
  bench train metastyle --content PHOTOS/ --style ART/ --minutes 240 --out meta.safetensors --resume
  bench run --method metastyle --option metastyle.weights=meta.safetensors
"""
STYLIZE_EXAMPLES = """examples:
  bench stylize --method metastyle --style starry.jpg photo.jpg -o out.png
  bench stylize --method gatys --style starry.jpg --size 384 photo.jpg -o out.png
  bench stylize --method metastyle --style starry.jpg one.jpg two.jpg -o OUT_FOLDER/
"""


class _Parser(argparse.ArgumentParser):
    """Errors in one line, with the nearest word where there is one."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = None if action.choices is None else list(action.choices)
        if choices is not None and value not in choices:
            kind = "command" if action.dest == "run_command" else str(action.option_strings or "")
            name = kind.strip("[']") or "value"
            raise argparse.ArgumentError(None, str(unknown(name, str(value), map(str, choices))))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal has an arrow
            stream.reconfigure(errors="replace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(arguments)
    try:
        return int(args.run_command(args, arguments) or 0)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"bench: interrupted{args.interrupted}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    from bench import __version__

    top = _Parser(
        prog="bench",
        description="Benchmark neural style transfer: speed, flexibility and quality.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"bench {__version__}")
    top.set_defaults(interrupted="")
    commands = top.add_subparsers(
        metavar="COMMAND", dest="run_command", required=True, parser_class=_Parser
    )

    def command(name: str, run: Any, help: str, epilog: str = "", **defaults: Any) -> _Parser:
        made: _Parser = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run_command=run, **defaults)
        return made

    run = command(
        "run",
        _run,
        "measure methods and print the table of the trade-off",
        RUN_EXAMPLES,
        interrupted="; the run had not begun",
    )
    run.add_argument("--method", action="append", default=[], metavar="NAME", help="repeatable")
    run.add_argument("--all", action="store_true", help="every method there is")
    run.add_argument("--metric", action="append", default=[], metavar="ID", help="id or name; "
                     "repeatable; by default all whose weights are here")  # fmt: skip
    _pictures(run)
    run.add_argument("--dataset", metavar="NAME", help="default: the embedded set, or folder "
                     "where --content or --style is given")  # fmt: skip
    run.add_argument("--size", action="append", type=_size, default=[], metavar="PX",
                     help="side of the pictures; repeatable")  # fmt: skip
    run.add_argument("--profile", default="quick", metavar="NAME", help=_profile_help())
    run.add_argument("--contents", type=_count, metavar="N", help="only the first N contents")
    run.add_argument("--styles", type=_count, metavar="N", help="only the first N styles")
    run.add_argument("--adapt-seconds", type=_positive, metavar="S",
                     help="end each adaptation after this long")  # fmt: skip
    run.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help="where run folders go")
    run.add_argument("--resume", nargs="?", const="", metavar="RUN",
                     help="go on with a run folder; with the newest one by default")  # fmt: skip
    run.add_argument("--retry-failed", action="store_true", help="with --resume")
    _machine(run)
    _plugins(run)

    listing = command("list", _list, "methods, metrics, datasets, encoders and plugins")
    listing.add_argument("what", nargs="?", help="one of these sections, or broken")
    listing.add_argument("--format", choices=("plain", "json"), default="plain")
    _plugins(listing, options=False)

    report = command(
        "report",
        _report,
        "print the three-way table of the runs so far",
        "examples:\n  bench report\n  bench report runs/20261122-101500-1a2b --format latex\n",
    )
    report.add_argument("run", nargs="*", type=Path, help="run folders; default: all under --runs")
    report.add_argument("--runs", type=Path, default=RUNS, metavar="DIR")
    report.add_argument(
        "--format", choices=("plain", "github", "latex", "csv", "json", "html"), default="plain"
    )
    report.add_argument("--all-metrics", action="store_true", help="not just the judges'")
    report.add_argument("-o", "--out", type=Path, metavar="FILE", help="instead of the terminal")

    train = command(
        "train",
        _train,
        "train a method's weights on two folders of pictures",
        TRAIN_EXAMPLES,
        interrupted="",
    )
    train.add_argument("method", help="a method that can be trained")
    train.add_argument("--content", action="append", required=True, metavar="PATH",
                       help="photographs: folder or file; repeatable")  # fmt: skip
    train.add_argument("--style", action="append", required=True, metavar="PATH",
                       help="styles: folder or file; repeatable")  # fmt: skip
    train.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors")
    train.add_argument("--minutes", type=_positive, help="wall time in all, resumed parts included")
    train.add_argument("--steps", type=_count, help="steps in all")
    train.add_argument("--save-minutes", type=_positive, default=5.0, help="between two saves")
    train.add_argument("--resume", action="store_true", help="go on with an unfinished training")
    _machine(train)
    _plugins(train)

    stylize = command("stylize", _stylize, "use a method on your own pictures", STYLIZE_EXAMPLES)
    stylize.add_argument("photo", nargs="+", help="pictures to stylize, or folders of them")
    stylize.add_argument("--method", required=True, metavar="NAME")
    stylize.add_argument("--style", required=True, metavar="PICTURE")
    stylize.add_argument("-o", "--out", type=Path, required=True, help="a picture, or a folder")
    stylize.add_argument("--size", type=_size, metavar="PX", help="shorter side of the results; "
                         "by default as they are")  # fmt: skip
    stylize.add_argument("--style-size", type=_size, default=512, metavar="PX",
                         help="shorter side at which the style is seen (512)")  # fmt: skip
    stylize.add_argument("--adapt-content", action="append", default=[], metavar="PATH",
                         help="photographs to adapt on; the embedded ones by default")  # fmt: skip
    _machine(stylize)
    _plugins(stylize)
    return top


def _profile_help() -> str:
    from bench.profiles import PROFILES

    return "; ".join(f"{p.name}: {p.help}" for p in PROFILES.values()) + " (default: quick)"


def _pictures(command: argparse.ArgumentParser) -> None:
    for name, help in (
        ("content", "photographs to stylize: folder or file; repeatable"),
        ("style", "styles: folder or file; repeatable"),
        ("adapt-content", "photographs that methods adapt on; the embedded ones by default"),
    ):
        command.add_argument(f"--{name}", action="append", default=[], metavar="PATH", help=help)


def _machine(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu")
    command.add_argument("--precision", choices=PRECISIONS, default="auto",
                         help="auto measures which is fastest here")  # fmt: skip
    command.add_argument("--threads", type=_count, metavar="N", help="CPU threads")
    command.add_argument("--seed", type=_seed, default=0, metavar="N")
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def _plugins(command: argparse.ArgumentParser, options: bool = True) -> None:
    command.add_argument("--plugin", action="append", default=[], metavar="MODULE_OR_FILE",
                         help="load this plugin too; repeatable")  # fmt: skip
    if options:
        command.add_argument("--option", action="append", default=[], metavar="NAME.KEY=VALUE",
                             help="a plugin's option, see bench list; repeatable")  # fmt: skip


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to 2^63 - 1")
    return int(text)


def _size(text: str) -> int:
    if not text.isdigit() or not 32 <= int(text) <= 8192:
        raise argparse.ArgumentTypeError(f"{text} is not a size in pixels from 32 to 8192")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _run(args: argparse.Namespace, arguments: list[str]) -> int:
    if args.resume is not None:
        return _resume(args)
    if args.retry_failed:
        raise BenchError("--retry-failed goes with --resume")
    registry = _registry(args)
    plan = _plan(args, registry)
    from bench import runner

    context = _context(args, registry, plan.dataset)
    run = runner.start(plan, args.runs, context, registry)
    args.interrupted = f"; what is finished is kept: go on with bench run --resume {run}"
    return _execute(run, plan, context, args.quiet)


def _resume(args: argparse.Namespace) -> int:
    from bench import results

    fresh = vars(parser().parse_args(["run"]))
    allowed = ("resume", "retry_failed", "runs", "quiet")
    given = [key for key, value in vars(args).items() if value != fresh[key] and key not in allowed]
    if given:
        names = " ".join(f"--{key.replace('_', '-')}" for key in given)
        raise BenchError(f"--resume takes a run as it was begun: leave out {names}")
    run = Path(args.resume) if args.resume else results.latest(args.runs)
    record = results.read_run(run)
    begun = parser().parse_args(shlex.split(record["command"])[1:])
    registry = _registry(begun)
    plan = _plan(begun, registry)
    from bench import runner

    begun.precision = record["environment"]["precision"]  # a second probe might choose another
    context = _context(begun, registry, plan.dataset)
    runner.check_resumable(run, plan, context)
    if args.retry_failed:
        runner.forget_failures(run)
    args.interrupted = f"; what is finished is kept: go on with bench run --resume {run}"
    return _execute(run, plan, context, args.quiet)


def _execute(run: Path, plan: Plan, context: Context, quiet: bool) -> int:
    from bench import report, results, runner

    record = results.read_run(run)
    for skipped in record["skipped"]:
        _warn(f"left out {skipped['role']} {skipped['name']}: {skipped['reason']}")
    runner.execute(run, plan, context, quiet)
    frames = results.load([run])
    print(report.render(frames, "plain"))
    print(f"\nrun folder  {run}\npictures    {run / 'images'}")
    asked = frames.cells[~frames.cells["method"].isin(ANCHORS)]
    failed = asked[asked["status"] != "ok"]
    if len(asked) and len(failed) == len(asked):
        raise BenchError(f"every cell failed: {failed['reason'].iloc[0]}")
    return 0


def _plan(args: argparse.Namespace, registry: Registry) -> Plan:
    from bench import options
    from bench.profiles import PROFILES
    from bench.runner import Chosen, Plan

    if args.profile not in PROFILES:
        raise unknown("profile", args.profile, PROFILES)
    profile = PROFILES[args.profile]
    names = list(registry.methods) if args.all else list(dict.fromkeys(args.method))
    if not names:
        raise BenchError("no method: give --method NAME or --all; bench list methods shows them")
    names = [*ANCHORS, *(name for name in names if name not in ANCHORS)]
    given = _given_options(args, registry)
    methods = {}
    for name in names:
        cls = registry.method(name)
        values = {**profile.options.get(name, {}), **given.get(name, {})}
        methods[name] = Chosen(cls, options.build(cls.Options, values, name))
    if args.metric:
        metrics = list({m.id: m for name in args.metric for m in registry.metric(name)}.values())
    else:
        metrics = [m for m in registry.metrics.values() if _at_hand(m.encoder, registry)]
    dataset = _dataset(args, registry, given)
    for owner in given:
        if owner not in methods and owner != dataset.name:
            raise BenchError(f"--option {owner}.…: {owner} takes no part in this run")
    contents = args.contents or profile.contents
    styles = args.styles or profile.styles
    return Plan(
        methods=methods,
        metrics=metrics,
        dataset=dataset,
        profile=profile,
        contents=dataset.contents()[:contents],
        styles=dataset.styles()[:styles],
        sizes=tuple(sorted(set(args.size))) or profile.sizes,
        seed=args.seed,
        adapt_seconds=args.adapt_seconds,
        command=_command(args, registry, list(methods), [metric.id for metric in metrics]),
    )


def _command(
    args: argparse.Namespace, registry: Registry, methods: Sequence[str], metrics: Sequence[str]
) -> str:
    """The command line again, so that it resumes from anywhere and whatever is installed later.

    Paths are absolute; methods and metrics are named one by one.
    """
    from bench import options

    words = ["bench", "run"]
    for name in ("content", "style", "adapt_content"):
        for path in getattr(args, name):
            words += [f"--{name.replace('_', '-')}", str(Path(path).expanduser().absolute())]
    for plugin in args.plugin:
        file = Path(plugin).expanduser()
        words += ["--plugin", str(file.absolute()) if file.is_file() else plugin]
    for name, values in (("method", methods), ("metric", metrics), ("size", args.size)):
        for value in values:
            words += [f"--{name}", str(value)]
    plugins: dict[str, type[Any]] = {**registry.methods, **registry.datasets}
    for owner, values in options.parse_pairs(args.option).items():
        for key, value in values.items():
            if options.is_path(plugins[owner].Options, key) and Path(value).expanduser().exists():
                value = str(Path(value).expanduser().absolute())
            words += ["--option", f"{owner}.{key}={value}"]
    for name in ("dataset", "contents", "styles", "adapt_seconds", "threads"):
        if getattr(args, name) is not None:
            words += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    for name in ("profile", "device", "precision", "seed"):
        words += [f"--{name}", str(getattr(args, name))]
    return shlex.join(words)


def _registry(args: argparse.Namespace) -> Registry:
    from bench import registry

    loaded = registry.load(args.plugin)
    loaded.require()
    return loaded


def _given_options(args: argparse.Namespace, registry: Registry) -> dict[str, dict[str, str]]:
    from bench import options

    given = options.parse_pairs(args.option)
    for owner in given:
        if owner not in registry.methods and owner not in registry.datasets:
            raise unknown("plugin in --option", owner, [*registry.methods, *registry.datasets])
    return given


def _at_hand(encoder: str | None, registry: Registry) -> bool:
    """Whether a metric's encoder is there and can be built without a download."""
    from bench import weights

    if encoder is None:
        return True
    if encoder not in registry.encoders:
        _warn(f"left out the metrics on encoder {encoder}: there is no such encoder")
        return False
    found = registry.encoder(encoder)
    return weights.find(found.weights, found.folders()) is not None


def _dataset(
    args: argparse.Namespace, registry: Registry, given: dict[str, dict[str, str]]
) -> Dataset:
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


def _context(args: argparse.Namespace, registry: Registry, dataset: Dataset) -> Context:
    """Device and precision as asked for, and the photographs that methods may adapt on."""
    pictures = _adaptation(args, registry) if args.adapt_content else dataset.adaptation()
    both = {p.fingerprint for p in pictures} & {p.fingerprint for p in dataset.contents()}
    for picture in pictures:
        if picture.fingerprint in both:
            raise BenchError(f"{picture.path or picture.name} is a content: do not adapt on it too")
    if not pictures:
        evaluated = {picture.fingerprint for picture in dataset.contents()}
        embedded = registry.dataset("default")().adaptation()
        pictures = [picture for picture in embedded if picture.fingerprint not in evaluated]
    return _context_with(args, registry, pictures)


def _context_with(
    args: argparse.Namespace, registry: Registry, pictures: Sequence[Picture]
) -> Context:
    from bench import images
    from bench.device import Context

    device, precision = _chosen_machine(args)
    store = images.photographs(pictures, 512, report=_warn)
    return Context(device, precision, store, registry.encoder)


def _chosen_machine(args: argparse.Namespace) -> tuple[torch.device, Precision]:
    """Threads, device and precision as asked for."""
    import torch

    from bench.device import choose_device, choose_precision

    if args.threads:
        torch.set_num_threads(args.threads)
    device = choose_device(args.device)
    return device, choose_precision(args.precision, device)


def _warn(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr)


def _list(args: argparse.Namespace, _: list[str]) -> int:
    from bench import listing, registry

    loaded = registry.load(args.plugin)
    print(listing.describe(loaded, args.what, args.format))
    loaded.require()
    return 0


def _report(args: argparse.Namespace, _: list[str]) -> int:
    from bench import report, results

    runs = args.run or results.find_runs(args.runs)
    if not runs:
        results.latest(args.runs)  # says that there is none
    text = report.render(results.load(runs), args.format, all_metrics=args.all_metrics)
    if args.out is None:
        print(text)
        return 0
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BenchError(f"--out {args.out} cannot be written: {error.strerror}") from None
    return 0


def _train(args: argparse.Namespace, arguments: list[str]) -> int:
    from bench import options, training

    registry = _registry(args)
    cls = registry.method(args.method)
    task = cls.training
    if task is None:
        able = [name for name, method in registry.methods.items() if method.training]
        raise BenchError(f"{args.method} has nothing to train; these have: {', '.join(able)}")
    if args.out.suffix != ".safetensors":
        raise BenchError(f"--out {args.out}: the file's name must end in .safetensors")
    if args.minutes is None and args.steps is None:
        raise BenchError("training needs an end: give --minutes or --steps")
    given = options.parse_pairs(args.option)
    if strangers := set(given) - {args.method}:
        raise BenchError(f"--option {strangers.pop()}: only options of {args.method} apply here")
    chosen = options.build(task.Options, given.get(args.method, {}), args.method)
    import torch

    from bench.device import Context

    device, precision = _chosen_machine(args)
    contents, styles = (_store(paths, args.quiet) for paths in (args.content, args.style))
    context = Context(device, precision, contents, registry.encoder)
    torch.manual_seed(args.seed)
    budget = training.Budget(args.minutes, args.steps, args.save_minutes)
    about = {"command": f"`{shlex.join(['bench', *arguments])}`", "method": cls.citation}
    progress = training.train(
        task(context, styles, chosen),
        args.out,
        budget,
        about,
        resume=args.resume,
        quiet=args.quiet,
    )
    print(
        f"{progress.step} steps in {progress.seconds / 60:.1f} minutes\n"
        f"weights     {args.out}\nmodel card  {args.out.with_suffix('.md')}\n"
        f"go on with  the same command, --resume and a larger budget"
    )
    if progress.interrupted:
        _warn("interrupted before its budget was used up")
        return 130
    return 0


def _store(paths: Sequence[str], quiet: bool) -> Any:
    """All pictures under the paths, decoded once into a cache on disk."""
    import functools

    from tqdm import tqdm

    from bench import images, store, weights

    files = images.find(paths)
    read = functools.partial(images.array, short_side=256, report=_warn)
    folder = weights.user_folder().parent / "pictures"
    progress = functools.partial(tqdm, desc="decoding", unit="picture", disable=quiet)
    made = store.cached(files, read, folder, progress, tag="short side 256")
    if not len(made):
        raise BenchError(f"none of the {len(files)} pictures in {', '.join(paths)} can be used")
    return made


def _stylize(args: argparse.Namespace, _: list[str]) -> int:
    from tqdm import tqdm

    from bench import images, options, phases, runner

    registry: Registry = _registry(args)
    cls = registry.method(args.method)
    given = _given_options(args, registry)
    chosen = options.build(cls.Options, given.get(args.method, {}), args.method)
    photos, outs = _photos(args)
    style = images.load(Path(args.style), args.style_size, crop=False)
    pictures = _adaptation(args, registry)
    context = _context_with(args, registry, pictures)
    place = context.precision.layout
    try:
        runner.seed(args.seed, "load")
        method = cls(context, chosen)
        method.load()
        runner.seed(args.seed, "adapt")
        adapting = phases.adapting(method, place(style.to(context.device)))
        label = f"adapting to {Path(args.style).name}"
        for _step in tqdm(adapting, desc=label, unit="step", disable=args.quiet):
            pass
        for photo, out in tqdm(
            list(zip(photos, outs, strict=True)), "stylizing", unit="picture", disable=args.quiet
        ):
            content = place(images.load(photo, args.size, crop=False).to(context.device))
            runner.seed(args.seed, "stylize")
            made = phases.stylize(method, content)
            runner.check_picture(made, content)
            images.save(made, out)
            tqdm.write(str(out))
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"{args.method}: {runner.describe_failure(error)[1]}") from error
    return 0


def _photos(args: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """The photos to stylize, all readable, and where each result goes, no two to one place."""
    from bench import images

    files = images.find(args.photo)
    for file in files:
        images.open_picture(file)
    if len(files) == 1 and args.out.suffix and not args.out.is_dir():
        images.picture_format(args.out)
        return files, [args.out]
    if args.out.suffix.lower() in images.SUFFIXES:
        raise BenchError(f"-o {args.out}: name a folder for {len(files)} pictures")
    outs: list[Path] = []
    for file in files:
        stems = (file.stem if n == 1 else f"{file.stem}-{n}" for n in itertools.count(1))
        outs.append(next(o for o in (args.out / f"{s}.png" for s in stems) if o not in outs))
    return files, outs


def _adaptation(args: argparse.Namespace, registry: Registry) -> Sequence[Picture]:
    if not args.adapt_content:
        return registry.dataset("default")().adaptation()
    paths = os.pathsep.join(args.adapt_content)
    folder = registry.dataset("folder")
    chosen = {"content": paths}
    from bench import options

    return folder(options.build(folder.Options, chosen, "folder")).contents()


__all__ = ["main", "parser"]
