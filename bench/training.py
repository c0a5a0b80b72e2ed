"""The training loop that every trained method shares: budget, progress, resume, log, model card."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import distributed, files, interrupts, weights
from bench.contract import Task
from bench.errors import BenchError, first_words
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
        interrupted: the number of the signal that ended it; 0 where none did.
    """

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    interrupted: int = 0


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
        BenchError: there is a state and `resume` was not asked for, or the other way round;
            another process trains `out`; or (`StorageError`) the disk refuses.
    """
    if budget.minutes is None and budget.steps is None:
        raise BenchError("training needs an end: give --minutes or --steps")
    first = distributed.rank() == 0
    busy = f"another process trains {out}: wait for it, or name another --out"
    with (
        files.held(out.with_suffix(".lock"), busy) if first else nullcontext(),
        interrupts.noted() as stopped,
    ):
        state_file = out.with_suffix(".state")
        # torchrun starts the same command anew where a process or a host is lost
        goes_on = state_file.exists() if distributed.restarted() else resume
        progress = _start(task, state_file, goes_on)
        if not first:  # the networks are alike, the pictures must not be
            torch.manual_seed(torch.initial_seed() + distributed.rank() + progress.step)
        with (
            _keeping(task, progress, out) as keep,
            progress_bar(
                total=budget.steps,
                initial=progress.step,
                unit="step",
                disable=quiet or not first,
            ) as bar,
        ):
            settings = {"options": asdict(task.options), **about}
            _learn(task, progress, budget, settings, stopped, keep, bar)
            keep.save()
    progress.interrupted = stopped[0] if stopped else 0
    return progress


def _learn(
    task: Task,
    progress: Progress,
    budget: Budget,
    settings: dict[str, Any],
    stopped: Sequence[int],
    keep: _Keeper,
    bar: Any,
) -> None:
    """Step until the budget is used up or a signal has come."""
    limit = math.inf if budget.minutes is None else 60 * budget.minutes
    recent = _Recent(keep.state_file)
    saved = last = time.perf_counter()
    while budget.steps is None or progress.step < budget.steps:
        over = progress.seconds >= limit or bool(stopped)
        if distributed.anywhere(over):
            break
        if not progress.parts or {**progress.parts[-1], "step": 0} != {**settings, "step": 0}:
            progress.parts.append({"step": progress.step, **settings})
        recent.add(progress.step, task.step(progress.step))
        progress.step += 1
        due = progress.step % LOG_STEPS == 0
        means = recent.means() if due else {}
        now = time.perf_counter()
        progress.seconds += now - last
        last = now
        bar.update()
        if due:
            progress.history.append({"step": progress.step, "seconds": progress.seconds, **means})
            keep.log(means)
            bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()})
        if now - saved >= 60 * budget.save_minutes:
            recent.read()
            keep.save()
            keep.preview()
            saved = last = time.perf_counter()
    recent.read()
    progress.seconds += time.perf_counter() - last


class _Recent:
    """What the last steps logged. It is read seldom, since each reading waits for the device."""

    def __init__(self, state_file: Path) -> None:
        self._state_file = state_file
        self._unread: list[tuple[int, Mapping[str, float | Tensor]]] = []
        self._values: dict[str, list[float]] = {}

    def add(self, step: int, logged: Mapping[str, float | Tensor]) -> None:
        """Take what step number `step` logged."""
        self._unread.append((step, logged))

    def read(self) -> None:
        """Wait for the numbers.

        Raises:
            BenchError: one is not finite.
        """
        logged = [value for _, step in self._unread for value in step.values()]
        scalars = [value.detach() for value in logged if isinstance(value, Tensor)]
        numbers = iter(torch.stack(scalars).tolist() if scalars else ())
        for step, values in self._unread:
            losses = {n: next(numbers) if isinstance(v, Tensor) else v for n, v in values.items()}
            if not all(map(math.isfinite, losses.values())):
                raise BenchError(
                    f"training diverged at step {step + 1} ({losses}); resume from "
                    f"{self._state_file} with a lower learning rate"
                )
            for name, value in losses.items():
                self._values.setdefault(name, []).append(value)
        self._unread = []

    def means(self) -> dict[str, float]:
        """Of each loss, over the steps since the last means; raises as `read`."""
        self.read()
        means = {name: sum(values) / len(values) for name, values in self._values.items()}
        self._values = {}
        return means


class _Keeper:
    """Writes what a training keeps: state, weights, model card and log; only the first process."""

    def __init__(self, task: Task, progress: Progress, out: Path, writer: Any) -> None:
        self.state_file = out.with_suffix(".state")
        self._task, self._progress, self._out, self._writer = task, progress, out, writer

    def log(self, means: Mapping[str, float]) -> None:
        """Put the losses of the last steps into the log."""
        if self._writer:
            with files.storage_errors(self._out.with_suffix(".log")):
                for name, value in means.items():
                    self._writer.add_scalar(name, value, self._progress.step)

    def preview(self) -> None:
        """Put the task's pictures into the log."""
        pictures = self._task.preview() if self._writer else None
        if pictures is not None:
            with files.storage_errors(self._out.with_suffix(".log")):
                self._writer.add_images("preview", pictures, self._progress.step)

    def save(self) -> None:
        """Write state, weights and model card."""
        if self._writer:
            _save(self._task, self._progress, self._out, self.state_file)


@contextmanager
def _keeping(task: Task, progress: Progress, out: Path) -> Iterator[_Keeper]:
    """A keeper with an open log; the other processes' writes nothing."""
    from torch.utils.tensorboard import SummaryWriter

    if distributed.rank():
        yield _Keeper(task, progress, out, None)
        return
    log = out.with_suffix(".log")
    with files.storage_errors(log):
        writer = SummaryWriter(log, purge_step=progress.step or None)
    try:
        yield _Keeper(task, progress, out, writer)
    finally:
        with files.storage_errors(log):
            writer.close()


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
        cause = f"{type(error).__name__}: {first_words(str(error))}"
        raise BenchError(
            f"{state_file} cannot be gone on with ({cause}); delete it to start afresh"
        ) from None


def _save(task: Task, progress: Progress, out: Path, state_file: Path) -> None:
    state = {"task": task.state(), "rng": torch.get_rng_state(), "progress": asdict(progress)}
    data = io.BytesIO()  # torch would call a full disk an internal error
    torch.save(state, data)
    files.write(state_file, data.getvalue(), durable=True)
    about = {"steps": str(progress.step), "options": json.dumps(asdict(task.options))}
    weights.write(out, task.export(), about)
    files.write(out.with_suffix(".md"), model_card(out.stem, task, progress))


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
        settings = {**part, "options": f"`{json.dumps(part['options'])}`"}
        rows += [f"  - {key}: {value}" for key, value in settings.items() if key != "step"]
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
