"""What the files of a run hold: a class for each kind of record."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from bench.machine.conditions import Conditions

SCHEMA = 2

Status = Literal["ok", "error", "oom", "skipped"]
Scope = Literal["adapt", "core", "pair", "e2e"]
Kind = Literal["cells", "speed", "scores", "sets"]


class DatasetRecord(TypedDict):
    """Where the pictures came from."""

    name: str  # the dataset plugin
    options: dict[str, Any]  # its options
    fingerprint: str  # hash over every picture's role, name and bytes
    citation: str


class MethodRecord(TypedDict):
    """A method as it was run."""

    method: str  # the plugin's name for it; the row's own name, but for an alias
    family: str  # see bench.contract.Family
    citation: str
    options: dict[str, Any]  # every option's value
    defaults: dict[str, Any]  # every option's default, so that a report can name what differs
    source_sha256: str | None  # of the plugin's source; None where there is no file
    weights: dict[str, str]  # weight file to SHA-256
    trains_on: list[str]  # encoders whose features its losses or its network use
    autocast: bool  # False: always plain float32
    plugin: str  # where it was found


class _MoreOfMetric(TypedDict, total=False):
    of_set: bool  # a number for all pictures of a method and size


class MetricRecord(_MoreOfMetric):
    """A metric as it was run; see bench.contract.Metric."""

    name: str
    version: int
    unit: str  # "1" for a pure number
    axis: str  # style, content or both
    direction: str  # lower or higher is better
    encoder: str | None
    judge: bool  # no built-in method trains on its network
    training_loss_of: list[str]  # methods that are trained on this very number
    weights: dict[str, str]  # weight file of its encoder to SHA-256
    citation: str


class SkippedRecord(TypedDict):
    """Something asked for that the run went on without."""

    role: str  # content, style, method, metric ...
    name: str
    reason: str


class RunInfo(TypedDict):
    """What the runner knows when it starts; `create` adds the rest of a RunRecord."""

    command: str  # the command line
    bench_version: str
    profile: str
    seed: int
    adapt_seconds: float | None  # an adaptation ends after this long; None: by itself
    observe: list[int]  # the steps of an adaptation at which every content is stylized
    environment: dict[str, Any]  # machine and libraries; "fingerprint" tells two apart
    dataset: DatasetRecord
    sizes: list[int]  # picture sides in pixels
    contents: list[str]  # names, in order
    styles: list[str]  # names, in order
    methods: dict[str, MethodRecord]  # by name
    metrics: dict[str, MetricRecord]  # by id
    skipped: list[SkippedRecord]


class RunRecord(RunInfo):
    """`run.json`."""

    schema: int
    id: str  # the folder's name at birth
    created: str  # ISO 8601, UTC


class _MoreOfAdapt(TypedDict, total=False):
    device_seconds: float  # the same by CUDA events


class AdaptRecord(_MoreOfAdapt):
    """What the style cost."""

    seconds: float
    steps: int  # 0: not iterative
    finished: bool  # False: ended by the run's `adapt_seconds`
    curve: list[tuple[int, float]] | None  # (step, seconds so far) of an observed adaptation


class ContentRecord(TypedDict):
    """One stylized picture."""

    content: str  # name
    image: str  # path relative to the run folder
    seconds: float | None  # to stylize it, once, not a benchmark; None: made elsewhere


class ObservedRecord(TypedDict):
    """The pictures that an adaptation gave on its way, after so many steps."""

    step: int  # 0: before the first
    seconds: float  # of adaptation so far, without the observing
    contents: list[ContentRecord]


class ParameterCounts(TypedDict):
    """Learned numbers that `stylize` uses."""

    shared: int  # by all styles
    per_style: int  # kept for each style


class _MoreOfCell(TypedDict, total=False):
    precision_reason: str  # where the method itself chose, if only to keep the run's


class CellRecord(_MoreOfCell):
    """`cells/<key(method, style, size)>.json`."""

    schema: int
    method: str
    style: str
    size: int
    status: Status
    reason: str  # empty when ok
    precision: str  # bench.contract.context.Precision.label, or bench.contract.Method.arithmetic
    adapt: AdaptRecord | None  # None: it never got there
    observed: list[ObservedRecord]  # in order; empty where not asked for or nothing iterates
    first_call: float | None  # seconds of the very first stylize
    contents: list[ContentRecord]
    parameters: ParameterCounts | None
    peak_memory_bytes: int | None  # while stylizing, above what was held before
    peak_memory_source: str | None  # how it was measured, see bench.machine.measure.PeakMemory
    flops: int | None  # of stylizing one picture


def new_cell(name: str, style: str, size: int, precision: str = "") -> CellRecord:
    """A cell that is well and that nothing is known of yet."""
    return {
        "schema": SCHEMA,
        "method": name,
        "style": style,
        "size": size,
        "status": "ok",
        "reason": "",
        "precision": precision,
        "adapt": None,
        "observed": [],
        "first_call": None,
        "contents": [],
        "parameters": None,
        "peak_memory_bytes": None,
        "peak_memory_source": None,
        "flops": None,
    }


class IterativeRecord(TypedDict):
    """Which phases iterate."""

    adapt: bool
    stylize: bool


class _MoreOfSamples(TypedDict, total=False):
    device_samples: list[float]  # the same calls by CUDA events


class SamplesRecord(_MoreOfSamples):
    """Raw timings of one scope."""

    samples: list[float]  # seconds per call
    rounds: list[int]  # the interleaving round of each sample
    warmup_calls: int
    warmup_seconds: float
    stopped: str  # why sampling stopped


class ControlRecord(SamplesRecord):
    """The A/A control: a scope timed once more in the same rounds, under another label."""

    scope: Scope


class _MoreOfSpeed(TypedDict, total=False):
    control: ControlRecord  # of one method of each size
    conditions: Conditions


class SpeedRecord(_MoreOfSpeed):
    """`speed/<key(method, size)>.json`."""

    schema: int
    method: str
    size: int
    status: Status
    reason: str
    precision: str
    iterative: IterativeRecord
    batch: int  # pictures per call
    scopes: dict[Scope, SamplesRecord]


class ScoreEntry(TypedDict):
    """One number for one picture."""

    step: int | None  # of an observed adaptation; None: the finished result
    metric: str  # id
    content: str  # name
    value: float | None
    status: Status
    reason: str


class ScoreRecord(TypedDict):
    """`scores/<key(method, style, size)>.json`."""

    schema: int
    method: str
    style: str
    size: int
    scores: list[ScoreEntry]


class SetEntry(TypedDict):
    """One number for a set of pictures."""

    metric: str  # id
    value: float | None
    parts: dict[str, float]  # by name, the numbers that it is made of
    pictures: int  # in the set
    status: Status
    reason: str


class SetRecord(TypedDict):
    """`sets/<key(method, size)>.json`."""

    schema: int
    method: str
    size: int
    scores: list[SetEntry]
