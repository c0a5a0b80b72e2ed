"""Lets `bench` be imported from its sources, on a machine where nothing is installed for it.

Python alone is needed; what goes to a work folder is all that is written.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(work: Path) -> dict[str, str]:
    """Variables that let a process import `bench` and what it needs, from this folder alone."""
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", "MPLBACKEND": "Agg"}
    variables.setdefault("XDG_CACHE_HOME", str(work / "cache"))
    paths = [str(work / "site")] if (work / "site").exists() else []
    if importlib.util.find_spec("bench") is None:
        paths.append(str(linked(work / "source")))
    variables["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]).strip(
        os.pathsep
    )
    return variables


def linked(folder: Path) -> Path:
    """A folder that `bench` can be imported from as if it were installed, all of it by links."""
    package = folder / "bench"
    package.mkdir(parents=True, exist_ok=True)
    sources = [*(ROOT / "bench").iterdir(), *(ROOT / n for n in ("methods", "metrics", "datasets"))]
    for source in sources:
        link = package / source.name
        if not link.is_symlink() and source.name != "__pycache__":
            link.symlink_to(source)
    return folder


def install(work: Path, log: Callable[[str], None]) -> None:
    """Put missing packages into the work folder, from wheels/; never from a network."""
    wheels = ROOT / "wheels"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.findall(
        r'^    "([^"]+)",$', text.split("\ndependencies = [")[1].split("\n]")[0], re.M
    )
    missing = []
    for requirement in needed:
        name = re.split(r"[<>=!~\[ ]", requirement, maxsplit=1)[0]
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(requirement)
    if not missing or (work / "site").exists():
        return
    log(f"missing packages: {', '.join(missing)}")
    if not wheels.is_dir():
        log(f"there is no {wheels} to take them from: steps that need them will fail")
        return
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(wheels)]
    done = subprocess.run(
        [*command, "--target", str(work / "site"), *missing], capture_output=True, text=True
    )
    log(done.stdout[-2000:] + done.stderr[-2000:])
