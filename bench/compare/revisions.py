"""Two versions of this package beside each other: git revisions, folders, environments."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from bench import paths
from bench.errors import BenchError

PARTS = ("methods", "metrics", "datasets")
"""Folders that are installed below the package."""


@dataclass(frozen=True)
class Side:
    """Where a version of `bench` is.

    Attributes:
        label: what it is called in a report.
        python: the interpreter to run it with.
        path: the folder to import it from; None where it is installed.
    """

    label: str
    python: str
    path: Path | None = None

    def environment(self) -> dict[str, str]:
        """The variables that lead a process to it."""
        variables = dict(os.environ)
        if self.path is not None:
            before = variables.get("PYTHONPATH")
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(self.path), before)))
        return variables


def resolve(text: str, folder: Path) -> Side:
    """The version that some text names.

    Args:
        text: a folder with the sources or one inside it, an interpreter of an environment in
            which it is installed, or else a git revision of the repository around the working
            directory.
        folder: a new folder to put the sources into. They are copied, so that nobody's editing
            changes them meanwhile.

    Raises:
        BenchError: it is none of the three.
    """
    path = paths.expanded(text)
    around = (path, *path.absolute().parents) if path.is_dir() else ()
    for source in around:
        if (source / "bench" / "__init__.py").is_file():
            _arrange(source, folder)
            return Side(str(paths.real(source)) + _commit(source), sys.executable, folder)
    if path.is_file() and os.access(path, os.X_OK):
        return Side(text, str(path.absolute()))
    neither = f"{text} is no folder with the package and no Python interpreter, and"
    top, said = _asked("rev-parse", "--show-toplevel")
    if top is None:  # no repository, another owner's, or no git: its words say which
        raise BenchError(f"{neither} git knows no repository here: {said}")
    commit, _ = _asked("rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
    if commit is None:
        raise BenchError(
            f"{neither} no revision of the git repository here: check the name, or fetch the "
            "revision"
        )
    revision, checkout = commit.decode().strip(), folder.with_name(f"{folder.name}-checkout")
    held = set((_git("ls-tree", "--name-only", revision, cwd=top) or b"").decode().split("\n"))
    parts = [name for name in ("bench", *PARTS) if name in held]
    # not `git worktree`, which would leave its traces in the repository after a kill
    packed = _git("archive", revision, *parts, cwd=top) if "bench" in parts else None
    if packed is None:
        raise BenchError(f"revision {text} does not hold the package: choose another one")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(checkout, filter="data")
    _arrange(checkout, folder)
    shutil.rmtree(checkout)
    return Side(
        f"{text} ({revision[:12]})" if text != revision else text[:12], sys.executable, folder
    )


def _arrange(source: Path, folder: Path) -> None:
    """Copy the sources as they are installed: the parts below the package."""
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source / "bench", folder / "bench", ignore=unwanted)
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, folder / "bench" / part, ignore=unwanted)


def _commit(folder: Path) -> str:
    described = _git("describe", "--always", "--dirty", "--exclude=*", cwd=str(folder).encode())
    return f" ({described.decode().strip()})" if described else ""


def _git(*words: str, cwd: bytes | None = None) -> bytes | None:
    """What git says; None where it refuses or is not there."""
    return _asked(*words, cwd=cwd)[0]


def _asked(*words: str, cwd: bytes | None = None) -> tuple[bytes | None, str]:
    """What git says, None where it refuses or is not there; and the first line of why."""
    where = None if cwd is None else os.fsdecode(cwd.strip())
    variables = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(("git", *words), capture_output=True, cwd=where, env=variables)
    except OSError as error:
        return None, f"git cannot be run ({error.strerror})"
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    return (None, said[0] if said else "") if done.returncode else (done.stdout, "")
