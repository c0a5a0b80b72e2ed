"""Whole runs of methods that do one thing each, good or bad, on procedural pictures."""

import json
from pathlib import Path

from bench import results
from bench.cli import main

PLUGIN = '''
import os
import signal
import sys
import time
import torch
from bench import Method, hookimpl, option
from dataclasses import dataclass

class Fine(Method):
    """Mixes the style's mean colour in; counts its phases."""
    name = "fine"
    family = "arbitrary"
    citation = "none"
    def adapt(self, style): self.mean = style.mean((2, 3), keepdim=True)
    def stylize(self, content): return (content + self.mean) / 2

class Steps(Fine):
    """Adapts in three steps and stylizes in two."""
    name = "steps"
    def adapt(self, style):
        self.mean = style.mean((2, 3), keepdim=True)
        yield
        for _ in range(3): yield
    def stylize(self, content):
        yield content
        yield (content + self.mean) / 2
        yield self.mean.expand_as(content)

class Raises(Fine):
    """Fails while it adapts."""
    name = "raises"
    def adapt(self, style): raise ValueError("no such brush")

class OutOfMemory(Fine):
    """Fails while it stylizes."""
    name = "hungry"
    def stylize(self, content): raise torch.OutOfMemoryError("CUDA out of memory")

class Wild(Fine):
    """Breaks its word on the range."""
    name = "wild"
    def stylize(self, content): return content * 3

class Narrow(Fine):
    """Breaks its word on the shape."""
    name = "narrow"
    def stylize(self, content): return content[..., :-1]

class Crash(Fine):
    """Takes the interpreter with it on the one style that is grey on the whole."""
    name = "crash"
    def adapt(self, style):
        super().adapt(style)
        if abs(float(self.mean.mean()) - 0.5) < 0.02: os.kill(os.getpid(), signal.SIGSEGV)

class Slow(Fine):
    """Long enough to be killed in the middle; notes whether an optimiser would cost an import."""
    name = "slow"
    def adapt(self, style):
        with open("imported", "w") as file:
            file.write(str("torch._dynamo" in sys.modules))
        super().adapt(style)
    def stylize(self, content):
        time.sleep(0.2)
        return super().stylize(content)

@hookimpl
def bench_methods(): return [Fine, Steps, Raises, OutOfMemory, Wild, Narrow, Crash, Slow]
'''
BASE = ["--dataset", "synthetic", "--profile", "smoke", "--device", "cpu", "--quiet",
        "--precision", "float32"]  # fmt: skip


def written(folder, monkeypatch):
    """The plugin's file in a folder that is the working directory from now on."""
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(folder)
    file = folder / "strangers.py"
    file.write_text(PLUGIN)
    return str(file)


def run(plugin, *words):
    status = main(["run", "--plugin", plugin, *BASE, *words])
    return status, results.latest(Path("runs"))


def records(folder, kind):
    found = [json.loads(path.read_text()) for path in sorted((folder / kind).glob("*.json"))]
    return {(r["method"], r.get("style"), r["size"]): r for r in found}
