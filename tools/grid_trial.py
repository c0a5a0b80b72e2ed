"""Try `bench run --on` on a grid of cheap cells: equal to the digit, under kills, and how fast.

    python tools/grid_trial.py same ENGINE [--kills N]    e.g. dask, or slurm with cluster=local
    python tools/grid_trial.py speed [--workers N]        wants quiet cores, more than N

`same` makes the grid here and by two workers, of which N are killed (SIGKILL) at random moments,
and compares every score. `speed` takes the seconds of the part that moves, by one worker and by N,
from begin to end without their start, each with one thread, and the overhead on cells of a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from bench import results
from bench.results import CellRecord, ScoreRecord

PLUGIN = '''
import time
import torch
from dataclasses import dataclass
from bench import Method, hookimpl, option

class Cheap(Method):
    """Mixes the style's mean colour in, and noise of its cell; takes a while if asked to."""
    name = "cheap"
    family = "arbitrary"
    citation = "none"

    @dataclass(frozen=True)
    class Options:
        busy: float = option(0.0, "seconds of arithmetic for a picture")

    def adapt(self, style): self.mean = style.mean((2, 3), keepdim=True)

    def stylize(self, content):
        end = time.thread_time() + self.options.busy
        while time.thread_time() < end: torch.rand(4096).sum()
        torch.manual_seed(0)
        return (content + self.mean + torch.rand_like(content)) / 3

@hookimpl
def bench_methods(): return [Cheap]
'''


def main() -> None:
    """Do what the arguments say, in a folder that is removed after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("same", "speed"))
    parser.add_argument("engine", nargs="?", default="local")
    parser.add_argument("--engine-option", action="append", default=[])
    parser.add_argument("--styles", type=int, default=50, help="four cells each")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        make_inputs(args.styles)
        same(args) if args.what == "same" else speed(args)


def make_inputs(styles: int) -> None:
    """A plugin and pictures of noise."""
    Path("cheap.py").write_text(PLUGIN)
    random_numbers = np.random.default_rng(0)
    for folder, count in (("content", 1), ("style", styles)):
        Path(folder).mkdir()
        for number in range(count):
            pixels = random_numbers.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(f"{folder}/{number:03}.png")


def command(runs: str, *words: str) -> list[str]:
    """A command line that makes the grid."""
    asked = "run --method cheap --method again=cheap --plugin cheap.py --profile smoke --size 32"
    asked += " --content content --style style --metric ssim --device cpu --precision float32"
    asked += " --contents 1 --styles 1000"
    asked += f" --threads 1 --quiet --no-show --runs {runs}"
    return [sys.executable, "-m", "bench", *asked.split(), *words]


def same(args: argparse.Namespace) -> None:
    """Compare a run by workers, of which some are killed, with one moved here."""
    engine = ["--on", args.engine, "--workers", str(args.workers)]
    engine += [word for option in args.engine_option for word in ("--engine", option)]
    subprocess.run(command("here"), check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(command("away", *engine), stdout=subprocess.DEVNULL)
    killed = kill_workers(process, args.kills)
    if process.wait():
        raise SystemExit("the run failed")
    here, away = (results.latest(Path(name)) for name in ("here", "away"))
    cells = list(results.whole(away, CellRecord))
    print(
        json.dumps(
            {
                "engine": args.engine,
                "cells": len(cells),
                "of them by workers": sum(cell.worker is not None for cell in cells),
                "failed": sum(cell.status != "ok" for cell in cells),
                "killed workers": killed,
                "scores": len(scores(here)),
                "equal to the digit": scores(here) == scores(away),
                "records": len(list((away / "cells").iterdir())),
            }
        )
    )


def scores(run: Path) -> dict[tuple[object, ...], float | None]:
    """Every score by its place."""
    return {
        (*record.place, score.metric, score.content): score.value
        for record in results.whole(run, ScoreRecord)
        for score in record.scores
    }


def kill_workers(process: subprocess.Popen[bytes], kills: int) -> int:
    """Kill workers that are at a cell, at random moments; how many were killed."""
    import psutil

    moments, killed = random.Random(0), 0
    while process.poll() is None and killed < kills:
        time.sleep(moments.uniform(0.05, 0.5))
        if not any(Path("away").glob("*/.attempts/*")):
            continue
        try:
            below = psutil.Process(process.pid).children(recursive=True)
            busy = [one for one in below if one.cpu_percent(0.05) > 0 and not one.children()]
            if busy:
                moments.choice(busy).send_signal(signal.SIGKILL)
                killed += 1
        except psutil.NoSuchProcess:
            continue
    return killed


def speed(args: argparse.Namespace) -> None:
    """Compare one worker with several, on cells of a second."""
    taken = {}
    for workers in (1, args.workers):
        words = ["--on", args.engine, "--workers", str(workers)]
        words += ["--option", "cheap.busy=1", "--option", "again.busy=1"]
        name = f"by-{workers}"
        subprocess.run(command(name, *words), check=True, stdout=subprocess.DEVNULL)
        run = results.latest(Path(name))
        moved = [cell for cell in results.whole(run, CellRecord) if cell.worker is not None]
        stamps = [results.record_path(run, "scores", *cell.place).stat().st_mtime for cell in moved]
        span = max(stamps) - min(stamps)
        work = sum(cell.seconds or 0.0 for cell in moved)
        work += sum(score.seconds or 0.0 for score in results.whole(run, ScoreRecord)
                    if score.worker is not None)  # fmt: skip
        taken[workers] = span
        print(
            json.dumps(
                {
                    "workers": workers,
                    "cells": len(moved),
                    "seconds from the first to the last": round(span, 2),
                    "overhead": round(span * workers / work - 1, 4),
                }
            )
        )
    print(json.dumps({"speed-up": round(taken[1] / taken[args.workers], 3)}))


if __name__ == "__main__":
    main()
