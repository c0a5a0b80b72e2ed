"""All measurements on a GPU, in steps, into one folder of a few files: `tools/gpu_report.sh`.

Written so that the first run on real hardware is not wasted: each step is a process of its own with
a limit on its time, logs, and may fail without the others; what is finished is not done again, and
a step that was cut off goes on where it was. This file and gpu_packages.py need Python alone; the
steps are commands of `bench`, and of tools/gpu_steps.py. After every step the folder holds
report.md, report.json, log.txt, runs.tar.gz (without pictures) and, where there is room, pictures
and weights.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpu_packages import environment, install

ROOT = Path(__file__).resolve().parent.parent
MOST_FILES, MOST_BYTES = 8, 16 * 2**20  # of the folder
TRIES = 3  # so often a step that runs out of time is begun or gone on with

PRECISIONS = (
    *("float32", "bfloat16", "float16", "tf32/channels_last", "float32/channels_last", "tf32"),
)
"""Each has a run over all methods; those in half precision are in channels_last."""
ON_CPU = ("float32", "bfloat16", "float32/channels_last")
BATCHED = (
    *("adain", "avatar-net", "cin", "ghiasi", "metanet", "metastyle", "predict-adapt"),
    *("style-swap", "wct"),
)
"""What is timed in batches: whose networks take several pictures, on the device."""


@dataclass(frozen=True)
class Step:
    """A part of the report.

    Attributes:
        name: of its folder.
        title: its heading.
        commands: what it runs, one after the other: words behind `bench`, or a script's path and
            words; `{folder}` is the step's folder. `run` is gone on with where it was cut off.
        seconds: that it may take in all.
    """

    name: str
    title: str
    commands: Sequence[Sequence[str]]
    seconds: float = 570.0


@dataclass
class State:
    """What came of the steps so far: name to status, reason, seconds and tries."""

    file: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def save(self) -> None:
        """Write it, whole or not at all."""
        temporary = self.file.with_suffix(".part")
        temporary.write_text(json.dumps(self.steps, indent=1))
        temporary.replace(self.file)


def steps(args: argparse.Namespace) -> list[Step]:
    """The steps, in the order of what would be missed most."""
    tool = str(ROOT / "tools/gpu_steps.py")
    machine = ["--device", args.device]
    smoke = ["--profile", "smoke"] if args.smoke else ["--profile", "gpu"]
    few = ["--contents", "1", "--styles", "1"]
    side, steps_ = ("64", "4") if args.smoke else ("256", "100")
    quick = ["--smoke"] if args.smoke else []
    half = "float32" if args.device == "cpu" else "bfloat16"

    columns = "adapt,core,e2e,first-call,peak,peak-share,gram,ssim"
    report = ["report", "--runs", "{folder}/runs", "--format", "github"]
    table = [*report, "--columns", columns]

    def run(*words: str) -> list[str]:
        return ["run", *words, "--quiet", "--runs", "{folder}/runs"]

    plan = [
        Step("environment", "The machine", [[tool, "environment", *machine]], 120),
        Step("tests", "Tests on the device", [[tool, "tests", *machine, *quick]], 300),
        Step("metastyle", "MetaStyle against plain float32",
             [[tool, "metastyle", *machine, *quick]]),
        *(
            Step(
                f"speed-{precision.replace('/', '-')}",
                f"Every method in {precision}",
                [run("--all", *machine, *smoke, *few, "--precision", precision,
                     "--metric", "gram", "--metric", "ssim", "--adapt-seconds", "3"), table],
            )
            for precision in (ON_CPU if args.device == "cpu" else PRECISIONS)
        ),
        Step("pictures", "The same pictures as on the CPU",
             [[tool, "pictures", *machine, *quick, "--folder", "{folder}"]]),
        Step("batches", f"In batches, in {half}",
             [run(*(word for name in BATCHED for word in ("--method", name)), *machine, *smoke,
                  *few, "--precision", half, "--metric", "ssim", "--adapt-seconds", "3",
                  "--batch", "1,2" if args.smoke else "1,4,16,64,256"),
              [*report, "--columns", "core,peak,ssim"]]),
        Step("adaptation", "Adaptation, step by step",
             [run("--method", "metastyle", "--method", "johnson", *machine, *smoke, *few,
                  "--size", side, "--observe", f"0,1,2,{steps_}",
                  *(word for name in ("metastyle", "johnson")
                    for word in ("--option", f"{name}.steps={steps_}"))),
              table, [*report, "--curves"]]),
        Step("bounds", "What bounds a step", [[tool, "bounds", *machine, *quick]], 300),
    ]  # fmt: skip
    return plan + training(args)


def training(args: argparse.Namespace) -> list[Step]:
    """The second half, where pictures to train on are given."""
    if not (args.content and args.style):
        return []
    end = ["--steps", "2"] if args.smoke else ["--minutes", str(args.train_minutes)]
    small = ["size=32", "style_size=32", "batch=1"] if args.smoke else ["batch=16", "size=256"]
    pictures = ["--content", args.content, "--style", args.style]
    return [
        Step(
            f"train-{name}",
            f"Training {name}",
            [["train", name, *pictures, *end, "--device", args.device, "--quiet", "--out",
              f"{{folder}}/{name}.safetensors",
              *(word for text in small for word in ("--option", f"{name}.{text}"))]],
            60 * args.train_minutes + 120,
        )
        for name in args.train
    ]  # fmt: skip


def perform(step: Step, work: Path, deadline: float, environment: Mapping[str, str]) -> None:
    """Run a step's commands; what they print is its part of the report.

    Raises:
        TimeoutError: it was cut off.
        RuntimeError: a command failed; those after it were run all the same.
    """
    folder = work / step.name
    folder.mkdir(exist_ok=True)
    failed = []
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        for number, command in enumerate(step.commands):
            words = [word.replace("{folder}", str(folder)) for word in command]
            line = command_line(words, folder)
            print(f"\n$ {' '.join(line)}", file=log, flush=True)
            with (folder / f"out-{number}.md").open("w", encoding="utf-8") as out:
                status = call(line, deadline, stdout=out, stderr=log, cwd=folder, env=environment)
            if status:
                failed.append(f"{' '.join(words[:3])} …: status {status}, {last_line(folder)}")
    if failed:
        raise RuntimeError("; ".join(failed))


def command_line(words: Sequence[str], folder: Path) -> list[str]:
    """The process's words; a run that was begun is gone on with, as is a training."""
    if words[0].endswith(".py"):
        return [sys.executable, *words]
    bench = [sys.executable, "-m", "bench"]
    begun = sorted(path.parent for path in folder.glob("runs/*/run.json"))
    if words[0] == "run" and begun:
        return [*bench, "run", "--resume", str(begun[-1]), "--quiet"]
    if words[0] == "train" and list(folder.glob("*.state")):
        return [*bench, *words, "--resume"]
    return [*bench, *words]


