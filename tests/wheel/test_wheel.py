"""What the installed wheel holds; run by `tox -e wheel`, from outside the checkout."""

import importlib.metadata
import json
import shutil
import subprocess
from pathlib import Path

from helpers.checkout import ROOT

import bench

INSTALLED = Path(bench.__file__).parent
FOLDERS = {"bench": "", "methods": "methods", "metrics": "metrics", "datasets": "datasets"}


def test_bench_is_the_installed_one():
    assert INSTALLED != ROOT / "bench"


def test_every_committed_file_of_the_four_folders_is_installed():
    listed = subprocess.run(
        ["git", "ls-files", "-z", *FOLDERS], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    paths = [Path(path) for path in listed.split("\0") if path]
    assert Path("bench/py.typed") in paths
    missing = [
        str(path)
        for path in paths
        if not (INSTALLED / FOLDERS[path.parts[0]] / Path(*path.parts[1:])).is_file()
    ]
    assert missing == []


def test_bench_list_finds_every_plugin_from_another_folder(tmp_path):
    command = shutil.which("bench")
    assert command
    done = subprocess.run(
        [command, "list", "--format", "json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert listed["broken"] == []
    expected = {
        f"{folder}.{file.stem}"
        for folder in ("methods", "metrics", "datasets")
        for file in (ROOT / folder).glob("[!_]*.py")
    }
    assert {row["name"] for row in listed["plugins"]} == {"encoders", *expected}


def test_version_and_licence_are_the_packages():
    distribution = importlib.metadata.distribution("metastyle-bench")
    assert distribution.version == bench.__version__
    assert distribution.metadata["License-Expression"] == "MIT"
    names = {Path(str(file)).name for file in distribution.files or ()}
    assert {"LICENSE", "NOTICE.md"} <= names
