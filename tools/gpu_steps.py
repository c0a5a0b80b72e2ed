"""What tools/gpu_report.py measures beside `bench run`; each prints its part of the report.

python tools/gpu_steps.py environment|tests|metastyle|pictures|bounds --device cuda [--smoke]
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image
from tabulate import tabulate
from torch import Tensor

from bench import images
from bench.contract import Context, Method, Precision
from bench.contract.phases import adapt, adapting, loaded, stylize
from bench.machine import environment, footprint, roofline
from bench.machine.allocator import keep_freed_memory
from bench.machine.clock import drain, synchronize, timed
from bench.machine.device import choose_device, choose_precision, decibels
from bench.machine.gpu import Gpu
from bench.plugins import registry
from bench.report import peak
from bench.run.sampling import SamplingRule, sample_interleaved
from bench.run.seeds import seed
from bench.store import PictureStore

ROOT = Path(__file__).resolve().parent.parent
PLAIN = Precision("float32", False, "the report's")
ALIKE = 40.0
"""Decibels from which on two pictures are called equal."""


def print_table(rows: list[list[Any]], head: list[str]) -> None:
    """A Markdown table."""
    print(tabulate(rows, head, "github", disable_numparse=True))


def describe(args: argparse.Namespace) -> None:
    """The machine, its measured peak, and what its driver says."""
    device = choose_device(args.device)
    facts = environment.capture(device, PLAIN)
    if device.type == "cuda":
        facts["gpu"] = Gpu(environment.uuid(device)).state()
    facts["peak"] = roofline.measured_peaks(device, torch.get_num_threads())
    Path("environment.json").write_text(json.dumps(facts, indent=1))
    rows = [[key, json.dumps(value)] for key, value in facts.items() if value not in (None, {}, [])]
    print_table(rows, ["", ""])
    if device.type == "cuda":
        done = subprocess.run(["nvidia-smi", "-q"], capture_output=True, text=True, timeout=60)
        print(f"\n```\n{done.stdout[:20_000]}\n```")


def tests(args: argparse.Namespace) -> None:
    """The tests that want a device; everywhere else they say so and are skipped."""
    if importlib.util.find_spec("pytest") is None:
        print("pytest is not installed: no tests were run")
        return
    files = [p for p in (ROOT / "tests").rglob("test_*.py") if "pytest.mark.gpu" in p.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *map(str, sorted(files))], capture_output=True, text=True, cwd=ROOT
    )
    print(f"```\n{done.stdout[-8000:]}\n```")
    if done.returncode not in (0, 5):  # 5: none was collected
        sys.exit(done.returncode)


def contexts(
    devices: list[torch.device], precision: Precision = PLAIN
) -> tuple[Iterator[Context], Any]:
    """A context for each device, with the embedded photographs, and the embedded pictures."""
    plugins = registry.load()
    dataset = plugins.dataset("default")()
    store = images.photographs(dataset.adaptation(), 256)
    for device in devices:
        store.place(device)
    return (Context(device, precision, store, plugins.encoder) for device in devices), dataset


def made_by(name: str, cls: type[Method], context: Context, pair: tuple[Tensor, Tensor]) -> Tensor:
    """A method's picture of a content in a style, by few steps."""
    seed(0, name)
    method = loaded(cls, context, cls.Options(**cls.budgets.get("smoke", {})))
    content, style = (context.precision.layout(t.to(context.device)) for t in pair)
    adapt(method, style)
    seed(0, name, "stylize")
    return stylize(method, content).detach().float().cpu()


