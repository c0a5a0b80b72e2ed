"""`bench export`: an adapted style as a network for other runtimes."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands import _adapting, _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

EXAMPLES = """examples:
  bench adapt --style starry.jpg -o starry.safetensors
  bench export starry.safetensors -o starry.onnx              for ONNX Runtime, OpenVINO, ...
  bench export starry.safetensors -o starry.pt2               for torch.export.load
  bench export starry.safetensors:0.3 wave.safetensors:0.7 -o mixed.onnx

Input and output are pictures, float32 (N, 3, H, W) in [0, 1], of any size from 16 px on. The file
is run before it is kept, and its pictures are equal to the method's to 40 dB.
"""


def add(command: AddCommand) -> None:
    """The arguments of `bench export`."""
    parser = command(
        "save an adapted style as a network for other runtimes",
        EXAMPLES,
        interrupted="; nothing was written",
    )
    parser.add_argument(
        "weights",
        nargs="+",
        metavar="FILE[:SHARE]",
        help="what bench adapt wrote; several are mixed, in equal shares or in those given",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.onnx|FILE.pt2")
    parser.set_defaults(
        adapt_content=[], device="cpu", precision="float32", threads=None, seed=0, quiet=True
    )
    _shared.add_plugins(parser)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Write the network, run it, and keep it if it does the same."""
    if args.out.suffix not in (".onnx", ".pt2"):
        raise BenchError(f"-o {args.out}: the file's name must end in .onnx or .pt2")
    _adapting.check_folder(args.out)
    registry = _shared.load_registry(args)
    method = _adapting.taken_up(args, registry, args.weights)
    from bench.stylize import exported

    equal = exported.write(args.out, method, [Path(text).stem for text in args.weights])
    print(
        f"{args.out}: {args.out.stat().st_size:,} bytes, {method.name}, picture to picture of any "
        f"size, equal to {equal:.0f} dB"
    )
    return 0
