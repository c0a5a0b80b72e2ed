"""The one writer: the old file or the new one, whatever the disk does, and an error that helps."""

import ast
import errno
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.checkout import ROOT
from PIL import Image

from bench import files, images, results, store, weights
from bench.errors import BenchError, StorageError
from bench.plugins import registry, scaffold
from bench.report import plots
from bench.stylize import video

NOISE = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
FRAMES = [video.Frame(images.to_image(NOISE.roll(i, 3)), i, 1) for i in range(4)]


@contextmanager
def full_disk():
    """A disk on which no file can grow over 256 bytes, pytest's own neither: no mock."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def a_clip(path):
    with video.writer(path, video.Clip(path, 12, video.Fraction(1, 12), 4)) as write:
        for frame in FRAMES:
            write(frame)


def a_figure(path):
    from matplotlib.figure import Figure

    plots.write({path.stem: Figure()}, path.parent)


def a_store(path):
    store.cached([Path(__file__)], lambda _: np.zeros((99, 99, 3), np.uint8), path.parent)


def a_package(path):
    scaffold.create("method", "mine", path.parent / "package", registry.load())


WRITERS = {
    "new.txt": lambda path: files.write(path, "x" * 999),
    "new.bin": lambda path: files.write(path, bytes(999), durable=True),
    "new.json": lambda path: results.write_json(path, {"a": "x" * 999}),
    "new.png": lambda path: images.save(NOISE, path),
    "new.jpg": lambda path: images.save(NOISE, path),
    "new.safetensors": lambda path: weights.write(path, {"a": torch.zeros(999)}),
    "new.gif": a_clip,
    "new.mp4": a_clip,
    "new.webm": a_clip,
    "new.svg": a_figure,
    "store": a_store,
    "package": a_package,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_what_was_there_and_nothing_else(name, tmp_path):
    path = tmp_path / name
    path.write_text("OLD")
    if name == "package":
        path.unlink()
    before = sorted(tmp_path.iterdir())
    says = rf"{tmp_path}.* cannot be written .*: make room"
    with pytest.raises(StorageError, match=says), full_disk():
        WRITERS[name](path)
    assert sorted(tmp_path.iterdir()) == before
    assert not before or path.read_text() == "OLD"


@pytest.mark.parametrize("name", ["new.txt", "new.json", "new.png", "new.safetensors", "new.gif"])
def test_with_room_the_new_file_replaces_the_old_one(name, tmp_path):
    path = tmp_path / name
    path.write_text("OLD")
    path.chmod(0o600)
    WRITERS[name](path)
    assert path.stat().st_size > 256
    assert [path] == list(tmp_path.iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600  # it stays its owner's


@pytest.mark.parametrize("stem", ["x" * 250, "caf\udce9", "ü" * 125, "a b\n"])
@pytest.mark.parametrize("suffix", [".txt", ".png", ".gif"])
def test_every_name_that_the_file_system_takes(stem, suffix, tmp_path):
    path = tmp_path / f"{stem}{suffix}"
    WRITERS[f"new{suffix}"](path)
    assert [path] == list(tmp_path.iterdir())


def test_a_clip_that_is_broken_off_keeps_its_first_frames(tmp_path):
    path = tmp_path / "a.gif"

    def broken_off():
        yield from FRAMES[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), video.writer(path, None) as write:
        list(map(write, broken_off()))
    with Image.open(path) as gif:
        assert gif.n_frames == 2


@pytest.mark.parametrize(
    ("make", "name", "remedy"),
    [
        (lambda folder: None, "x" * 300, "choose a shorter name"),
        (lambda folder: (folder / "a").mkdir(), "a", "choose another name"),
        (lambda folder: (folder / "a").touch(), "a/b", "choose another name"),
        (lambda folder: (folder / "a").symlink_to("a"), "a", "choose another name"),
    ],
)
def test_the_remedy_is_the_causes(make, name, remedy, tmp_path):
    make(tmp_path)
    with pytest.raises(StorageError, match=f"{name} cannot be written .*: {remedy}"):
        files.write(tmp_path / name, "x")
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EROFS, "choose a folder that is not read-only"),
        (errno.EDQUOT, "make room"),
        (errno.EACCES, "check its permissions"),
        (errno.EIO, "make room or choose another folder"),
    ],
)
def test_what_a_test_cannot_bring_about_has_a_remedy_too(number, remedy):
    error = files.storage_error(Path("a.txt"), OSError(number, os.strerror(number)))
    assert re.fullmatch(rf"a\.txt cannot be written \(.+\): {remedy}.*", str(error))


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "real.txt").write_text("OLD")
    (tmp_path / "link.txt").symlink_to("real.txt")
    files.write(tmp_path / "link.txt", "new")
    assert (tmp_path / "real.txt").read_text() == "new"
    assert (tmp_path / "link.txt").is_symlink()
    read, written = os.pipe()
    files.write(Path(f"/dev/fd/{written}"), "through")
    assert os.read(read, 99) == b"through"
    os.close(read), os.close(written)
    files.write(Path(os.devnull), "gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_of_two_starters_one_works_and_one_is_told(tmp_path):
    lock = tmp_path / "a.lock"
    other = "from bench import files; from pathlib import Path; import sys\n"
    other += "with files.held(Path(sys.argv[1]), 'busy'): print('in')"
    command = [sys.executable, "-c", other, str(lock)]
    with files.held(lock, "busy"):
        finished = subprocess.run(command, capture_output=True, text=True)
        assert finished.stderr.endswith("BenchError: busy\n")
    assert subprocess.run(command, capture_output=True, text=True).stdout == "in\n"
    with (
        files.held(lock, "busy"),
        pytest.raises(BenchError, match="busy"),
        files.held(lock, "busy"),
    ):
        pass


WRITING = """
import os, signal, sys, time
from pathlib import Path
from bench import files
with files.replacing(Path(sys.argv[1])) as part:
    if sys.argv[2] == "folder":
        part.mkdir()
        part /= "inside"
    part.write_text("half")
    print(part, flush=True)
    sys.stdin.read()
