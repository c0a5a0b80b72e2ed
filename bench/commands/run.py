"""`bench run`: measure methods and print the table of the trade-off."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from bench import paths, protocols
from bench.anchors import ANCHORS
from bench.commands import _asked, _elsewhere, _isolating, _rows, _shared
from bench.commands._devices import by_device
from bench.commands._following import counted, follow, profile_name
from bench.commands._shared import AddCommand
from bench.errors import BenchError, StorageError, unknown

if TYPE_CHECKING:
    from bench.contract import Context, Dataset
    from bench.plugins.registry import Registry
    from bench.run.engines import Engine
    from bench.run.execution import Away
    from bench.run.plan import Plan


EXAMPLES = """examples:
  bench run --method metastyle                       the embedded pictures, a few minutes
  bench run --all --profile standard                 every method, an hour or more
  bench run --method johnson --option johnson.steps=400 --adapt-seconds 120
  bench run --method metastyle --method johnson --observe default       quality over adaptation
  bench run --method metastyle --method meta2=metastyle --option meta2.weights=other.safetensors
  bench run --method adain --method metastyle --sweep       weak to strong, for the frontier
  bench run --method ghiasi --runtime onnxruntime --runtime openvino    what they would give
  bench run --method mine --plugin mine.py           your own method
  bench run --method metastyle --device cuda --profile full --content PHOTOS/ --style PAINTINGS/
  bench run --protocol styleid-800 --option styleid.root=STYLEID/ --method metastyle
  bench run --method metastyle --device cuda:0 --device cpu             two tables in one report
  bench run --method metastyle --batch 1,4,16         pictures per second in batches
  bench run --resume                                 go on with the newest run
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench run`."""
    parser = command(
        "measure methods and print the table of the trade-off",
        EXAMPLES,
        interrupted="; the run had not begun",
    )
    _add_rows(parser)
    _shared.add_metrics(parser)
    _shared.add_pictures(parser)
    _shared.add_dataset(parser)
    parser.add_argument(
        "--size",
        action="append",
        type=_shared.size,
        default=[],
        metavar="PX",
        help="side of the pictures; repeatable",
    )
    parser.add_argument("--profile", metavar="NAME", help=_profile_help())
    parser.add_argument("--protocol", metavar="NAME", help=_protocol_help())
    parser.add_argument(
        "--adapt-seconds",
        type=_shared.seconds,
        metavar="S",
        help="end each adaptation after this long",
    )
    parser.add_argument(
        "--observe",
        type=_shared.steps,
        default=(),
        metavar="STEPS",
        help="stylize every content after so many steps of an adaptation, e.g. 0,10,100; "
        "default: 0, 1, 2, 5, 10, 20, 50 and so on (see bench report --curves)",
    )
    parser.add_argument(
        "--batch",
        type=_shared.batches,
        default=(),
        metavar="N,N",
        help="time the methods in batches of so many pictures too, e.g. 1,4,16; one without room"
        " in memory is a row, and the next is tried",
    )
    parser.add_argument(
        "--runs", type=Path, default=_shared.RUNS, metavar="DIR", help="where run folders go"
    )
    _add_resuming(parser)
    _elsewhere.add(parser)
    _isolating.add(parser)
    _shared.add_show(parser)
    _shared.add_machine(parser, several=True)
    _shared.add_plugins(parser)


def _add_rows(parser: argparse.ArgumentParser) -> None:
    """Which methods, and how many rows each."""
    parser.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="NAME",
        help="repeatable; ALIAS=NAME is another row of a method, with options of its own",
    )
    parser.add_argument("--all", action="store_true", help="every method there is")
    parser.add_argument(
        "--runtime",
        action="append",
        default=[],
        choices=_rows.RUNTIMES,
        help="a further row for each method whose network another runtime can run; repeatable",
    )
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="a row for each strength of a method that has one: how it trades content for style"
        " (see bench report --frontier)",
    )


def _add_resuming(parser: argparse.ArgumentParser) -> None:
    """Going on with a run that has begun."""
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        metavar="RUN",
        help="go on with a run folder; with the newest one by default",
    )
    parser.add_argument("--retry-failed", action="store_true", help="with --resume")


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Begin a run, on each device one, or go on with one."""
    if args.resume is not None:
        return _resume(args)
    if args.retry_failed:
        raise BenchError("--retry-failed goes with --resume")
    runs: list[Path] = []
    failed = [error for one in by_device(args) if (error := _begin(one, runs, args))]
    if failed:
        raise failed[0]
    return 0


def _begin(
    args: argparse.Namespace, runs: list[Path], whole: argparse.Namespace
) -> BenchError | None:
    """Begin a run on one device, to be shown with the others so far.

    What fails is said and returned where there are further devices.
    """
    try:
        _run(args, runs, whole)
    except StorageError:
        raise
    except BenchError as error:
        if len(whole.device or ()) < 2:
            raise
        _shared.warn(f"{args.device}: {error}")
        return error
    return None


def _run(args: argparse.Namespace, runs: list[Path], whole: argparse.Namespace) -> None:
    """One run; `runs` has those before it, and gets it."""
    from bench.run import recording

    args.profile = profile_name(args)
    engine = _elsewhere.engine(args)
    if args.isolate is None:
        args.isolate = _isolating.isolation_is_cheap(args)
    _isolating.prepare(args.isolate and not args.plan)
    registry = _shared.load_registry(args)
    if args.sweep:
        _rows.add_strengths(args, registry)
    for runtime in dict.fromkeys(args.runtime):
        _rows.add_runtime(args, registry, runtime)
    plan = _plan(args, registry)
    if args.plan:
        workers = args.workers if engine is None else engine.workers
        print(_elsewhere.forecast_of_plan(plan, args.runs, workers))
        return
    _shared.note_left_out([*args.content, *args.style, *args.adapt_content])
    context = _context(args, registry, plan.dataset)
    run = recording.start(plan, args.runs, context, registry)
    whole.interrupted = f"; what is finished is kept: go on with bench run --resume {run}"
    runs.append(run)
    _go_on(run, plan, context, args, engine, runs[:-1])


def _resume(args: argparse.Namespace) -> int:
    from bench import results
    from bench.cli import parser

    fresh = vars(parser("run").parse_args(["run"]))
    allowed = ("resume", "retry_failed", "runs", "quiet", "plugin", "show", *_elsewhere.OPTIONS)
    given = [key for key, value in vars(args).items() if value != fresh[key] and key not in allowed]
    if given:
        names = " ".join(f"--{key.replace('_', '-')}" for key in given)
        raise BenchError(f"--resume takes a run as it was begun: leave out {names}")
    engine = _elsewhere.engine(args)
    run = results.latest(args.runs) if args.resume is True else Path(args.resume)
    if args.plan:
        workers = args.workers if engine is None else engine.workers
        print(_elsewhere.forecast_of_run(run, args.runs, workers))
        return 0
    plan, context = reopen(run, args.plugin, worker=False)
    from bench.run import resuming

    if args.retry_failed:
        resuming.forget_failures(run)
    args.interrupted = f"; what is finished is kept: go on with bench run --resume {run}"
    return _go_on(run, plan, context, args, engine)


def _go_on(
    run: Path,
    plan: Plan,
    context: Context,
    args: argparse.Namespace,
    engine: Engine | None,
    before: Sequence[Path] = (),
) -> int:
    """Do what is left, with an engine elsewhere."""
    files = [str(at.absolute()) if (at := paths.expanded(p)).is_file() else p for p in args.plugin]
    away = _elsewhere.away(run, engine, functools.partial(reopen, plugins=files, elsewhere=True))
    return finish(run, plan, context, args.quiet, args.show, away, before)


def reopen(
    run: Path, plugins: Sequence[str] = (), worker: bool = True, elsewhere: bool = False
) -> tuple[Plan, Context]:
    """What a run was begun with, made again; its record names no code to load, `plugins` does.

    `worker`: this process is one of those of a command that has done so before.
    `elsewhere`: it may be on another machine, see `bench.run.resuming.check_resumable`.
    """
    from bench import results
    from bench.plugins.discovery import name_of, require_named
    from bench.run import resuming

    record = results.read_run(run)
    asked = record.specification
    if asked is None:
        raise BenchError(
            f"{run} does not say what it was asked for, as it is of bench score or of an older"
            " bench: it cannot be resumed, do it again"
        )
    values = {field.name: getattr(asked, field.name) for field in fields(asked)}
    begun = argparse.Namespace(**values)
    begun.plugin, begun.all = list(plugins), False
    if not worker:
        _isolating.prepare(begun.isolate)
    registry = _shared.load_registry(begun, tried=worker)
    require_named(run, asked.plugin, [*map(name_of, plugins), *(p.name for p in registry.plugins)])
    plan = _plan(begun, registry)
    # a second probe might choose others
    begun.precision = record.environment.precision
    begun.threads = record.environment.threads
    context = _context(begun, registry, plan.dataset)
    resuming.check_resumable(run, plan, context, worker and not elsewhere, elsewhere)
    return plan, context


def finish(
    run: Path,
    plan: Plan,
    context: Context,
    quiet: bool,
    show: bool | None = False,
    away: Away | None = None,
    before: Sequence[Path] = (),
) -> int:
    """Do what is left of a run, print its table, and show its pictures.

    `before`: runs on other devices, which are shown in the same report, each environment by itself.
    """
    from bench import report, results
    from bench.report import sheet, terminal_pictures
    from bench.run import execution

    record = results.read_run(run)
    for skipped in record.skipped:
        _shared.warn(f"left out {skipped.role} {skipped.name}: {skipped.reason}")
    execution.execute(run, plan, context, quiet, away)
    others = [results.read_run(path).environment.fingerprint for path in before]
    if record.environment.fingerprint in others:  # a report would show the newest alone
        _shared.warn(f"{record.environment.device} is like another device: shown by itself")
        before = ()
    frames = results.load([*before, run])
    print(report.render(frames, "plain", all_metrics=bool(record.protocol)))
    seen = sheet.of_run(run)
    terminal_pictures.show(seen, show)
    print(f"\npictures    {seen}, one by one in {run / 'images'}")
    print(f"page        bench report {run} --html page/")
    asked = frames.cells[frames.cells["run"].eq(record.id) & ~frames.cells["method"].isin(ANCHORS)]
    failed = asked[asked["status"] != "ok"]
    if len(asked) and len(failed) == len(asked):
        raise BenchError(f"every cell failed: {failed['reason'].iloc[0]}")
    return 0


def _plan(args: argparse.Namespace, registry: Registry) -> Plan:
    from bench import options
    from bench.images import CROPPED, Fit
    from bench.run.plan import Chosen, Plan
    from bench.run.profiles import PROFILES

    protocol = protocols.named(args.protocol) if args.protocol else None
    if args.profile not in PROFILES:
        raise unknown("profile", args.profile, PROFILES)
    profile = PROFILES[args.profile]
    rows = _rows.chosen(args, registry)
    given = _shared.given_options(args, registry, rows)
    methods = {}
    for name, cls in rows.items():
        values = {**cls.budgets.get(profile.name, {}), **given.get(name, {})}
        methods[name] = Chosen(cls, options.build(cls.Options, values, name))
    differs = follow(args, protocol) if protocol else []
    dataset = _shared.dataset(args, registry, given)
    metrics = _shared.metrics(args, registry, dataset.moves)
    for owner in given:
        if owner not in methods and owner != dataset.name:
            raise BenchError(f"--option {owner}.…: {owner} takes no part in this run")
    asked = _asked.specification(args, registry, rows, [metric.id for metric in metrics])
    whole = protocol is not None
    contents, styles = (
        found[: limit or (None if whole or always else usual)]
        for found, limit, usual, always in (
            (dataset.contents(), args.contents, profile.contents, dataset.moves),
            (dataset.styles(), args.styles, profile.styles, False),
        )
    )
    return Plan(
        methods=methods,
        metrics=metrics,
        dataset=dataset,
        profile=profile,
        contents=contents,
        styles=styles,
        sizes=tuple(sorted(set(args.size))) or profile.sizes,
        seed=args.seed,
        adapt_seconds=args.adapt_seconds,
        command=_asked.command(asked),
        specification=asked,
        observe=args.observe or profile.observe,
        batches=args.batch,
        threads=args.threads,
        reopen=functools.partial(reopen, plugins=args.plugin) if args.isolate else None,
        hang_seconds=args.hang_seconds,
        fit=Fit(protocol.square, protocol.filter) if protocol else CROPPED,
        protocol=args.protocol or "",
        differs=[*differs, *counted(protocol, len(contents), len(styles))],
    )


def _context(args: argparse.Namespace, registry: Registry, dataset: Dataset) -> Context:
    """Device and precision as asked for, and the photographs that methods may adapt on."""
    pictures = _shared.adaptation(args, registry) if args.adapt_content else dataset.adaptation()
    both = {p.fingerprint for p in pictures} & {p.fingerprint for p in dataset.contents()}
    for picture in pictures:
        if picture.fingerprint in both:
            raise BenchError(f"{picture.path or picture.name} is a content: do not adapt on it too")
    if not pictures:
        evaluated = {picture.fingerprint for picture in dataset.contents()}
        embedded = registry.dataset("default")().adaptation()
        pictures = [picture for picture in embedded if picture.fingerprint not in evaluated]
    return _shared.context(args, registry, pictures)


def _profile_help() -> str:
    from bench.run.profiles import PROFILES

    described = "; ".join(f"{p.name}: {p.help}" for p in PROFILES.values())
    return f"{described} (default: quick; standard with --protocol)"


def _protocol_help() -> str:
    described = "; ".join(f"{p.name}: {p.help}" for p in protocols.PROTOCOLS.values())
    return f"evaluate as a paper does: {described}"
