"""Whatever a command line says, or a file that it names: a result, or a line that says why not.

Commands are drawn from the parser itself, so that a new one is tried too; each is a process, forked
from this one, in a folder of its own. One that works for long must end when it is asked to.
"""

import argparse
import functools
import importlib
import os
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.forked import Command
from helpers.fuzzing import SECONDS, campaign
from helpers.made_run import make_run
from hypothesis import strategies as st
from PIL import Image

from bench.cli import COMMANDS
from bench.weights import write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

PATIENCE_SECONDS = 5
"""After so long a command is asked to end."""
AGAIN_SECONDS = 15
"""And again: Python drops what a handler raises while an object is finalised."""
HANG_SECONDS = 50

TEXTS = (
    "", " ", "-", "--", "-1", "0", "1", "2", "3", "64", "1e3", "1e-300", "1e300", "inf", "nan", "²",
    "١", "1_0", "9" * 5000, "x" * 300, "é", "\udcff", "\u202e{}%s\x1b[31m", "a=b", "=", "a=", "=b",
    "..", "../x", "../../x", "/", "/dev/zero", "/dev/null", "$HOME", "~", "~nobody", "*", "all",
    "default", "auto", "cpu", "cuda:7", "mps", "float32", "bfloat16", "int4", "smoke", "synthetic",
    "identity", "style-copy", "metastyle", "adain", "gatys", "mine", "a=identity", "../x=identity",
    "ssim", "color", "lpips@judge", "metastyle.steps=0", "adain.decay=nan", "identity.x=1",
    "metastyle.weights=w.safetensors", "0,1,2", "0,", "5s", "40ms", "1GB", "both", "{content}",
    "{content}_{style}", "{content!r}{style}", "json", "csv", "latex", "github", "plain",
)  # fmt: skip
FILES = (
    "good.png", "bad.png", "photos", "empty", "file", "file/x", "pipe", "loop", "nowhere", "runs",
    "w.safetensors", "broken.py", "mine.py", "table.csv", "run.json", "out/x", "out/x.png",
    "out/x.gif", "out/x.mp4", "out/x.safetensors", "out/deep/er", "out/" + "n" * 300 + ".png",
    "out/loop", "out/loop/x.png",
)  # fmt: skip
WRITTEN = {"out", "plots", "html", "json", "save_baseline", "runs", "folder"}
"""Options that name what is written: where, the user says, so that only `out` is drawn."""

PLUGIN = """
from bench import Method, hookimpl
class Mine(Method):
    "Does nothing."
    name = "mine"
    family = "arbitrary"
    citation = "none"
    def stylize(self, content): return content
@hookimpl
def bench_methods(): return [Mine]
"""
COUNTS = Counter()


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    """The folder in which commands are tried, with what they may name; and nobody's home."""
    torch.set_num_threads(1)
    for name in COMMANDS:
        importlib.import_module(f"bench.commands.{name}")
    for name in ("run.execution", "stylize.video", "training", "vote.server", "compare.gate"):
        importlib.import_module(f"bench.{name}")
    root = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        patch.setenv("HOME", str(root / "home"))
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        patch.setenv("BENCH_PLUGINS", "0")
        (root / "work" / "photos").mkdir(parents=True)
        patch.chdir(root / "work")
        generator = np.random.default_rng(0)
        for name in ("good.png", "photos/a.png", "photos/b.jpg"):
            Image.fromarray(generator.integers(0, 255, (48, 64, 3), np.uint8)).save(name)
        Path("bad.png").write_bytes(b"not a picture")
        Path("empty").mkdir()
        Path("file").write_text("a file")
        os.mkfifo("pipe")
        Path("loop").symlink_to("loop")
        write(Path("w.safetensors"), {"a": torch.zeros(3)}, {"method": "metastyle"})
        Path("broken.py").write_text("import no_such_module\n")
        Path("mine.py").write_text(PLUGIN)
        Path("table.csv").write_text("content,style,output\na,b,good.png\n")
        run = make_run(Path("made").absolute(), ["fast", "identity", "style-copy"])
        shutil.copytree(run, "runs/20260101-000000-dead")
        shutil.copy(run / "run.json", "run.json")
        yield root
        if SECONDS:
            sys.stderr.write(f"\ncommand line fuzz: {dict(COUNTS)}\n")


