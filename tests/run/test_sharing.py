"""Rows that differ in a strength alone share an adaptation: counted, and equal to the digit."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from bench import cli, results
from bench.commands import run as command
from bench.results import CellRecord
from bench.run import sharing

RUN = ["run", "--profile", "smoke", "--dataset", "synthetic", "--quiet", "--device", "cpu"]
RUN += ["--styles", "2", "--contents", "2", "--precision", "float32", "--threads", "1"]
RUN += ["--metric", "ssim"]
PLUGIN = '''
import os
from dataclasses import dataclass
from pathlib import Path
import torch
from bench import Method, Strength, hookimpl, option

@dataclass(frozen=True)
class Options:
    much: float = option(0.5, "how much", low=0, high=1)
    grain: float = option(0.1, "how much of it is random", low=0, high=1)

class Mix(Method):
    """Learns a noisy mean, step by step; writes down each style that it has learned."""
    name = "mix"
    family = "per-style"
    citation = "a test"
    Options = Options
    strength = Strength("much", (0.25, 0.5, 1.0), adapts=False)

    def adapt(self, style):
        self.mean = style.mean((2, 3), keepdim=True)
        yield
        for _ in range(3):
            self.mean = self.mean + self.options.grain * torch.rand_like(self.mean)
            yield
        with Path("adapted.log").open("a") as log:
            log.write(f"{float(style.mean()):.4f} {os.getpid()}\\n")

    def stylize(self, content):
        if self.options.much == 1.0 and Path("die").exists():
            os.abort()
        self.mean *= self.options.much  # in place: nobody else's tensor
        return ((1 - self.options.much) * content + self.mean).clamp(0, 1)

class Apart(Mix):
    """The same, but each strength adapts."""
    name = "apart"
    strength = Strength("much", (0.25, 0.5, 1.0))

@hookimpl
def bench_methods():
    return [Mix, Apart]
'''


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Run with these words in a folder with the plugin; gives the run's folder."""
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    Path("mix.py").write_text(PLUGIN)

    def make(*words, method="mix"):
        assert cli.main([*RUN, "--plugin", "mix.py", "--method", method, "--sweep", *words]) == 0
        return results.latest(Path("runs"))

    return make


def adaptations():
    """How often each style was learned so far."""
    return Counter(line.split()[0] for line in Path("adapted.log").read_text().splitlines())


def cells(run):
    found = results.whole(run, CellRecord)
    return {(cell.method, cell.style): cell for cell in found if cell.method.startswith("mix")}


def pictures(run, of="mix"):
    """Rows and pictures to bytes; a picture of a row has the row's name in its path."""
    folder = run / "images"
    paths = [path for path in folder.rglob("*.png") if path.parts[-4].startswith(of)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_sweep_adapts_once_for_each_style(swept):
    run = swept()
    assert list(adaptations().values()) == [1, 1]
    found = cells(run)
    assert len(found) == 6
    for (name, style), cell in found.items():
        own = found["mix", style].adapt
        assert cell.status == "ok"
        assert cell.adapt.shared_with == (None if name == "mix" else "mix")
        assert (cell.adapt.seconds, cell.adapt.steps) == (own.seconds, 3)
        assert cell.parameters == found["mix", style].parameters


def test_where_a_strength_needs_it_every_row_adapts(swept):
    swept(method="apart")
    assert list(adaptations().values()) == [3, 3]


def test_other_options_and_sizes_share_nothing(swept):
    words = ["--method", "fine=mix", "--option", "fine.grain=0", "--size", "48", "--size", "64"]
    swept(*words)  # each of both rows of the method once, at both sizes
    assert sum(adaptations().values()) == 2 * 2 * 2


def test_a_row_made_alone_has_the_same_pictures(swept):
    """Without its family's cells it adapts by itself, by the same random numbers."""
    run = swept()
    before = pictures(run)
    assert len(before) == 12
    for name in ("mix-0p25", "mix-1"):
        for path in (run / "cells").glob(f"{name}__*"):
            path.unlink()
        shutil.rmtree(run / "images" / name)
    assert cli.main(["run", "--resume", str(run), "--plugin", "mix.py", "--quiet"]) == 0
    assert list(adaptations().values()) == [2, 2]  # once more for both rows that were left
    assert pictures(run) == before
    assert cells(run)["mix-1", next(iter(cells(run)))[1]].adapt.shared_with == "mix-0p25"


def test_a_run_of_that_strength_alone_has_the_same_pictures(swept):
    """Where adapting draws nothing at random a run without the others is one without sharing."""
    fine = ["--option", "mix.grain=0"]
    both = pictures(swept(*fine), "mix-1")
    words = ["--plugin", "mix.py", "--method", "mix-1=mix"]
    fine = ["--option", "mix-1.grain=0", "--option", "mix-1.much=1"]
    assert cli.main([*RUN, *words, *fine]) == 0
    assert pictures(results.latest(Path("runs")), "mix-1") == both


@pytest.mark.parametrize("method", ["adain", "wct", "avatar-net", "ghiasi"])
def test_built_in_methods_share_without_a_trace(swept, method):
    run = swept("--contents", "1", "--styles", "1", method=method)
    shared = {
        cell.method for cell in results.whole(run, CellRecord) if cell.adapt.shared_with == method
    }
    assert len(shared) >= 3
    before = pictures(run, method)
    for name in shared:
        for path in [*(run / "cells").glob(f"{name}__*")]:
            path.unlink()
            assert cli.main(["run", "--resume", str(run), "--quiet", "--plugin", "mix.py"]) == 0
    assert pictures(run, method) == before


def test_processes_of_their_own_share_too_and_one_that_dies_takes_nothing_with_it(swept):
    run = swept("--isolate")
    assert list(adaptations().values()) == [1, 1]
    before = pictures(run)
    Path("die").touch()
    Path("adapted.log").unlink()
    run = swept("--isolate")
    found = cells(run)
    dead = {place for place, cell in found.items() if cell.status == "error"}
    assert {name for name, _ in dead} == {"mix-1"}
    assert len(dead) == 2
    assert list(adaptations().values()) == [1, 1]  # the last row of a style died, not the first
    assert pictures(run) == {k: v for k, v in before.items() if not k.startswith("mix-1")}


def test_observed_pictures_are_each_rows_own(swept):
    found = cells(swept("--observe", "0,2"))
    assert list(adaptations().values()) == [3, 3]
    assert all([moment.step for moment in cell.observed] == [0, 2] for cell in found.values())


def test_the_table_says_whose_adaptation_it_is_and_at_which_strength(swept, capsys):
    swept()
    out = " ".join(capsys.readouterr().out.split())
    assert "mix at strength much=0.25, where 0.5 is usual" in out
    assert "adaptation shared with mix" in out


def test_families_are_rows_that_differ_in_a_strength_alone(swept):
    run = swept("--method", "apart", "--method", "fine=mix", "--option", "fine.grain=0")
    plan, _ = command.reopen(run, ["mix.py"])
    anchors = [["identity"], ["style-copy"]]
    assert sharing.families(plan) == [
        *anchors,
        ["mix", "mix-0p25", "mix-1"],
        ["apart"],
        ["fine", "fine-0p25", "fine-1"],
        ["apart-0p25"],
        ["apart-1"],
    ]
    assert sharing.family(plan, "fine-1") == ["fine", "fine-0p25", "fine-1"]
