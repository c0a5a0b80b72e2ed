"""Adaptations observed on the way, and several rows of one method."""

import time
from pathlib import Path

import pytest
from PIL import Image

from bench import images, results
from bench.cli import main
from bench.commands._shared import steps
from bench.errors import StorageError
from bench.machine.clock import one_two_five

PLUGIN = '''
import torch
from dataclasses import dataclass
from bench import Method, Metric, hookimpl, option

@dataclass(frozen=True)
class StepsOptions:
    steps: int = option(3, "update steps", low=0)
    fails: int = option(-1, "at this step")

class Wander(Method):
    """A grey that moves by a random number at each step; stylizing draws one too."""
    name = "wander"
    family = "per-style"
    citation = "none"
    Options = StepsOptions
    def adapt(self, style):
        return self.walk()  # no generator function itself
    def walk(self):
        self.grey = torch.rand(1)
        yield
        for step in range(1, self.options.steps + 1):
            if step == self.options.fails: raise ValueError("lost")
            self.grey = (self.grey + torch.rand(1)) / 2
            yield
    def stylize(self, content):
        return (content + self.grey + torch.rand(1)) / 3

class Still(Method):
    """Does not iterate."""
    name = "still"
    family = "arbitrary"
    citation = "none"
    def stylize(self, content): return content * 0.5

class Brightness(Metric):
    """The mean of the picture."""
    name = "brightness"
    axis = "both"
    def score(self, stylized, content, style): return stylized.mean().item()

@hookimpl
def bench_methods(): return [Wander, Still]

@hookimpl
def bench_metrics(): return [Brightness()]
'''
BASE = ["--dataset", "synthetic", "--profile", "smoke", "--device", "cpu", "--quiet",
        "--precision", "float32", "--metric", "brightness"]  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plugin.py").write_text(PLUGIN)

    def start(*words, status=0):
        assert main(["run", "--plugin", "plugin.py", *BASE, *words]) == status
        return results.latest(Path("runs"))

    return start


def cell(folder, method, style="stripes"):
    return results.read_json(results.record_path(folder, "cells", method, style, 64))


def test_every_content_is_stored_at_the_steps_asked_for(run):
    folder = run("--method", "wander", "--contents", "2", "--observe", "0,2,3,50")
    record = cell(folder, "wander")
    assert [moment["step"] for moment in record["observed"]] == [0, 2, 3]
    assert [
        [picture["image"] for picture in moment["contents"]] for moment in record["observed"]
    ] == [
        [f"images/wander/64/stripes/step-{step:06}/{name}.png" for name in ("disc", "boxes")]
        for step in (0, 2, 3)
    ]  # fmt: skip
    pictures = [
        [(folder / picture["image"]).read_bytes() for picture in contents]
        for contents in (*(m["contents"] for m in record["observed"]), record["contents"])
    ]
    assert pictures[2] == pictures[3]  # the last step's are the finished ones
    assert pictures[0] != pictures[1] != pictures[2]
    seconds = [moment["seconds"] for moment in record["observed"]]
    assert seconds == sorted(seconds)
    assert seconds[-1] <= record["adapt"]["seconds"]
    assert record["adapt"]["curve"][:3] == [[0, seconds[0]], [1, pytest.approx(0, abs=1)],
                                            [2, seconds[1]]]  # fmt: skip
    assert results.read_run(folder).observe == [0, 2, 3, 50]


def test_observing_changes_no_result(run):
    words = ("--method", "wander", "--method", "johnson", "--method", "metastyle")
    plain = run(*words)
    watched = run(*words, "--observe", "default")
    pictures = sorted(path.relative_to(plain) for path in (plain / "images").rglob("*.png"))
    assert len(pictures) == 5
    for picture in pictures:
        assert (plain / picture).read_bytes() == (watched / picture).read_bytes(), picture
    for name in ("johnson", "metastyle"):
        record = cell(watched, name)
        assert [moment["step"] for moment in record["observed"]] == [0, 1, 2]
        stages = [moment["contents"] for moment in record["observed"]] + [record["contents"]]
        start, one, two, end = (
            (watched / contents[0]["image"]).read_bytes() for contents in stages
        )
        assert two == end  # a network made ready for inference follows its parameters
        assert len({start, one, two}) == 3


def test_the_clock_stands_still_while_it_observes(run, monkeypatch):
    def slow(picture, path):
        time.sleep(0.1)
        save(picture, path)

    save = images.save
    monkeypatch.setattr(images, "save", slow)
    record = cell(run("--method", "wander", "--observe", "0,1,2"), "wander")
    assert len(record["observed"]) == 3
    assert record["adapt"]["seconds"] < 0.1


