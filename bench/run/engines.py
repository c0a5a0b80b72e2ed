"""Engines that others wrote, each as a function that does a list of blocks by many workers.

What may be done, in which order and by whom again is not theirs to know: see
`bench.run.distribution`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from bench import interrupts
from bench.errors import BenchError, cause_of, unknown
from bench.extras import extra
from bench.run.blocks import Block

J = TypeVar("J", Block, tuple[str, ...])
"""A block of a run, or the words of a command."""
Task = Callable[[J], J]
Count = Annotated[int, Meta(ge=1, le=10**6)]
WAIT_SECONDS = 5.0
"""Between two looks at whether dask has a worker left."""
POLL_SECONDS = {"slurm": 10.0, "local": 0.2}
"""Between two questions after the jobs of a cluster."""


class WorkersLostError(Exception):
    """Workers ended in the middle: what they had not given back is to be done again."""


@dataclass(frozen=True, kw_only=True)
class Local:
    """Processes of this machine, by joblib's loky."""

    workers: Count = 2

    def work(self, task: Task[J], blocks: Sequence[J], _: Path) -> Iterator[J]:
        """Each block when it is done.

        Raises:
            WorkersLostError: a process has died, and loky has ended the others with it.
            BenchError: what the task raises.
        """
        joblib = extra("joblib", "local", "--on local")
        lost = extra("joblib.externals.loky.process_executor", "local", "--on local")
        pool = joblib.Parallel(
            n_jobs=self.workers,
            backend="loky",
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="n_jobs",
        )
        try:
            yield from pool(joblib.delayed(task)(block) for block in blocks)
        except (lost.TerminatedWorkerError, lost.BrokenProcessPool) as error:
            raise WorkersLostError(str(error)) from None


@dataclass(frozen=True, kw_only=True)
class Dask:
    """Workers of a `distributed` scheduler; without an address, of a cluster on this machine.

    Attributes:
        workers: of the cluster on this machine.
        address: of a scheduler, such as tcp://10.0.0.1:8786.
        gpus: that a worker must have announced for a block (`--resources GPU=1`).
        wait: seconds for the scheduler and a worker to be there.
    """

    workers: Count = 2
    address: str | None = None
    gpus: Annotated[int, Meta(ge=0, le=64)] = 0
    wait: Annotated[float, Meta(gt=0, le=1e6)] = 60.0

    def work(self, task: Task[J], blocks: Sequence[J], _: Path) -> Iterator[J]:
        """As `Local.work`; a lost worker's blocks go to another without an end of the rest."""
        distributed = extra("distributed", "dask", "--on dask")
        with contextlib.ExitStack() as opened:
            client = opened.enter_context(self._client(distributed, opened))
            resources = {"GPU": self.gpus} if self.gpus else None
            futures = client.map(task, blocks, pure=False, resources=resources)
            try:
                lost = yield from self._done(
                    distributed, client, dict(zip(futures, blocks, strict=True))
                )
            except OSError as error:
                why = cause_of(error)
                raise BenchError(
                    f"dask's scheduler is gone ({why}): start it and go on with --resume"
                ) from None
            finally:
                with contextlib.suppress(Exception):
                    client.cancel(futures, force=True)
        if lost:
            raise WorkersLostError(f"{lost} blocks")

    def _done(
        self, distributed: Any, client: Any, pending: dict[Any, J]
    ) -> Generator[J, None, int]:
        """Blocks as they are done, without their futures' results: who has those may be dead.

        Returns:
            How many blocks nobody has done.
        """
        lost, alone = 0, time.monotonic()
        while pending:
            interrupts.check()
            with contextlib.suppress(TimeoutError):
                distributed.wait(list(pending), timeout=WAIT_SECONDS, return_when="FIRST_COMPLETED")
            for future in [future for future in pending if future.done()]:
                block = pending.pop(future)
                if future.status == "finished":
                    yield block
                    continue
                error = future.exception() if future.status == "error" else None
                if error is not None and not isinstance(error, distributed.scheduler.KilledWorker):
                    raise error
                lost += 1
            if client.nthreads():
                alone = time.monotonic()
            elif time.monotonic() - alone > self.wait:
                return lost + len(pending)
        return lost

    def _client(self, distributed: Any, opened: contextlib.ExitStack) -> Any:
        try:
            if self.address is None:
                cluster = distributed.LocalCluster(
                    n_workers=self.workers, threads_per_worker=1, dashboard_address=None
                )
                return distributed.Client(opened.enter_context(cluster))
            client = distributed.Client(self.address, timeout=self.wait)
        except (OSError, ValueError) as error:
            raise BenchError(
                f"no dask scheduler answers at {self.address} ({cause_of(error)}): start one with "
                "dask scheduler, or leave the address out"
            ) from None
        opened.enter_context(client)
        try:
            client.wait_for_workers(1, timeout=self.wait)
        except TimeoutError:
            raise BenchError(f"the scheduler at {self.address} has no worker: start one") from None
        return client


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Array jobs by `submitit`; one that is pre-empted is queued again and goes on.

    Attributes:
        workers: jobs of the array at a time.
        partition, account, qos: as Slurm knows them.
        gpus: of each job.
        cpus: of each job.
        minutes: that a job may take; the rest is done by a job after it.
        memory_gb: of each job.
        cluster: `slurm`; `local` runs the same jobs as processes here.
    """

    workers: Count = 2
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    gpus: Annotated[int, Meta(ge=0, le=64)] = 0
    cpus: Count = 1
    minutes: Count = 60
    memory_gb: Annotated[float, Meta(gt=0, le=1e5)] | None = None
    cluster: Literal["slurm", "local"] = "slurm"

    @property
    def parameters(self) -> dict[str, Any]:
        """What submitit's executor is told."""
        slurm = {
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_array_parallelism": self.workers if self.cluster == "slurm" else None,
        }
        common = {
            "name": "bench",
            "timeout_min": self.minutes,
            "gpus_per_node": self.gpus,
            "cpus_per_task": self.cpus,
            "mem_gb": self.memory_gb,
        }
        return {key: value for key, value in (common | slurm).items() if value is not None}

    def work(self, task: Task[J], blocks: Sequence[J], run: Path) -> Iterator[J]:
        """As `Local.work`; of a job that is lost, its blocks are."""
        submitit = extra("submitit", "slurm", "--on slurm")
        try:
            executor = submitit.AutoExecutor(folder=run / ".jobs", cluster=self.cluster)
        except RuntimeError as error:
            raise BenchError(f"--on slurm: {error}: run it where sbatch is") from None
        executor.update_parameters(**self.parameters)
        count = min(self.workers, len(blocks))
        shifts = [Shift(task, blocks[first::count]) for first in range(count)]
        with executor.batch():
            jobs = [executor.submit(shift) for shift in shifts]
        lost = []
        try:
            for job in submitit.helpers.as_completed(
                jobs, poll_frequency=POLL_SECONDS[self.cluster]
            ):
                try:
                    outcome = job.result()
                except (
                    submitit.core.utils.UncompletedJobError,
                    submitit.core.utils.FailedJobError,
                ):
                    lost.append(job.job_id)
                    continue
                if isinstance(outcome, str):
                    raise BenchError(outcome)
                yield from outcome
        finally:
            for job in jobs:
                if not job.done():
                    job.cancel(check=False)
        if lost:
            raise WorkersLostError(f"jobs {', '.join(lost)}: their logs are in {run / '.jobs'}")


