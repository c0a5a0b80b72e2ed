"""What the files of a run hold: a class for each kind of record.

They are written and read by `bench.results.storage` alone; reading checks the bounds that the types
of `bench.results.values` have. A field with a default may be missing from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from bench.results.ingredients import DatasetRecord, MethodRecord, MetricRecord, SkippedRecord
from bench.results.provenance import WorkerRecord
from bench.results.values import (
    Amount,
    Count,
    Kind,
    Name,
    Open,
    PathText,
    Positive,
    Rate,
    Scope,
    Seconds,
    Side,
    Status,
    Step,
    Text,
    Threads,
    Value,
    check_open,
)

SCHEMA = 3
"""Of what is written. The earlier ones are read too: 1 had no observed adaptations and no rows of
another name than their method's, 2 no specification."""

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What `bench run` was asked for, by the names of its options: what `--resume` plans from.

    Paths are absolute; methods and metrics are named one by one, whatever is installed later.
    """

    method: Sequence[Text]  # NAME or ALIAS=NAME, the anchors first
    metric: Sequence[Text]  # ids
    content: Sequence[PathText]
    style: Sequence[PathText]
    adapt_content: Sequence[PathText]
    dataset: Text | None
    contents: Positive | None  # only so many
    styles: Positive | None
    size: Sequence[Annotated[int, Meta(ge=32, le=8192)]]
    profile: Text
    adapt_seconds: Annotated[float, Meta(gt=0, le=1e9)] | None
    observe: Sequence[Step]
    isolate: bool
    device: Text
    precision: Text
    threads: Threads | None
    seed: Count
    plugin: Sequence[PathText]  # modules and files, which no record loads
    option: Sequence[PathText]  # OWNER.KEY=VALUE
    hang_seconds: Annotated[float, Meta(gt=0, le=1e9)] = 3600.0  # of a process of its own
    protocol: Text | None = None
    batch: Sequence[Positive] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Machine and libraries, see `bench.machine.environment`; what nobody could tell is None.

    Attributes:
        facts: all that was captured, in order: what the file holds. The other fields are those of
            them that are read.
    """

    facts: Mapping[str, Open]
    fingerprint: Text  # tells two apart
    precision: Text
    commit: Text | None = None
    dirty: bool | None = None
    device: Text | None = None
    device_type: Text | None = None
    device_name: Text | None = None
    cpu: Text | None = None
    cores_available: Count | None = None
    threads: Threads | None = None
    cuda: Text | None = None
    driver: Text | None = None
    tf32: Mapping[str, Text] | None = None
    torch: Text | None = None
    python: Text | None = None
    os: Text | None = None
    peak: Mapping[str, Mapping[str, Rate]] | None = None  # dtype to kind of layer to GFLOP/s

    def __post_init__(self) -> None:
        check_open(self.facts)

    @classmethod
    def of(cls, facts: Mapping[str, Open]) -> Environment:
        """What was captured, with the fields that are read."""
        names = (each.name for each in fields(cls) if each.name in facts)
        return cls(**{**{name: facts[name] for name in names}, "facts": facts})

    @property
    def version(self) -> str:
        """The commit, marked where files differed from it; empty where nobody could tell."""
        return (self.commit or "") + "-dirty" * bool(self.dirty)