"""


def writer(path, kind="file"):
    """A process in the middle of writing, and where it writes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", WRITING, str(path), kind], **pipes)
    return process, Path(process.stdout.readline().rstrip("\n"))


def killed(path, kind="file"):
    """Where a process was writing when it was killed."""
    process, part = writer(path, kind)
    with process:
        process.kill()
    assert part.exists()
    return part


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_is_gone_with_the_next_write(kind, tmp_path):
    killed(tmp_path / "a.png", kind)
    (tmp_path / ".mine.part").touch()
    files.write(tmp_path / "b.txt", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.part", "b.txt"]


def test_what_another_is_writing_stays(tmp_path):
    process, part = writer(tmp_path / "a.png")
    with process:
        files.write(tmp_path / "b.txt", "b")
        assert part.exists()
        process.stdin.close()
    assert process.returncode == 0
    assert (tmp_path / "a.png").read_text() == "half"


def test_what_a_writer_of_another_machine_left_goes_when_it_is_a_week_old(tmp_path):
    part = killed(tmp_path / "a.png")
    machine, rest = part.name[1:].split("-", 1)
    elsewhere = part.rename(part.with_name(f".{'0' * len(machine)}-{rest}"))
    code = "import sys; from pathlib import Path; from bench import files\n"
    code += "files.write(Path(sys.argv[1]), 'b')"
    for days, stays in ((0, True), (6, True), (8, False)):
        then = time.time() - days * 24 * 3600
        os.utime(elsewhere, (then, then))
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "b.txt")], check=True)
        assert elsewhere.exists() == stays


WRITES = {"write_text", "write_bytes", "copyfile", "copytree", "save_file", "mkstemp"}
ALLOWED = {
    "bench/files.py": "it is the writer",
    "bench/machine/footprint.py": "/proc",
    "bench/machine/native.py": "the compiler's input, deleted at once",
    "bench/weights/downloads.py": "a download that goes on where it was cut",
    "bench/vote/ballot.py": "a line at a file's end",
    "bench/store.py": "into the place of `files.replacing`",
    "bench/stylize/video.py": "into the place of `files.replacing`",
    "bench/plugins/trial.py": "to nowhere: what a plugin prints while it is tried",
    "bench/compare/revisions.py": "into a temporary folder",
    "bench/results/merging.py": "into the place of `files.replacing`",
    "bench/run/worker.py": "a byte at a file's end for each try",
}


def test_nothing_else_writes_files():
    """Who writes past the writer leaves halves on a full disk; `ALLOWED` says why some may."""
    found = set()
    for folder in ("bench", "methods", "metrics", "datasets"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _writes(node):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found <= set(ALLOWED), found - set(ALLOWED)


def _writes(call):
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    values = [
        a.value for a in (*call.args, *(k.value for k in call.keywords)) if hasattr(a, "value")
    ]
    modes = {"w", "wb", "x", "xb", "a", "ab", "a+b", "r+b", "w+b"} & {
        v for v in values if isinstance(v, str)
    }
    return name in WRITES or (name == "open" and bool(modes))
