"""`bench stylize`: a method, or a saved style, on your own pictures."""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands import _adapting, _shared
from bench.commands._shared import AddCommand
from bench.contract import Picture
from bench.errors import BenchError
from bench.paths import real

if TYPE_CHECKING:
    from torch import Tensor

    from bench.contract import Method
    from bench.plugins.registry import Registry
    from bench.stylize.video import Clip

EXAMPLES = """examples:
  bench stylize --style starry.jpg photo.jpg -o out.png
  bench stylize --method gatys --style starry.jpg --size 384 photo.jpg -o out.png
  bench stylize --style starry.jpg one.jpg two.jpg FRAMES/ -o OUT_FOLDER/
  bench stylize --style starry.jpg --size 360 clip.mp4 -o out.mp4
  bench stylize --weights starry.safetensors photo.jpg -o out.png     after bench adapt
  bench stylize --weights starry.safetensors:0.3 --weights wave.safetensors:0.7 photo.jpg -o out.png
"""


@dataclass(frozen=True)
class _Job:
    """A file to stylize, as a clip where its frames are wanted, and where the result goes."""

    source: Path
    clip: Clip | None
    out: Path


def add(command: AddCommand) -> None:
    """The arguments of `bench stylize`."""
    parser = command("use a method, or a saved style, on your own pictures", EXAMPLES)
    parser.add_argument(
        "content",
        nargs="+",
        help="pictures to stylize, folders of them with their subfolders, videos (without sound) "
        "or animated GIFs",
    )
    parser.add_argument("--method", metavar="NAME", help=f"({_adapting.DEFAULT})")
    parser.add_argument("--style", metavar="PICTURE", help="adapt to it first")
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="FILE[:SHARE]",
        help="instead of --style: what bench adapt wrote; several are mixed, in equal shares or "
        "in those given, which sum to 1",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="a picture, a video, or a folder for all results side by side, as NAME-2 where "
        "subfolders share a name",
    )
    parser.add_argument(
        "--size",
        type=_shared.size,
        metavar="PX",
        help="shorter side of the results; by default as they are",
    )
    _adapting.add_adaptation(parser)
    _shared.add_machine(parser)
    _shared.add_plugins(parser)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Adapt to the style once, or take up saved ones, and stylize each picture."""
    registry = _shared.load_registry(args)
    jobs = _jobs(args)
    method = _saved(args, registry) if args.weights else _fresh(args, registry)
    from bench import images, progress

    counts = [job.clip.count if job.clip else 1 for job in jobs]
    total = None if None in counts else sum(count or 0 for count in counts)
    with progress.bar(total=total, desc="stylizing", unit="picture", disable=args.quiet) as bar:
        for done, job in enumerate(jobs):
            args.interrupted = f"; {done} of {len(jobs)} results are in {job.out.parent}"
            if job.clip:
                _film(args, method, job.clip, job.out, bar)
            else:
                read = functools.partial(images.open_picture, job.source)
                images.save(_stylize(args, method, Picture(str(job.source), read)), job.out)
                bar.update()
            bar.write(str(job.out))
    return 0


def _film(args: argparse.Namespace, method: Method, clip: Clip, out: Path, bar: Any) -> None:
    """Every frame of a clip; after Ctrl-C those that are finished."""
    from bench import images
    from bench.stylize import video

    with video.writer(out, clip) as write:
        for number, frame in enumerate(video.frames(clip), 1):
            read = functools.partial(getattr, frame, "picture")
            picture = Picture(f"{clip.path}, frame {number}", read)
            stylized = images.to_image(_stylize(args, method, picture))
            write(replace(frame, picture=stylized))
            args.interrupted = f"; {out} holds the first {number} frames"
            bar.update()


def _saved(args: argparse.Namespace, registry: Registry) -> Method:
    """The method of the saved styles, as adapted as they are, or as their mixture is."""
    for name in ("method", "style", "adapt_content"):
        if getattr(args, name):
            raise BenchError(
                f"--weights holds an adapted style: leave out --{name.replace('_', '-')}"
            )
    return _adapting.taken_up(args, registry, args.weights)


def _fresh(args: argparse.Namespace, registry: Registry) -> Method:
    """The method, adapted to the picture of `--style`."""
    if args.style is None:
        raise BenchError("give --style PICTURE, or --weights with what bench adapt wrote")
    name = args.method or _adapting.DEFAULT
    cls, options = _adapting.choose(args, registry, name)
    style = _adapting.read_style(args)
    context = _shared.context(args, registry, _shared.adaptation(args, registry))
    with _adapting.failures(name):
        method = _adapting.load(cls, context, options)
        _adapting.adapt(args, method, style)
    return method


def _stylize(args: argparse.Namespace, method: Method, picture: Picture) -> Tensor:
    """One picture, (1, 3, H, W), in the style that the method is adapted to."""
    from bench import images
    from bench.contract import phases
    from bench.run.cells import check_picture
    from bench.run.seeds import seed

    given = images.load(picture, args.size, crop=False)
    content = method.context.precision.layout(given.to(method.context.device))
    with _adapting.failures(method.name):
        seed(args.seed, "stylize")
        stylized = phases.stylize(method, content)
        check_picture(stylized, content)
    return stylized


def _jobs(args: argparse.Namespace) -> list[_Job]:
    """What to stylize, all readable, and where each result goes: no two to one place."""
    from bench import picture_files
    from bench.stylize import video

    files = picture_files.find(args.content)
    _shared.note_left_out(args.content)
    for folder in filter(Path.is_dir, map(Path, args.content)):
        if films := [file for file in folder.rglob("*") if file.suffix.lower() in video.READS]:
            _shared.warn(f"videos in {folder} are passed over, name each: {min(films)} and such")
    jobs = _placed(args, files)
    read = {real(file) for file in (*files, Path(args.style or files[0]))}
    for job in jobs:
        if real(job.out) in read:
            raise BenchError(f"-o {args.out}: {job.out} is read and would be lost: name another")
    return jobs


def _placed(args: argparse.Namespace, files: Sequence[Path]) -> list[_Job]:
    """A job for each file."""
    from bench import images, picture_files
    from bench.stylize import video

    clips: dict[Path, Clip | None] = {}
    named = {Path(path) for path in args.content}
    for file in files:
        try:
            clips[file] = video.open_clip(file) if video.is_clip(file) else None
            if clips[file] is None:
                images.open_picture(file)
        except BenchError as error:
            if file in named:
                raise
            clips.pop(file, None)
            _shared.warn(f"left out {error}")
    if not clips:
        raise BenchError(f"none of the {len(files)} pictures in {args.content[0]} can be used")
    files = list(clips)
    suffix = args.out.suffix.lower()
    if len(files) == 1 and suffix and not args.out.is_dir():
        clip = clips[files[0]]
        if files[0].suffix.lower() == ".gif" and suffix not in video.WRITES:
            clip = None  # a picture of an animated GIF is its first frame
        if clip:
            video.check_writable(args.out)
        else:
            images.picture_format(args.out)
        return [_Job(files[0], clip, args.out)]
    if suffix in (*picture_files.SUFFIXES, *video.WRITES):
        raise BenchError(f"-o {args.out}: name a folder for {len(files)} pictures")
    outs: dict[Path, None] = {}  # in order
    for file, clip in clips.items():
        kind = file.suffix if clip and file.suffix.lower() in video.WRITES else ".mp4"
        end = kind if clip else ".png"
        stems = (file.stem if n == 1 else f"{file.stem}-{n}" for n in itertools.count(1))
        outs[next(o for o in (args.out / f"{s}{end}" for s in stems) if o not in outs)] = None
    return [_Job(*parts) for parts in zip(files, clips.values(), outs, strict=True)]