def pictures(args: argparse.Namespace) -> None:
    """Every method's picture in plain float32, on the device and on the CPU: how equal they are."""
    device, cpu = choose_device(args.device), torch.device("cpu")
    places, dataset = contexts([cpu, device])
    side = 64 if args.smoke else 256
    pair = images.load(dataset.contents()[0], side), images.load(dataset.styles()[0], side)
    both, rows, strips = list(places), [], []
    for name, cls in registry.load().methods.items():
        try:
            on_cpu, there = (made_by(name, cls, context, pair) for context in both)
        except Exception as error:
            traceback.print_exc()
            rows.append([name, "", "", _reason(error)])
            continue
        difference = (there - on_cpu).abs()
        psnr = decibels(there, on_cpu)
        verdict = "equal" if psnr >= ALIKE else "differs"
        rows.append([name, f"{psnr:.0f}", f"{float(difference.max()):.1e}", verdict])
        strips.append(torch.cat([on_cpu, there, (8 * difference).clamp(0, 1)], 3))
    print(f"{side} px, few steps; {ALIKE:.0f} dB and more is called equal\n")
    print_table(rows, ["method", "PSNR dB", "largest difference", ""])
    if strips:
        sheet = images.to_image(torch.cat(strips, 2))
        sheet.thumbnail((sheet.width, 8000), Image.Resampling.LANCZOS)
        sheet.save(args.folder / "pictures.jpg", quality=85)


def metastyle(args: argparse.Namespace) -> None:
    """MetaStyle in every precision and form against plain float32, then its adaptation."""
    device = choose_device(args.device)
    (context,), dataset = contexts([device])
    cls = registry.load().method("metastyle")
    sides = (64,) if args.smoke else (256, 512)
    steps, crop = (25, 32) if args.smoke else (100, 128)
    style = images.load(dataset.styles()[0], sides[-1]).to(device)
    plain = loaded(cls, context, cls.Options(steps=5, batch=1, size=crop, inference="plain"))
    adapt(plain, style)
    rates = roofline.measured_peaks(device, torch.get_num_threads())
    rows = []
    for side in sides:
        content = images.load(dataset.contents()[0], side).to(device)
        rows += _forms(plain, content, rates)
    print(f"one adapted network; {ALIKE:.0f} dB and more is called equal\n")
    print_table(rows, ["px", "precision", "form", "ms", "times as fast", "PSNR dB", "peak %", ""])
    rows = []
    for precision, stepping in _stepping(device):
        try:
            chosen = replace(context, precision=choose_precision(precision, device), _encoders={})
            options = cls.Options(steps=steps, size=crop, stepping=stepping)
            method = loaded(cls, chosen, options)
            first, again = (drain(adapting(method, style), device) for _ in range(2))
            launched = method.launched or "plain"
            rows.append(
                [precision, stepping, f"{first.seconds:.2f}", f"{again.seconds:.2f}", launched]
            )
        except Exception as error:
            traceback.print_exc()
            rows.append([precision, stepping, "", "", _reason(error)])
    print(f"\nadaptation, {steps} steps of batch 4 at {crop} px, the first time and once more\n")
    print_table(rows, ["precision", "stepping", "first s", "again s", "launched"])


def _stepping(device: torch.device) -> list[tuple[str, str]]:
    """How adaptations are timed."""
    if device.type == "cpu":
        return [("float32", "auto")]
    return list(itertools.product(("float32", "bfloat16"), ("plain", "graph")))


def _ways(device: torch.device) -> list[tuple[str, str]]:
    """Precisions and forms of the network; first what the others are measured against."""
    if device.type != "cuda":
        return [("float32", "plain"), ("float32", "fused"), ("bfloat16", "plain")]
    precisions = ("float32", "float32/channels_last", "tf32/channels_last", "bfloat16", "float16")
    compiled = [(name, "compiled") for name in ("float32", "bfloat16")]  # takes long: the last
    return [*itertools.product(precisions, ("plain", "graph")), *compiled]


