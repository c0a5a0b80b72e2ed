"""The training loop that every trained method shares: budget, progress, resume, log, model card."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench import distributed, weights
from bench.contract import Task
from bench.errors import BenchError
from bench.progress import bar as progress_bar

__all__ = ["LOG_STEPS", "Budget", "Progress", "Task", "model_card", "train"]

LOG_STEPS = 25
"""Losses are logged as means over so many steps."""


@dataclass(frozen=True)
class Budget:
    """When to stop and how often to save.

    Attributes:
        minutes: of wall time in all, earlier runs that are resumed included; None is no limit.
        steps: in all; None is no limit.
        save_minutes: between two saves.
    """

    minutes: float | None = None
    steps: int | None = None
    save_minutes: float = 5.0


@dataclass
class Progress:
    """Where a training is: what the loop keeps beside the task's own state.

    Attributes:
        step: steps made.
        seconds: wall time, resumed parts included.
        history: means of what was logged, one row per `LOG_STEPS`.
        parts: what each part was told, with its first step; a resumed training has several.
        interrupted: whether a signal ended it.
    """

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False


def train(
    task: Task,
    out: Path,
    budget: Budget,
    about: dict[str, str],
    *,
    resume: bool = False,
    quiet: bool = False,
) -> Progress:
    """Train until the budget is used up or a signal comes; save, export, write the model card.

    Writes `out` (safetensors, half precision), `out` with `.md` (model card), `.state` (to
    resume from) and `.log/` (TensorBoard). All are replaced atomically; a training that is
    killed loses at most `save_minutes`. Under torchrun only the first process writes, and each
    draws pictures of its own; a task averages its gradients by `bench.distributed.average`.

    Args:
        task: what to train; whoever makes it seeds torch before.
        out: the weights file.
        budget: when to stop.
        about: facts for the model card, name to text.
        resume: go on from `out`'s state.
        quiet: no progress bar.

    Raises:
        BenchError: there is a state and `resume` was not asked for, or the other way round.
    """
    from torch.utils.tensorboard import SummaryWriter

    if budget.minutes is None and budget.steps is None:
        raise BenchError("training needs an end: give --minutes or --steps")
    state_file = out.with_suffix(".state")
    progress = _start(task, state_file, resume)
    first = distributed.rank() == 0
    if not first:  # the networks are alike, the pictures must not be
        torch.manual_seed(torch.initial_seed() + distributed.rank() + progress.step)
    told = {"options": asdict(task.options), **about}
    out.parent.mkdir(parents=True, exist_ok=True)
    writer = None
    if first:
        writer = SummaryWriter(out.with_suffix(".log"), purge_step=progress.step or None)
    limit = None if budget.minutes is None else 60 * budget.minutes
    recent: dict[str, list[float]] = {}
    last = time.perf_counter()
    saved = last
    with (
        _stop_signals() as stopped,
        progress_bar(
            total=budget.steps,
            initial=progress.step,
            unit="step",
            disable=quiet or not first,
        ) as bar,
    ):
        while budget.steps is None or progress.step < budget.steps:
            over = limit is not None and progress.seconds >= limit
            if distributed.anywhere(over or bool(stopped), task.context.device):
                break
            if not progress.parts or {**progress.parts[-1], "step": 0} != {**told, "step": 0}:
                progress.parts.append({"step": progress.step, **told})
            logged = task.step(progress.step)
            progress.step += 1
            now = time.perf_counter()
            progress.seconds += now - last
            last = now
            if not all(map(math.isfinite, logged.values())):
                raise BenchError(
                    f"training diverged at step {progress.step} ({logged}); resume from "
                    f"{state_file} with a lower learning rate"
                )
            for name, value in logged.items():
                recent.setdefault(name, []).append(value)
            bar.update()
            if progress.step % LOG_STEPS == 0:
                means = {name: sum(values) / len(values) for name, values in recent.items()}
                recent = {}
                progress.history.append(
                    {"step": progress.step, "seconds": progress.seconds, **means}
                )
                if writer:
                    for name, value in means.items():
                        writer.add_scalar(name, value, progress.step)
                bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()})
            if writer and now - saved >= 60 * budget.save_minutes:
                _save(task, progress, out, state_file)
                preview = task.preview()
                if preview is not None:
                    writer.add_images("preview", preview, progress.step)
                saved = last = time.perf_counter()
    if writer:
        _save(task, progress, out, state_file)
        writer.close()
    progress.interrupted = bool(stopped)
    return progress


def _start(task: Task, state_file: Path, resume: bool) -> Progress:
    if not resume:
        if state_file.exists():
            raise BenchError(
                f"{state_file} holds an unfinished training: add --resume to go on with it, "
                "or delete it to start afresh"
            )
        return Progress()
    if not state_file.is_file():
        raise BenchError(f"--resume: there is no {state_file}; leave --resume out to start afresh")
    try:
        state = torch.load(state_file, weights_only=True)
        task.restore(state["task"])
        torch.set_rng_state(state["rng"])
        return Progress(**state["progress"])
    except Exception as error:  # damaged, or of another training
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BenchError(
            f"{state_file} cannot be gone on with ({cause}); delete it to start afresh"
        ) from None


def _save(task: Task, progress: Progress, out: Path, state_file: Path) -> None:
    state = {"task": task.state(), "rng": torch.get_rng_state(), "progress": asdict(progress)}
    part = state_file.with_name(f".{state_file.name}.{os.getpid()}.part")
    torch.save(state, part)
    part.replace(state_file)
    about = {"steps": str(progress.step), "options": json.dumps(asdict(task.options))}
    weights.write(out, task.export(), about)
    card = out.with_suffix(".md")
    part = card.with_name(f".{card.name}.{os.getpid()}.part")
    part.write_text(model_card(out.stem, task, progress), encoding="utf-8")
    part.replace(card)


def model_card(name: str, task: Task, progress: Progress) -> str:
    """A model card in Markdown: how the weights were made, and the losses on the way."""
    history = progress.history
    rows = [
        f"- contents: {len(task.context.photographs)} photographs",
        f"- styles: {len(task.styles)} pictures",
        f"- device and precision: {task.context.device}, {task.context.precision.label}",
        f"- torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"{distributed.processes()} processes",
        f"- steps: {progress.step}; wall time: {progress.seconds / 60:.1f} minutes",
    ]
    for part in progress.parts:
        rows.append(f"- from step {part['step']}:")
        told = {**part, "options": f"`{json.dumps(part['options'])}`"}
        rows += [f"  - {key}: {value}" for key, value in told.items() if key != "step"]
    text = f"# {name}\n\n" + "\n".join(rows) + "\n"
    if not history:
        return text
    shown = [history[i] for i in sorted({round(k * (len(history) - 1) / 19) for k in range(20)})]
    names = list(dict.fromkeys(key for row in shown for key in row if key != "seconds"))
    table = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for row in shown:
        cells = [f"{row[n]:.4g}" if n in row else "" for n in names]
        table.append(f"| {' | '.join(cells)} |")
    return (
        f"{text}\nLosses on the way (means over {LOG_STEPS} steps):\n\n" + "\n".join(table) + "\n"
    )


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM, so that the step in hand is finished and saved."""
    stopped: list[int] = []

    def note(number: int, _frame: object) -> None:
        stopped.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