def call(line: Sequence[str], deadline: float, **given: Any) -> int:
    """A process's status; at the deadline it is asked to end, and then ended.

    Raises:
        TimeoutError: that was so.
    """
    alone = {"stdin": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(line, preexec_fn=_die_with_parent, **alone, **given)
    try:
        return process.wait(max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError("out of time; it is gone on with at the next call") from None
    finally:
        for number, seconds in ((signal.SIGINT, 15.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                if process.poll() is None:
                    os.killpg(process.pid, number)
                    process.wait(seconds)


def _die_with_parent() -> None:
    """In a step's process: end with this one, for its step will be begun anew; and when asked to.

    What a shell starts in the background ignores SIGINT, and so would all that it starts.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of <linux/prctl.h>


def last_line(folder: Path) -> str:
    """What a failed command said last."""
    lines = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:300]


def collect(work: Path, out: Path, chosen: Sequence[Step], state: State, about: str) -> None:
    """Write the folder anew from what the steps left: few files, and none too large."""
    out.mkdir(parents=True, exist_ok=True)
    write(out / "report.md", markdown(work, chosen, state, about))
    write(out / "report.json", json.dumps({"about": about, "steps": state.steps}, indent=1))
    logs = [work / "log.txt", *(work / step.name / "log.txt" for step in chosen)]
    texts = [f"==== {p.parent.name}\n{p.read_text(errors='replace')}" for p in logs if p.exists()]
    write(out / "log.txt", "\n".join(text[-MOST_BYTES // (len(texts) + 1) :] for text in texts))
    archive(work, out / "runs.tar.gz")
    kept = 4
    for step in chosen:
        for file in sorted((work / step.name).glob("*.*")):
            fits = file.suffix in (".jpg", ".safetensors") and file.stat().st_size <= MOST_BYTES
            if fits and kept < MOST_FILES:
                kept += 1
                shutil.copyfile(file, out / file.name)


def write(file: Path, text: str) -> None:
    """A text file, cut to what is allowed."""
    file.write_bytes(text.encode()[:MOST_BYTES])


def archive(work: Path, file: Path) -> None:
    """The runs' records, and the pictures' names but not the pictures."""
    temporary = file.with_suffix(".part")
    with tarfile.open(temporary, "w:gz") as archive_file:
        for record in sorted(work.glob("*/runs/*/**/*.json")):
            archive_file.add(record, record.relative_to(work))
        for part in sorted(work.glob("*/*.json")):
            archive_file.add(part, part.relative_to(work))
    if temporary.stat().st_size <= MOST_BYTES:
        temporary.replace(file)
    else:
        temporary.unlink()


def markdown(work: Path, chosen: Sequence[Step], state: State, about: str) -> str:
    """The report: what came of each step, and what each printed."""
    lines = ["# GPU report", "", about, "", "| step | status | seconds | |", "|---|---|---|---|"]
    parts = []
    for step in chosen:
        outcome = state.steps.get(step.name, {"status": "not yet", "reason": "", "seconds": 0.0})
        reason = outcome["reason"].replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {step.name} | {outcome['status']} | {outcome['seconds']:.0f} | {reason} |")
        outs = sorted((work / step.name).glob("out-*.md"))
        text = "\n".join(out.read_text(encoding="utf-8", errors="replace") for out in outs).strip()
        if text:
            parts += ["", f"## {step.title}", "", text]
    return "\n".join([*lines, *parts, ""])


def due(chosen: Sequence[Step], state: State) -> list[Step]:
    """The steps that are left: first those never begun, then those that were cut off."""
    fresh = [step for step in chosen if step.name not in state.steps]
    begun = [(step, state.steps[step.name]) for step in chosen if step.name in state.steps]
    cut = [step for step, done in begun if done["status"] == "cut off" and done["tries"] < TRIES]
    return fresh + cut


def work_through(chosen: Sequence[Step], work: Path, out: Path, limit: float, about: str) -> State:
    """Do what is left until the time is up; every failure is noted, and the next step begun."""
    work.mkdir(parents=True, exist_ok=True)
    state = State(work / "state.json")
    if state.file.exists():
        state.steps = json.loads(state.file.read_text())
    end = time.monotonic() + limit

    def log(text: str) -> None:
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with (work / "log.txt").open("a", encoding="utf-8") as file:
            print(line, file=file)

    install(work, log)
    variables = environment(work)
    for step in due(chosen, state):
        if end - time.monotonic() < min(20.0, limit / 2):
            log(f"time is up before {step.name}: the same command goes on")
            break
        tries = state.steps.get(step.name, {}).get("tries", 0) + 1
        before = state.steps.get(step.name, {}).get("seconds", 0.0)
        outcome = {"status": "cut off", "reason": "killed", "seconds": before, "tries": tries}
        state.steps[step.name] = outcome
        state.save()  # should this process be killed
        log(f"{step.name} begins")
        start = time.monotonic()
        try:
            perform(step, work, min(end, start + step.seconds), variables)
            outcome |= {"status": "ok", "reason": ""}
        except TimeoutError as error:
            outcome |= {"status": "cut off", "reason": str(error)}
        except Exception as error:
            outcome |= {"status": "failed", "reason": f"{error}"}
            with (work / step.name / "log.txt").open("a", encoding="utf-8") as file:
                traceback.print_exc(file=file)
        outcome["seconds"] = before + time.monotonic() - start
        log(f"{step.name}: {outcome['status']} in {outcome['seconds']:.0f} s {outcome['reason']}")
        state.save()
        collect(work, out, chosen, state, about)
    collect(work, out, chosen, state, about)
    return state


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build/gpu-report", help="the results")
    parser.add_argument("--work", type=Path, default=ROOT / "build/gpu-report.work")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smoke", action="store_true", help="all steps, in little")
    parser.add_argument("--minutes", type=float, default=30.0, help="end after this long")
    parser.add_argument("--only", action="append", default=[], metavar="STEP")
    parser.add_argument("--retry-failed", action="store_true")
    parser.add_argument("--content", help="photographs to train on: a folder, or a packed file")
    parser.add_argument("--style", help="styles to train on, likewise")
    parser.add_argument("--train-minutes", type=float, default=8.0, help="of each training")
    arbitrary = ["metastyle", "ghiasi", "adain"]
    parser.add_argument("--train", nargs="+", default=arbitrary, help="methods to train")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Do what is left, and say where the results are; 1 where something failed or is left."""
    args = arguments(given)
    chosen = [step for step in steps(args) if not args.only or step.name in args.only]
    name = f"{args.device.replace(':', '')}{'-smoke' if args.smoke else ''}"
    work = args.work.resolve() / name
    if args.retry_failed and (work / "state.json").exists():
        outcomes = json.loads((work / "state.json").read_text())
        left = {step: what for step, what in outcomes.items() if what["status"] == "ok"}
        (work / "state.json").write_text(json.dumps(left))
    about = f"`--device {args.device}{' --smoke' * args.smoke}`, {time.strftime('%Y-%m-%d')}"
    state = work_through(chosen, work, args.out, 60 * args.minutes, about)
    count = [state.steps.get(step.name, {}).get("status") for step in chosen].count("ok")
    print(f"{count} of {len(chosen)} steps are done: {args.out / 'report.md'}")
    return int(count < len(chosen))


if __name__ == "__main__":
    sys.exit(main())