def _forms(plain: Method, content: Tensor, rates: dict[str, dict[str, float]]) -> list[list[Any]]:
    """Rows of one size: all of them timed in turn, so that drift hits all alike."""
    context, side, cls = plain.context, content.shape[-1], type(plain)
    calls: dict[str, Callable[[], Tensor]] = {}
    outputs, failed = {}, {}
    for precision, form in (ways := _ways(context.device)):
        way = f"{precision} {form}"
        try:
            chosen = replace(
                context, precision=choose_precision(precision, context.device), _encoders={}
            )
            method = loaded(cls, chosen, cls.Options(inference=form))
            method.network.load_state_dict(plain.network.state_dict())
            calls[way] = partial(stylize, method, chosen.precision.layout(content))
            outputs[way] = calls[way]()
        except Exception as error:
            traceback.print_exc()
            calls.pop(way, None)
            failed[way] = _reason(error)
    rule = SamplingRule(min_seconds=0.3, max_seconds=2.0, warmup_seconds=0.5)
    samples = sample_interleaved(calls, rule, 0, context.device)
    flops = footprint.flops(lambda: stylize(plain, content)) or math.nan
    truth = " ".join(ways[0])
    rows: list[list[Any]] = []
    for precision, form in ways:
        way = f"{precision} {form}"
        if way in failed or truth in failed or not samples[way].seconds:
            rows.append([side, precision, form, "", "", "", "", failed.get(way, "no timing")])
            continue
        seconds = median(samples[way].seconds)
        psnr = decibels(outputs[way].float(), outputs[truth].float())
        share = peak.share(flops, seconds, precision, rates)
        numbers = [f"{1e3 * seconds:.2f}", f"{median(samples[truth].seconds) / seconds:.2f}"]
        verdict = "" if way == truth else "equal" if psnr >= ALIKE else "differs"
        rows.append([side, precision, form, *numbers, f"{psnr:.0f}", f"{100 * share:.0f}", verdict])
    return rows


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]


def work(device: torch.device, smoke: bool) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is profiled: a step each of adaptation and of training, and a picture."""
    (context,), dataset = contexts([device])
    plugins = registry.load()
    cls = plugins.method("metastyle")
    side = 64 if smoke else 512
    style = images.load(dataset.styles()[0], side).to(device)
    method = loaded(cls, context, cls.Options(steps=10_000, batch=1 if smoke else 4))
    phase = adapting(method, style)
    next(phase)
    yield f"adaptation, batch {method.options.batch}", lambda: next(phase)
    content = images.load(dataset.contents()[0], side).to(device)
    yield f"picture, {side} px", lambda: stylize(method, content)
    task = cls.training
    assert task is not None
    styles: PictureStore = images.photographs(dataset.styles(), 256)
    styles.place(device)
    for batch in (1,) if smoke else (2, 16):
        small = {"size": 32, "style_size": 32} if smoke else {"size": 256}
        chosen = task.Options(warm_steps=0, batch=batch, **small)
        training = task(context, styles, chosen)
        yield f"meta-training, batch {batch}", lambda t=training: t.step(1)


def bounds(args: argparse.Namespace) -> None:
    """Time of a step, how much of it the device is busy, what it is busy with, and what waits."""
    device = choose_device(args.device)
    count = 2 if args.smoke else 20
    cuda = device.type == "cuda"
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] * cuda
    rows, tables = [], []
    for name, call in work(device, args.smoke):
        try:
            for _ in range(count):
                call()
            seconds = timed(lambda c=call: [c() for _ in range(count)], device)[1] / count
            with torch.profiler.profile(activities=kinds) as profile:
                for _ in range(count):
                    call()
                synchronize(device)
            events = profile.key_averages()
            own = "self_device_time_total" if cuda else "self_cpu_time_total"
            busy = 1e-6 * sum(getattr(event, own) for event in events) / count
            waits = hidden_waits(call) if cuda else 0
            bound = "" if not cuda else "the device" if busy > 0.8 * seconds else "the host"
            rows.append([name, f"{1e3 * seconds:.2f}", f"{busy / seconds:.0%}", bound, waits])
            tables.append(f"\n{name}\n\n```\n{events.table(sort_by=own, row_limit=12)}\n```")
        except Exception as error:
            traceback.print_exc()
            rows.append([name, "", "", _reason(error), ""])
    print_table(rows, ["step", "ms", "device busy", "bound by", "waits"])
    print("\n".join(tables))


def hidden_waits(call: Callable[[], object]) -> int:
    """How often a step makes the host wait for the device, as torch tells."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)


PARTS = {
    "environment": describe,
    "tests": tests,
    "metastyle": metastyle,
    "pictures": pictures,
    "bounds": bounds,
}


def main() -> None:
    """Print one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(), help="where pictures go")
    args = parser.parse_args()
    keep_freed_memory()  # as every command of bench does
    PARTS[args.part](args)


if __name__ == "__main__":
    main()
