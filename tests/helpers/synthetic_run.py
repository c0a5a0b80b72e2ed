"""A run folder of many methods with plausible numbers, for tables, plots and pages; no pictures."""

import json

import numpy as np

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
    ObservedRecord,
    ParameterCounts,
    RunInfo,
    SamplesRecord,
    ScoreEntry,
    ScoreRecord,
    SpeedRecord,
)
from bench.results.storage import to_json

MACHINE = {
    "fingerprint": "e1",
    "device_type": "cpu",
    "device_name": "Abacus",
    "cores_available": 4,
    "threads": 2,
    "precision": "float32/contiguous",
    "torch": "2.9.0",
    "python": "3.12.1",
    "os": "Linux",
    "peak": {"float32": {"matmul": 200.0, "convolution": 250.0}},
}

# name: family, seconds to adapt, seconds per picture at 256 px, style and content distance
METHODS = {
    "identity": ("anchor", 1e-6, 1e-6, 1.0, 0.0),
    "style-copy": ("anchor", 1e-6, 1e-5, 0.0, 1.0),
    "adain": ("arbitrary", 0.012, 0.041, 0.52, 0.47),
    "wct": ("arbitrary", 0.030, 0.90, 0.41, 0.63),
    "avatar-net": ("arbitrary", 0.028, 0.31, 0.44, 0.58),
    "sanet": ("arbitrary", 0.014, 0.062, 0.47, 0.52),
    "style-bank": ("multi-style", 95.0, 0.018, 0.40, 0.44),
    "johnson": ("per-style", 620.0, 0.017, 0.33, 0.41),
    "texture-nets": ("per-style", 410.0, 0.0169, 0.45, 0.47),
    "metastyle": ("meta-learned", 24.0, 0.017, 0.36, 0.43),
    "gatys": ("optimisation", 1e-5, 61.0, 0.21, 0.39),
    "strotss": ("optimisation", 1e-5, 140.0, 0.24, 0.35),
}
METRICS = {
    "gram/1@judge": ("style", "lower", "judge"),
    "color/1": ("style", "lower", None),
    "lpips/1@judge": ("content", "lower", "judge"),
    "ssim/1": ("content", "higher", None),
}
STEPS = (0, 1, 2, 5, 10, 20, 50)


def synthetic_run(
    root,
    *,
    styles=16,
    contents=12,
    sizes=(256, 512),
    methods=tuple(METHODS),
    observe=STEPS,
    rounds=8,
    seed=0,
):
    """Write a whole run of cells = methods x styles x sizes; the same bytes for the same arguments.

    Times spread by a few percent, numbers of quality by style more than by content; cost grows
    with the pixels.
    """
    rng = np.random.default_rng(seed)
    style_names = [f"style-{number:02}" for number in range(styles)]
    content_names = [f"content-{number:02}" for number in range(contents)]
    by_style = rng.normal(0, 0.25, (len(METRICS), styles, 1))
    by_content = rng.normal(0, 0.08, (len(METRICS), 1, contents))
    run = results.create(
        root,
        RunInfo(
            command="bench run --all",
            bench_version="0.1.0",
            profile="full",
            seed=seed,
            adapt_seconds=None,
            observe=list(observe),
            environment=Environment.of(MACHINE),
            dataset=DatasetRecord(name="made", options={}, fingerprint="d0", citation=""),
            sizes=list(sizes),
            contents=content_names,
            styles=style_names,
            methods={name: _method(name) for name in methods},
            metrics={id_: _metric(id_) for id_ in METRICS},
            skipped=[],
        ),
    )
    for name in methods:
        family, adapt, core, style_distance, content_distance = METHODS[name]
        level = [style_distance, 14 * style_distance, content_distance, content_distance]
        anchor = family == "anchor"
        for size in sizes:
            slow = core * (size / 256) ** 2
            noise = rng.lognormal(0, 0.03, (4, rounds))
            scopes = {"core": slow, "pair": adapt + slow, "e2e": slow + 0.02}
            speed = SpeedRecord(
                method=name,
                size=size,
                precision=MACHINE["precision"],
                iterative=IterativeRecord(adapt=adapt > 1, stylize=family == "optimisation"),
                batch=1,
                scopes={
                    scope: SamplesRecord(
                        samples=(seconds * noise[number]).tolist(),
                        rounds=list(range(rounds)),
                        warmup_calls=1,
                        warmup_seconds=0.1,
                        stopped="enough",
                    )
                    for number, (scope, seconds) in enumerate(scopes.items())
                },
            )
            _write(run, speed)
            spread = np.exp(by_style + by_content + rng.normal(0, 0.05, (4, styles, contents)))
            values = np.array(level)[:, None, None] * (np.ones_like(spread) if anchor else spread)
            values[3] = 1 / (1 + values[3])
            observed = observe if adapt > 1 else ()
            # the first steps do most: from 1.5 times the last number down to it, or up to it
            ways = {step: values * 1.5 ** (np.array([1, 1, 1, -1])[:, None, None]
                                           * (1 - (step / 50) ** 0.3))
                    for step in observed}  # fmt: skip
            cost = (adapt * rng.lognormal(0, 0.05, styles)).tolist()
            for number, style in enumerate(style_names):
                where = {"method": name, "style": style, "size": size}
                cell = CellRecord(
                    **where,
                    precision=MACHINE["precision"],
                    adapt=AdaptRecord(
                        seconds=cost[number],
                        steps=50 if adapt > 1 else 0,
                        finished=True,
                        curve=None,
                    ),
                    observed=[
                        ObservedRecord(
                            step=step,
                            seconds=cost[number] * step / 50,
                            contents=_pictures(content_names, f"images/{step}", slow),
                        )
                        for step in observed
                    ],
                    first_call=slow * 1.2,
                    contents=_pictures(content_names, "images", slow),
                    parameters=ParameterCounts(shared=1_680_000, per_style=0),
                    peak_memory_bytes=128_000_000,
                    peak_memory_source="VmHWM",
                    flops=20_200_000_000,
                )
                _write(run, cell)
                entries = [
                    ScoreEntry(
                        step=step,
                        metric=id_,
                        content=content,
                        value=float(table[metric, number, place]),
                        status="ok",
                        reason="",
                    )
                    for step, table in ({None: values} | ways).items()
                    for metric, id_ in enumerate(METRICS)
                    for place, content in enumerate(content_names)
                ]
                _write(run, ScoreRecord(**where, scores=entries))
    return run


def _method(name):
    return MethodRecord(
        method=name,
        family=METHODS[name][0],
        citation="",
        options={},
        defaults={},
        source_sha256=None,
        weights={},
        trains_on=[],
        autocast=True,
        plugin="tests",
    )


def _metric(id_):
    axis, direction, encoder = METRICS[id_]
    return MetricRecord(
        name=id_.partition("/")[0],
        version=1,
        unit="1",
        axis=axis,
        direction=direction,
        encoder=encoder,
        judge=True,
        training_loss_of=[],
        weights={"judge.safetensors": "12" * 32} if encoder else {},
        citation="",
    )


def _pictures(contents, folder, seconds):
    return [
        ContentRecord(content=content, image=f"{folder}/{content}.png", seconds=seconds)
        for content in contents
    ]


def _write(run, record):
    # not `results.write_record`, which waits for the disk: a run may be of 10,000 cells
    path = results.record_path(run, record.kind, *record.place)
    path.write_text(json.dumps(to_json(record)))