def by_time(observe: Sequence[int], adapt_seconds: float | None) -> bool:
    """Whether what a cell of a run holds depends on how fast it was made."""
    return bool(observe) or adapt_seconds is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What the runner knows when it starts; `create` adds the rest of a RunRecord."""

    command: Text  # the command line
    bench_version: Text
    profile: Text
    seed: Count
    adapt_seconds: Seconds | None  # an adaptation ends after this long; None: by itself
    observe: Sequence[Step]  # the steps of an adaptation at which every content is stylized
    environment: Environment
    dataset: DatasetRecord
    sizes: Annotated[Sequence[Side], Meta(min_length=1)]  # picture sides in pixels
    contents: Annotated[Sequence[Name], Meta(min_length=1)]  # names, in order
    styles: Annotated[Sequence[Name], Meta(min_length=1)]  # names, in order
    methods: Annotated[Mapping[Name, MethodRecord], Meta(min_length=1)]  # by name
    metrics: Mapping[Name, MetricRecord]  # by id
    skipped: Sequence[SkippedRecord]
    protocol: Text = ""  # whose rules it goes by, see bench.protocols; empty for none
    differs: Sequence[Text] = field(default_factory=list)  # in what it does not
    specification: Specification | None = None  # None: of bench score, or of an earlier schema
    batches: Sequence[Positive] = field(default_factory=list)  # sizes to be timed; empty for none


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(RunInfo):
    """`run.json`."""

    id: Name  # the folder's name at birth
    created: Name  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptRecord:
    """What the style cost."""

    seconds: Seconds
    steps: Step  # 0: not iterative
    finished: bool  # False: ended by the run's `adapt_seconds`
    curve: Sequence[tuple[Step, Seconds]] | None  # (step, seconds so far) of what iterates
    device_seconds: Seconds | None = None  # the same by CUDA events
    launched: Text | None = None  # how its steps were, where the method tells
    shared_with: Name | None = None  # the row whose adaptation it is; None: the cell's own


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRecord:
    """One stylized picture."""

    content: Name
    image: PathText  # path relative to the run folder
    seconds: Seconds | None  # to stylize it, once, not a benchmark; None: made elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRecord:
    """The pictures that an adaptation gave on its way, after so many steps."""

    step: Step  # 0: before the first
    seconds: Seconds  # of adaptation so far, without the observing
    contents: Sequence[ContentRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """Learned numbers that `stylize` uses."""

    shared: Count  # by all styles
    per_style: Count  # kept for each style


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """`cells/<key(method, style, size)>.json`."""

    kind: ClassVar[Kind] = "cells"

    method: Name
    style: Name
    size: Side
    status: Status = "ok"
    reason: Text = ""  # empty when ok
    precision: Text  # bench.contract.context.Precision.label, or bench.contract.Method.arithmetic
    precision_reason: Text | None = None  # where the method itself chose, if only to keep the run's
    adapt: AdaptRecord | None = None  # None: it never got there
    observed: Sequence[ObservedRecord] = field(default_factory=list)  # empty where none iterates
    first_call: Seconds | None = None  # of the very first stylize
    contents: Sequence[ContentRecord] = field(default_factory=list)
    parameters: ParameterCounts | None = None
    peak_memory_bytes: Count | None = None  # while stylizing, above what was held before
    peak_memory_source: Text | None = None  # see bench.machine.footprint.PeakMemory
    flops: Count | None = None  # of stylizing one picture
    seconds: Seconds | None = None  # of the whole cell, loading and storing too
    worker: WorkerRecord | None = None  # None: the run's own process

    @property
    def place(self) -> Place:
        """What the file is called by."""
        return self.method, self.style, self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class IterativeRecord:
    """Which phases iterate."""

    adapt: bool = False
    stylize: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesRecord:
    """Raw timings of one scope."""

    samples: Sequence[Seconds]  # per call
    rounds: Sequence[Step]  # the interleaving round of each sample
    warmup_calls: Count
    warmup_seconds: Seconds
    stopped: Text  # why sampling stopped
    device_samples: Sequence[Seconds] | None = None  # the same calls by CUDA events
    warmup_stable: bool | None = None  # whether times and clock had settled
    warmup_megahertz: Sequence[Amount] = field(default_factory=list)  # the GPU's, by window

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.rounds):
            raise ValueError(f"{len(self.samples)} samples, but {len(self.rounds)} rounds")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRecord(SamplesRecord):
    """The A/A control: a scope timed once more in the same rounds, under another label."""

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionsRecord:
    """What the machine did while something was timed, see `bench.machine.conditions`."""

    noisy: Sequence[Text]  # why the timings are not to be trusted; empty when they are
    facts: Mapping[str, Open]

    def __post_init__(self) -> None:
        check_open(self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRecord:
    """`speed/<key(method, size)>.json`."""

    kind: ClassVar[Kind] = "speed"

    method: Name
    size: Side
    status: Status = "ok"
    reason: Text = ""
    precision: Text
    iterative: IterativeRecord
    batch: Positive  # pictures per call
    scopes: Mapping[Scope, SamplesRecord]
    control: ControlRecord | None = None  # of one method of each size
    conditions: ConditionsRecord | None = None

    def __post_init__(self) -> None:
        again = self.control
        if again and again.samples and not getattr(self.scopes.get(again.scope), "samples", ()):
            raise ValueError(f"a control of {again.scope}, which was not timed")

    @property
    def place(self) -> Place:
        """What the file is called by."""
        return self.method, self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEntry:
    """One size of a batch; what nobody could tell is None."""

    batch: Positive  # pictures per call
    status: Status = "ok"  # `oom` where there was no room
    reason: Text = ""
    core: SamplesRecord | None = None  # of a call; None where nothing was timed
    allocated_bytes: Count | None = None  # the most that tensors took, the batch among them
    reserved_bytes: Count | None = None  # the most that torch's allocator held
    device_bytes: Count | None = None  # in use on the whole GPU in the end, by NVML
    joules: Amount | None = None  # a picture, of the whole GPU, by NVML


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """`batches/<key(method, size)>.json`: how speed grows with the batch."""

    kind: ClassVar[Kind] = "batches"

    method: Name
    size: Side
    status: Status = "ok"
    reason: Text = ""
    precision: Text
    entries: Sequence[BatchEntry] = field(default_factory=list)
    conditions: ConditionsRecord | None = None

    @property
    def place(self) -> Place:
        """What the file is called by."""
        return self.method, self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreEntry:
    """One number for one picture."""

    step: Step | None = None  # of an observed adaptation; None: the finished result
    metric: Name  # id
    content: Name
    value: Value | None
    status: Status
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """`scores/<key(method, style, size)>.json`."""

    kind: ClassVar[Kind] = "scores"

    method: Name
    style: Name
    size: Side
    scores: Sequence[ScoreEntry]
    seconds: Seconds | None = None  # of all of them
    worker: WorkerRecord | None = None  # None: the run's own process

    @property
    def place(self) -> Place:
        """What the file is called by."""
        return self.method, self.style, self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEntry:
    """One number for a set of pictures."""

    metric: Name  # id
    value: Value | None
    parts: Mapping[str, Value]  # by name, the numbers that it is made of
    pictures: Count  # in the set
    status: Status
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRecord:
    """`sets/<key(method, size)>.json`."""

    kind: ClassVar[Kind] = "sets"

    method: Name
    size: Side
    scores: Sequence[SetEntry]

    @property
    def place(self) -> Place:
        """What the file is called by."""
        return self.method, self.size


Result = CellRecord | SpeedRecord | BatchRecord | ScoreRecord | SetRecord
CLASSES: Mapping[Kind, type[Any]] = {
    cls.kind: cls for cls in (CellRecord, SpeedRecord, BatchRecord, ScoreRecord, SetRecord)
}