def test_what_does_not_iterate_is_not_observed(run):
    folder = run("--method", "still", "--observe", "0,1")
    assert [cell(folder, name)["observed"] for name in ("identity", "style-copy", "still")] == [
        [], [], [],
    ]  # fmt: skip


def test_observed_pictures_are_scored_apart_from_the_finished_ones(run):
    folder = run("--method", "wander", "--styles", "2", "--observe", "0,3")
    frames = results.load([folder])
    scored = frames.scores[frames.scores["method"] == "wander"]
    assert scored[["style", "content"]].to_numpy().tolist() == [
        ["checker", "disc"], ["stripes", "disc"],
    ]  # fmt: skip
    observed = frames.observed_scores
    assert observed[["method", "style", "step", "content", "status"]].to_numpy().tolist() == [
        ["wander", style, step, "disc", "ok"] for style in ("checker", "stripes") for step in (0, 3)
    ]
    last = observed[observed["step"] == 3]
    assert last["value"].tolist() == scored["value"].tolist()
    with Image.open(folder / frames.observed["image"].iloc[0]) as picture:
        mean = sum(picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))
    assert observed["value"].iloc[0] == pytest.approx(mean / 3 / 255, abs=0.01)
    assert frames.observed[["style", "step"]].to_numpy().tolist() == [
        ["checker", 0], ["checker", 3], ["stripes", 0], ["stripes", 3],
    ]  # fmt: skip


def test_a_failure_on_the_way_is_a_row(run):
    folder = run("--method", "wander", "--option", "wander.fails=2", "--observe", "0,1,2", status=1)
    record = cell(folder, "wander")
    assert (record["status"], record["reason"][:16]) == ("error", "ValueError: lost")
    assert [moment["step"] for moment in record["observed"]] == [0, 1]
    assert results.load([folder]).observed_scores.empty


def test_a_full_disk_while_observing_ends_the_run(run, monkeypatch, capsys):
    def full(picture, path):
        if path.parent.name == "step-000001":
            raise StorageError(f"{path} cannot be written: No space left on device")
        save(picture, path)

    save = images.save
    with monkeypatch.context() as patch:
        patch.setattr(images, "save", full)
        folder = run("--method", "wander", "--observe", "0,1", status=1)
    assert "No space left on device" in capsys.readouterr().err
    assert not list(folder.glob("cells/wander*"))
    assert main(["run", "--resume", "--quiet", "--plugin", "plugin.py"]) == 0
    assert [moment["step"] for moment in cell(folder, "wander")["observed"]] == [0, 1]


def test_an_alias_is_another_row_with_its_own_options(run, capsys):
    folder = run("--method", "wander", "--method", "long=wander", "--option", "long.steps=5",
                 "--observe", "5")  # fmt: skip
    record = results.read_run(folder)
    assert {name: method.method for name, method in record.methods.items()} == {
        "identity": "identity", "style-copy": "style-copy", "wander": "wander", "long": "wander",
    }  # fmt: skip
    assert [cell(folder, name)["adapt"]["steps"] for name in ("wander", "long")] == [3, 5]
    assert [len(cell(folder, name)["observed"]) for name in ("wander", "long")] == [0, 1]
    assert results.read_json(results.record_path(folder, "speed", "long", 64))["status"] == "ok"
    assert "] wander with steps=5" in capsys.readouterr().out
    for path in folder.glob("cells/long*"):
        path.unlink()
    assert main(["run", "--resume", "--quiet", "--plugin", "plugin.py"]) == 0
    assert cell(folder, "long")["adapt"]["steps"] == 5
    assert len(cell(folder, "long")["observed"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "a=wandr"], "unknown method 'wandr'; did you mean wander?"),
        (["--method", "still=wander"], "--method still=wander: still cannot be an alias"),
        (["--method", "synthetic=wander"], "synthetic cannot be an alias; take a new name"),
        (["--method", "=wander"], "nothing cannot be an alias"),
        (["--method", "a=wander", "--method", "a=still"], "--method a=still: a cannot be an alias"),
        (["--method", "a=wander", "--option", "b.steps=1"], "unknown plugin in --option 'b'"),
        (["--method", "a=wander", "--option", "wander.steps=1"], "wander takes no part"),
    ],
)
def test_wrong_aliases_are_one_line(run, capsys, words, message):
    assert main(["run", "--plugin", "plugin.py", *BASE, *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize("text", ["a", "1,,2", "-1", "1.5"])
def test_wrong_steps_are_one_line(capsys, text):
    with pytest.raises(SystemExit):
        main(["run", "--method", "identity", "--observe", text])
    (line,) = capsys.readouterr().err.splitlines()
    assert "write numbers of steps as 0,1,2,5, or default" in line


def test_default_steps_are_one_two_five():
    assert steps("default") == tuple(filter(one_two_five, range(1_000_000)))
    assert steps("10, 2,0,2") == (0, 2, 10)