@dataclass(frozen=True)
class Shift(Generic[J]):
    """The blocks of one job; one that is interrupted begins again and leaves out what is done.

    Attributes:
        task: does a block.
        blocks: in order.
    """

    task: Task[J]
    blocks: Sequence[J]

    def __call__(self) -> Sequence[J] | str:
        """The blocks, done, or why the worker refuses: on its way an error would lose its class."""
        try:
            return [self.task(block) for block in self.blocks]
        except BenchError as error:
            return str(error)

    def checkpoint(self) -> Any:
        """What `submitit` queues again where the job is pre-empted or out of time."""
        return extra("submitit", "slurm", "--on slurm").helpers.DelayedSubmission(self)


Engine = Local | Dask | Slurm
ENGINES: Mapping[str, type[Engine]] = {"local": Local, "dask": Dask, "slurm": Slurm}


def engine(name: str, texts: Sequence[str]) -> Engine:
    """The engine of that name.

    Args:
        name: a key of `ENGINES`.
        texts: each `KEY=VALUE`, or a TOML file of such; a later one counts.

    Raises:
        BenchError: no such engine or key, or a value out of bounds.
    """
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    cls = ENGINES[name]
    known = [each.name for each in fields(cls)]
    values: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        given = {key: value} if equals and not Path(text).is_file() else _read(Path(text))
        for key in given:
            if key not in known:
                raise unknown(f"key of --on {name}", key, known)
        values |= given
    try:
        return msgspec.convert(values, cls, strict=False)
    except msgspec.ValidationError as error:
        raise BenchError(f"--engine: {str(error).replace('`', '').replace('$.', '')}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise BenchError(
            f"--engine {path}: {error.strerror}; give KEY=VALUE or a TOML file"
        ) from None
    except (msgspec.DecodeError, ImportError) as error:
        raise BenchError(f"--engine {path} is no TOML ({error})") from None