def seen(root):
    """All there is but what commands may write: size and time of each file."""
    mine = ("work/out", "work/runs/2", "work/runs/.", "work/sheet.png", "work/.std", "cache")
    there = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118
            if not path.startswith(mine) or path.startswith("work/runs/20260101"):
                about = os.lstat(os.path.join(folder, name))  # noqa: PTH118
                there[path] = (about.st_mtime_ns, about.st_size) if name in names else "folder"
    return there


def tried(root, words):
    """Do a command: it gives a result or says in a line why not, and leaves the rest alone."""
    shutil.rmtree("out", ignore_errors=True)
    Path("out").mkdir()
    Path("out/loop").symlink_to("loop")
    before = seen(root)
    command = Command(*words, out=".stdout", err=".stderr")
    begun, asked = time.monotonic(), 0
    while command.status() is None:
        taken = time.monotonic() - begun
        if taken > PATIENCE_SECONDS + AGAIN_SECONDS * asked:
            os.kill(command.pid, signal.SIGTERM)
            asked += 1
        if taken > HANG_SECONDS:
            os.killpg(command.pid, signal.SIGKILL)
            command.wait()
            raise AssertionError(f"it hangs: {words}\n{command.said()[-2000:]}")
        time.sleep(0.002)
    status, said = command.status(), Path(".stderr").read_bytes().decode(errors="replace")
    COUNTS[words[0] if words else ""] += 1
    COUNTS[f"status {status}"] += 1
    assert "Traceback" not in said, (words, said[-3000:])
    assert "[Errno" not in said, (words, said[-3000:])
    assert status in (0, 1, 2, 130, 143), (words, status, said[-3000:])
    if status:
        why = said if said.strip() else Path(".stdout").read_bytes().decode(errors="replace")
        last = why.splitlines()[-1] if why.strip() else ""  # a verdict goes to standard output
        assert last, (words, status)
        assert len(last) < 4000, (words, last)
    else:
        assert status == 0
    after = seen(root)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    allowed = {path for path in changed if path.startswith("work/bench-") and words[0] == "new"}
    assert changed == allowed, (words, changed)
    for path in allowed:
        shutil.rmtree(root / path, ignore_errors=True)
    for path in Path("runs").glob("2*"):
        if path.name != "20260101-000000-dead":
            shutil.rmtree(path)


class Arguments(argparse.ArgumentParser):
    """Keeps the arguments that a command adds."""

    def __init__(self):
        self.kept = []
        super().__init__(add_help=False)

    def add_argument(self, *words, **more):
        self.kept.append(super().add_argument(*words, **more))
        return self.kept[-1]

    def add_mutually_exclusive_group(self, **_):
        return self


@functools.cache
def arguments(name):
    """The arguments of a command."""
    taken = Arguments()
    importlib.import_module(f"bench.commands.{name}").add(lambda *_, **__: taken)
    return taken.kept


def value(action):
    """What may stand behind an argument."""
    anything = st.sampled_from([*TEXTS, *FILES])
    if action.dest in WRITTEN and action.option_strings:
        return st.sampled_from([name for name in FILES if name.startswith("out")])
    if action.choices:
        return st.sampled_from(sorted(map(str, action.choices))) | anything
    if action.metavar and any(w in str(action.metavar) for w in ("PATH", "FILE", "DIR", "RUN")):
        return st.sampled_from(FILES) | anything
    return anything | st.text(st.characters(exclude_characters="\0"), max_size=8)


SHORT = {
    "run": ["--profile", "smoke", "--threads", "1", "--precision", "float32", "--quiet"],
    "train": ["--steps", "1", "--threads", "1", "--precision", "float32", "--quiet"],
    "study": ["--dry-run"],
    "gate": ["--max-seconds", "0.01", "--method", "identity"],
    "check": ["--quick"],
}
"""What keeps a command short, more often than not."""


