"""What is loaded as machine code is what was built here, in a folder that is the user's alone."""

import ctypes
import shutil
import signal
import subprocess
import sys

import pytest

from bench.errors import BenchError
from bench.machine import native

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
SOURCE = 'extern "C" int seven() { return 7; }'
STRANGE = 'extern "C" int seven() { return 8; }'
build = native.library.__wrapped__


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bench" / "native"


@pytest.fixture
def strange(tmp_path):
    """A library that nobody here has asked for."""
    source, library = tmp_path / "strange.cpp", tmp_path / "strange.so"
    source.write_text(STRANGE)
    subprocess.run(["g++", "-shared", "-fPIC", source, "-o", library], check=True)
    assert ctypes.CDLL(str(library)).seven() == 8
    return library


def test_the_folder_is_the_users_alone(cache):
    assert build(SOURCE).seven() == 7
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_library_that_is_not_the_one_that_was_built_is_built_anew(cache, strange):
    build(SOURCE)
    (kept,) = cache.iterdir()
    kept.unlink()
    shutil.copy(strange, kept)
    # in a process of its own: this one keeps a library by its path
    assert _seven() == "7"
    (again,) = cache.iterdir()
    assert again.read_bytes() != strange.read_bytes()


def test_what_a_killed_compiler_left_goes_with_the_next_build(cache):
    code = (
        "import os, signal; from bench.machine import native\n"
        "native._run = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "native._build(['g++'], 'int x;', 'k')"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert len(list(cache.glob(".*.part*"))) == 1
    build(STRANGE)
    assert [path.suffix for path in cache.iterdir()] == [".so"]


def test_half_a_library_is_built_anew(cache):
    build(SOURCE)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.unlink()
    kept.write_bytes(whole[: len(whole) // 2])
    assert _seven() == "7"


def _seven():
    code = f"from bench.machine import native; print(native.library({SOURCE!r}).seven())"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return printed.stdout.strip()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(mode, cache):
    build(SOURCE)
    cache.chmod(mode)
    with pytest.raises(BenchError, match=f"{cache} can be written to by others.*delete it"):
        build(SOURCE)


def test_another_users_folder_is_not_used(cache, monkeypatch):
    build(SOURCE)
    there = cache.stat().st_uid
    monkeypatch.setattr(native.os, "geteuid", lambda: there + 1)
    with pytest.raises(BenchError, match="is another user's, so nothing is loaded from it"):
        build(SOURCE)


def test_a_linked_folder_is_not_used(cache, tmp_path):
    build(SOURCE)
    cache.rename(tmp_path / "elsewhere")
    cache.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match="is a link"):
        build(SOURCE)


@pytest.mark.parametrize("value", ["", "."])
def test_a_folder_in_the_working_directory_is_no_cache(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert build(SOURCE).seven() == 7
    assert not (tmp_path / "bench").exists()
    assert (tmp_path / "home" / ".cache" / "bench" / "native").is_dir()


def test_a_library_is_compiled_once(cache, monkeypatch):
    assert build(SOURCE).seven() == 7
    (kept,) = cache.iterdir()
    compiled_at = kept.stat().st_mtime_ns
    assert build(SOURCE).seven() == 7
    assert [file.stat().st_mtime_ns for file in cache.iterdir()] == [compiled_at]
    monkeypatch.setenv("CXX", "env g++")  # a compiler with arguments, as ccache g++
    assert build(SOURCE).seven() == 7
    monkeypatch.delenv("CXX")
    with pytest.raises(BenchError, match=r"failed \(.*error.*\): try another in CXX"):
        build("this is not C++")
    files = list(cache.iterdir())
    assert len(files) == 2
    assert kept in files
    assert {file.suffix for file in files} == {".so"}
