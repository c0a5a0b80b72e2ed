"""A run folder made by hand, small enough that every median and mean is worked out in the head."""

from dataclasses import replace

from helpers.synthetic_run import MACHINE

from bench import results
from bench.results import (
    AdaptRecord,
    CellRecord,
    ContentRecord,
    DatasetRecord,
    Environment,
    IterativeRecord,
    MethodRecord,
    MetricRecord,
    ParameterCounts,
    RunInfo,
    SamplesRecord,
    ScoreEntry,
    ScoreRecord,
    SkippedRecord,
    SpeedRecord,
)

JUDGED = {
    "gram/1@judge": {"axis": "style", "encoder": "judge", "judge": True},
    "lpips/1@judge": {"axis": "content", "encoder": "judge", "judge": True},
    "gram/1@trainer": {"axis": "style", "encoder": "trainer", "judge": False},
}

# metric -> method -> value; a callable is asked with (style, content)
VALUES = {
    "gram/1@judge": {
        "identity": 1.0,
        "style-copy": 0.0,
        # mean 0.4; both styles alike has probability 1/16 > 2.5 %, so the interval is the range
        "fast": lambda style, content: {"ax": 0.1, "ay": 0.3, "bx": 0.5, "by": 0.7}[
            style + content
        ],
    },
    "lpips/1@judge": {"identity": 0.0, "style-copy": 0.8, "fast": 0.25},
    "gram/1@trainer": {"identity": 2.0, "style-copy": 0.0, "fast": 0.5},
}

SPEEDS = {  # seconds per scope; the median of three samples has no interval
    "identity": {"core": [0.001] * 3, "pair": [0.001] * 3, "e2e": [0.02] * 3},
    "style-copy": {"core": [0.002] * 3, "pair": [0.002] * 3, "e2e": [0.02] * 3},
    "fast": {"core": [0.013, 0.011, 0.012], "pair": [0.015] * 3, "e2e": [0.05] * 3},
}

FAMILIES = {"identity": "anchor", "style-copy": "anchor"}


def make_run(
    root,
    methods=("fast", "identity", "style-copy"),
    *,
    styles=("a", "b"),
    contents=("x", "y"),
    size=64,
    environment=None,
    dataset="d1",
    options=None,
    defaults=None,
    source="s1",
    trains_on=(),
    metrics=None,
    values=None,
    adapt=None,
    limit=None,
    ended=None,
    warm_adapt=None,
    seed=0,
    version="0.1.0",
    core=None,
    failed=None,
    failed_speed=None,
    missing=(),
    unscored=None,
    skipped=(),
    batch=1,
    precision="float32/contiguous",
):
    """Write a whole run.

    Args:
        options, defaults: of every method.
        adapt: style to seconds.
        limit: of adaptation, in seconds.
        ended: style to steps, where the limit ended the adaptation.
        warm_adapt: seconds of a speed record's scope "adapt", for every method.
        core: seconds, for every method.
        failed: (method, style) to (status, reason).
        failed_speed: method to (status, reason).
        missing: (method, style) cells that are not there, as after a kill.
        unscored: (method, metric) to (status, reason).
    """
    metrics = JUDGED if metrics is None else metrics
    values = VALUES if values is None else values
    adapt = adapt or {"a": 2.0, "b": 4.0}
    ended = ended or {}
    failed, failed_speed, unscored = failed or {}, failed_speed or {}, unscored or {}
    run = results.create(
        root,
        RunInfo(
            command="bench run",
            bench_version=version,
            profile="smoke",
            seed=seed,
            adapt_seconds=limit,
            observe=[],
            environment=Environment.of({**MACHINE, **(environment or {})}),
            dataset=DatasetRecord(name="tiny", options={}, fingerprint=dataset, citation=""),
            sizes=[size],
            contents=list(contents),
            styles=list(styles),
            methods={
                name: MethodRecord(
                    method=name,
                    family=FAMILIES.get(name, "arbitrary"),
                    citation="",
                    options=options or {},
                    defaults=defaults or {},
                    source_sha256=source,
                    weights={},
                    trains_on=[] if name in FAMILIES else list(trains_on),
                    autocast=True,
                    plugin="tests",
                )
                for name in methods
            },
            metrics={
                id_: MetricRecord(
                    **{
                        "name": id_.partition("/")[0],
                        "version": 1,
                        "unit": "1",
                        "direction": "lower",
                        "training_loss_of": [],
                        "weights": {},
                        "citation": "",
                        **metric,
                    }
                )
                for id_, metric in metrics.items()
            },
            skipped=[SkippedRecord(**item) for item in skipped],
        ),
    )
    for method in methods:
        speed = SPEEDS.get(method, SPEEDS["fast"])
        status, reason = failed_speed.get(method, ("ok", ""))
        samples = {**speed, "core": core or speed["core"]} if status == "ok" else {}
        if warm_adapt:
            samples["adapt"] = warm_adapt
        results.write_record(
            run,
            SpeedRecord(
                method=method,
                size=size,
                status=status,
                reason=reason,
                precision=precision,
                iterative=IterativeRecord(),
                batch=batch,
                scopes={
                    scope: SamplesRecord(
                        samples=seconds,
                        rounds=list(range(len(seconds))),
                        warmup_calls=1,
                        warmup_seconds=0.1,
                        stopped="enough",
                    )
                    for scope, seconds in samples.items()
                },
            ),
        )
        for style in styles:
            if (method, style) in missing:
                continue
            status, reason = failed.get((method, style), ("ok", ""))
            where = {"method": method, "style": style, "size": size}
            good = status == "ok"
            cell = CellRecord(**where, status=status, reason=reason, precision=precision)
            if good:
                cell = replace(
                    cell,
                    adapt=AdaptRecord(
                        seconds=adapt[style],
                        steps=ended.get(style, 0),
                        finished=style not in ended,
                        curve=None,
                    ),
                    first_call=0.1,
                    contents=[
                        ContentRecord(content=name, image=f"images/{name}.png", seconds=0.01)
                        for name in contents
                    ],
                    parameters=ParameterCounts(shared=1_500_000, per_style=179_235),
                    peak_memory_bytes=256_000_000,
                    peak_memory_source="VmHWM",
                    flops=12_300_000_000,
                )
            results.write_record(run, cell)
            entries = [
                _score(id_, values[id_], method, style, name, unscored)
                for id_ in metrics
                for name in contents
                if good
            ]
            results.write_record(run, ScoreRecord(**where, scores=entries))
    return run


def _score(id_, values, method, style, content, unscored):
    status, reason = unscored.get((method, id_), ("ok", ""))
    value = None
    if status == "ok":
        value = values[method if method in values else "fast"]
        value = value(style, content) if callable(value) else value
    return ScoreEntry(metric=id_, content=content, value=value, status=status, reason=reason)
