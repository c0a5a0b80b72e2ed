"""A version is a folder, a git revision, or an environment's python."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.compare import revisions
from bench.compare.revisions import resolve
from bench.errors import BenchError


def test_a_folder_inside_the_sources_stands_for_them(folders, tmp_path):
    side = resolve(str(Path(folders[0]) / "metrics"), tmp_path / "side")
    assert side.label == str(Path(folders[0]).resolve())
    assert (tmp_path / "side" / "bench" / "metrics" / "__init__.py").is_file()


def git(folder, *words):
    who = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_a_revision_is_checked_out_and_leaves_no_trace(tmp_path, monkeypatch):
    repo = tmp_path / "repo"
    (repo / "bench").mkdir(parents=True)
    (repo / "methods").mkdir()
    (repo / "bench" / "__init__.py").write_text("first = True\n")
    (repo / "methods" / "one.py").write_text("")
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    (repo / "bench" / "__init__.py").write_text("first = False\n")
    monkeypatch.chdir(repo / "methods")
    before = sorted(path for path in (repo / ".git").rglob("*"))
    side = revisions.resolve("HEAD", tmp_path / "base")
    assert (tmp_path / "base" / "bench" / "__init__.py").read_text() == "first = True\n"
    assert (tmp_path / "base" / "bench" / "methods" / "one.py").exists()
    assert side.label.startswith("HEAD (")
    assert side.environment()["PYTHONPATH"].startswith(str(tmp_path / "base"))
    assert sorted(path for path in (repo / ".git").rglob("*")) == before
    here = revisions.resolve(str(repo), tmp_path / "new")
    assert (tmp_path / "new" / "bench" / "__init__.py").read_text() == "first = False\n"
    assert here.label.endswith("-dirty)")
    git(repo, "rm", "-r", "-q", "--cached", "bench")
    git(repo, "commit", "-q", "-m", "second")
    with pytest.raises(BenchError, match="does not hold the package"):
        revisions.resolve("HEAD", tmp_path / "other")


def test_an_environment_is_named_by_its_python(tmp_path):
    side = revisions.resolve(sys.executable, tmp_path / "base")
    assert (side.python, side.path) == (sys.executable, None)
    assert not (tmp_path / "base").exists()


def test_what_git_says_is_passed_on(tmp_path, monkeypatch):
    """Another owner's repository, and no git at all, are no missing revision."""
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    monkeypatch.chdir(tmp_path / "repo")
    with pytest.raises(BenchError, match="no revision of the git repository here"):
        revisions.resolve("v9", tmp_path / "a")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("HOME", str(tmp_path))  # where no safe.directory is set
    with pytest.raises(BenchError, match=r"git knows no repository here: .*dubious ownership"):
        revisions.resolve("HEAD", tmp_path / "b")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BenchError, match=r"git cannot be run \(No such file or directory\)"):
        revisions.resolve("HEAD", tmp_path / "c")