@st.composite
def command_lines(draw):
    name = draw(st.sampled_from(COMMANDS))
    words = [name]
    known = arguments(name)
    for action in known:
        if action.option_strings:
            continue
        least = 0 if action.nargs in ("?", "*") else 1
        words += draw(st.lists(value(action), min_size=least, max_size=2 if action.nargs else 1))
    optional = [action for action in known if action.option_strings]
    required = [action for action in optional if action.required]
    picked = draw(st.lists(st.sampled_from(optional), max_size=4)) if optional else []
    for action in (*required, *picked):
        option = draw(st.sampled_from(action.option_strings))
        takes = action.nargs != 0 and not (action.nargs == "?" and draw(st.booleans()))
        words += [f"{option}={draw(value(action))}"] if takes else [option]
    if draw(st.integers(0, 3)):
        words += SHORT.get(name, [])
    return words


def test_command_lines(place):
    campaign(lambda words: tried(place, words), command_lines(), examples=20, shrink=False)


@pytest.fixture(scope="module")
def seeds(place):
    """Whole files of each kind that is read, and the command that reads it."""
    photo = Image.open("good.png")
    words = ["stylize", "--method", "identity", "--style", "good.png", "--threads", "1",
             "--precision", "float32", "--quiet"]  # fmt: skip
    seeds = {}

    def add(name, words):
        seeds[name] = (Path(name).read_bytes(), words)
        Path(name).unlink()

    for suffix, more in (
        ("png", {"icc_profile": b"x" * 200, "dpi": (72, 72)}), ("jpg", {"exif": b"Exif\0\0MM\0*"}),
        ("webp", {}), ("gif", {}), ("tif", {"compression": "tiff_lzw"}), ("bmp", {}),
    ):  # fmt: skip
        photo.save(f"out.{suffix}", **more)
        add(f"out.{suffix}", [*words, f"out.{suffix}", "-o", "out/made.png"])
    photo.save("clip.gif", save_all=True, append_images=[photo.transpose(0), photo])
    add("clip.gif", [*words, "clip.gif", "-o", "out/made.gif"])
    about = {"method": "metastyle", "style": "{}"}
    write(Path("style.safetensors"), {"a": torch.zeros(3)}, about)
    add("style.safetensors", ["stylize", "--weights", "style.safetensors", "good.png",
                              "-o", "out/made.png", *words[-5:]])  # fmt: skip
    Path("pairs.csv").write_text("content,style,output\na,b,good.png\n" * 2)
    add("pairs.csv", ["score", "pairs.csv", "--content", "photos", "--style", "photos",
                      "--metric", "ssim", "--size", "64", "--quiet"])  # fmt: skip
    Path("plugin.py").write_text(PLUGIN)
    add("plugin.py", ["list", "methods", "--plugin", "plugin.py"])
    torch.save({"a.weight": torch.zeros(2, 2)}, "net.pth")
    add("net.pth", ["stylize", "--method", "metastyle", "--option", "metastyle.weights=net.pth",
                    "--style", "good.png", "good.png", "-o", "out/made.png"])  # fmt: skip
    return seeds


def damaged(data):
    """A file with some of its bytes changed, cut out, doubled, or all from somewhere on gone."""

    @st.composite
    def drawn(draw):
        bytes_ = bytearray(data)
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, max(0, len(bytes_) - 1)))
            much = draw(st.sampled_from([1, 1, 2, 4, 16, 100]))
            how = draw(st.sampled_from(["flip", "set", "cut", "double", "end"]))
            piece = bytes(bytes_[at : at + much])
            if how == "flip":
                bytes_[at : at + 1] = bytes([(piece or b"\0")[0] ^ (1 << draw(st.integers(0, 7)))])
            elif how == "set":
                bytes_[at : at + much] = draw(st.sampled_from([b"\0", b"\xff"])) * len(piece)
            elif how == "cut":
                del bytes_[at : at + much]
            elif how == "double":
                bytes_[at:at] = piece
            else:
                del bytes_[at:]
        return bytes(bytes_)

    return drawn()


def test_files(place, seeds):
    def check(drawn):
        name, data = drawn
        Path(name).write_bytes(data)
        try:
            tried(place, seeds[name][1])
        finally:
            Path(name).unlink()

    drawn = st.sampled_from(sorted(seeds)).flatmap(
        lambda name: st.tuples(st.just(name), damaged(seeds[name][0]))
    )
    campaign(check, drawn, examples=12, shrink=False)
