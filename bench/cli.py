"""The command line: `COMMANDS` names the commands, each a file in `bench.commands`."""

from __future__ import annotations

import argparse
import codecs
import errno
import functools
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from bench import interrupts
from bench.errors import BenchError, cause_of, unknown
from bench.interrupts import Interrupted
from bench.machine.openmp import wait_passively

COMMANDS = (
    "demo",
    "run",
    "score",
    "list",
    "weights",
    "merge",
    "report",
    "sheet",
    "choose",
    "compare",
    "gate",
    "vote",
    "train",
    "study",
    "degrade",
    "adapt",
    "stylize",
    "export",
    "new",
    "check",
    "doctor",
)
"""Modules of `bench.commands`, in the order of the help; each has `add` and `execute`."""

EXAMPLES = """examples:
  bench demo                                     three methods in a minute, with pictures
  bench run --method metastyle
  bench run --method metastyle --method gatys --content PHOTOS/ --style PAINTINGS/ --size 512
  bench run --resume
  bench report --format github
  bench stylize --style starry.jpg photo.jpg -o out.png
  bench adapt --style starry.jpg -o starry.safetensors
  bench stylize --weights starry.safetensors clip.mp4 -o out.mp4
  bench train metastyle --content PHOTOS/ --style PAINTINGS/ --minutes 60 --out meta.safetensors
"""


_NEAREST = "bench-nearest"
_LETTERS = {"↑": "^", "↓": "v", "†": "+", "‡": "#", "§": "$", "–": "-", "—": "-", "…": "~",
            "×": "x", "·": "*", "±": "~", "≤": "<", "≥": ">", "µ": "u", "→": ">"}  # fmt: skip
"""For terminals that lack them: letters of the same width, different from each other in a table."""


def _nearest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_LETTERS.get(letter, "?") for letter in lacking), error.end


codecs.register_error(_NEAREST, _nearest)


LONGEST_MESSAGE = 1500
_OUTPUT = "standard output"


def _shown(message: object) -> str:
    """A message as a terminal can show it: it may quote what a file or the command line holds."""
    text = str(message)
    if len(text) > LONGEST_MESSAGE:  # the remedy stands at the end
        text = f"{text[: LONGEST_MESSAGE - 500]}…{text[-500:]}"
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(letter: str) -> str:
    return letter if 0xDC80 <= ord(letter) <= 0xDCFF else ascii(letter)[1:-1]


class _Parser(argparse.ArgumentParser):
    """Errors in one line, with the nearest word where there is one."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {_shown(message)} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        whole = isinstance(action, argparse._SubParsersAction)  # a command with all its words
        empty = not arg_string and arg_string != action.default
        if empty and not whole:  # as a path it would be the working directory
            raise argparse.ArgumentError(action, "is empty: give a value, or leave it out")
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = None if action.choices is None else list(action.choices)
        if choices is not None and value not in choices:
            kind = "command" if action.dest == "run_command" else str(action.option_strings or "")
            name = kind.strip("[']") or "value"
            raise argparse.ArgumentError(None, str(unknown(name, str(value), map(str, choices))))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status.

    0, 1 for a failure, 2 for wrong usage; 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.

    Commands whose status 1 is a verdict fail with 2.
    """
    wait_passively()
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal has an arrow
            stream.reconfigure(errors=_NEAREST)
    return _written_out(*_executed(list(sys.argv[1:] if argv is None else argv)))


def _executed(arguments: Sequence[str]) -> tuple[int, int]:
    """The exit status of a command, and which says that it has failed."""
    args = argparse.Namespace(interrupted="", failure=1)  # until its command is known
    try:
        with interrupts.raising():
            os.getcwd()  # noqa: PTH109 (where it is gone, torch's libraries end the process)
            args = parser(*arguments[:1]).parse_args(arguments)
            return int(args.run_command(args, arguments) or 0), args.failure
    except BenchError as error:
        print(f"bench: {_shown(error)}", file=sys.stderr)
    except KeyboardInterrupt as error:
        end = error if isinstance(error, Interrupted) else Interrupted(signal.SIGINT)
        print(f"bench: {end}{args.interrupted}", file=sys.stderr)
        return end.status, args.failure
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        return 0, args.failure
    except MemoryError:
        print("bench: there is not enough memory: less at once, or smaller", file=sys.stderr)
    except OSError as error:
        print(f"bench: {_place_of(error)}{cause_of(error)}", file=sys.stderr)
    return args.failure, args.failure


def _place_of(error: OSError) -> str:
    """What an error of the system is about, and a colon, where that is known."""
    if error.filename:
        return f"{error.filename}: "
    if isinstance(error, FileNotFoundError):  # only that folder has no name
        return "the working directory: "
    # what is written to files is `bench.files`' concern, whose errors have a name
    return f"{_OUTPUT}: " if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF) else ""


def _replace_closed_streams() -> None:
    """Let nothing be printed where a stream is closed; the next file would be in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 (to the end)


def _written_out(status: int, failure: int) -> int:
    """The exit status when what was printed is written out; not 0 where that cannot be."""
    try:
        sys.stdout.flush()
        return status
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # it is not tried again
        if status or isinstance(error, BrokenPipeError):
            return status
        print(f"bench: {_OUTPUT}: {cause_of(error)}", file=sys.stderr)
        return failure


def parser(alone: str = "") -> argparse.ArgumentParser:
    """The whole command line, or of its commands one alone: each costs the start an import."""
    from bench import __version__

    top = _Parser(
        prog="bench",
        description="Benchmark neural style transfer: speed, flexibility and quality.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"bench {__version__}")
    commands = top.add_subparsers(
        metavar="COMMAND", dest="run_command", required=True, parser_class=_Parser
    )

    def command(
        name: str,
        execute: Any,
        help: str,
        epilog: str = "",
        *,
        interrupted: str = "",
        failure: int = 1,
    ) -> argparse.ArgumentParser:
        subparser = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subparser.set_defaults(run_command=execute, interrupted=interrupted, failure=failure)
        return subparser

    for name in (alone,) if alone in COMMANDS else COMMANDS:
        module = importlib.import_module(f"bench.commands.{name}")
        module.add(functools.partial(command, name, module.execute))
    return top


__all__ = ["COMMANDS", "main", "parser"]
