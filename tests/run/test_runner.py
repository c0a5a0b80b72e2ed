"""Whole runs on procedural pictures: the grid, failures as rows, resuming after kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image

from bench import files, images, results
from bench.cli import main, parser
from bench.errors import BenchError, StorageError
from bench.machine import environment
from bench.plugins.registry import load
from bench.run import execution, recording
from bench.run.plan import Chosen

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
FAILS_ONCE = """
        import pathlib
        if not pathlib.Path("tried").exists():
            pathlib.Path("tried").touch()
            raise ValueError("no such brush")
        self.mean = style.mean((2, 3), keepdim=True)"""
BASE = ["--dataset", "synthetic", "--profile", "smoke", "--device", "cpu", "--quiet",
        "--precision", "float32"]  # fmt: skip


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "strangers.py"
    file.write_text(PLUGIN)
    return str(file)


def run(plugin, *words):
    status = main(["run", "--plugin", plugin, *BASE, *words])
    return status, results.latest(Path("runs"))


def records(folder, kind):
    found = [json.loads(path.read_text()) for path in sorted((folder / kind).glob("*.json"))]
    return {(r["method"], r.get("style"), r["size"]): r for r in found}


def test_every_cell_of_the_grid_is_there_with_its_pictures(plugin):
    status, folder = run(
        plugin, "--method", "fine", "--size", "48", "--size", "64", "--contents", "2",
        "--styles", "2",
    )  # fmt: skip
    assert status == 0
    cells = records(folder, "cells")
    expected = {
        (method, style, size)
        for method in ("identity", "style-copy", "fine")
        for style in ("stripes", "checker")
        for size in (48, 64)
    }
    assert set(cells) == expected
    assert set(records(folder, "scores")) == expected
    assert set(records(folder, "speed")) == {(m, None, s) for m, _, s in expected}
    for cell in cells.values():
        assert cell["status"] == "ok"
        assert [entry["content"] for entry in cell["contents"]] == ["disc", "boxes"]
        for entry in cell["contents"]:
            with Image.open(folder / entry["image"]) as picture:
                assert picture.size == (cell["size"], cell["size"])


def test_scopes_of_a_plain_and_of_an_iterative_method(plugin):
    _, folder = run(plugin, "--method", "fine", "--method", "steps")
    speed = {method: r for (method, _, _), r in records(folder, "speed").items()}
    assert set(speed["fine"]["scopes"]) == {"adapt", "core", "pair", "e2e"}
    assert set(speed["steps"]["scopes"]) == {"core", "pair", "e2e"}
    assert speed["fine"]["scopes"]["core"]["stopped"] in ("precision", "time cap", "samples")
    assert speed["fine"]["iterative"] == {"adapt": False, "stylize": False}
    assert speed["steps"]["iterative"] == {"adapt": True, "stylize": True}
    cell = records(folder, "cells")["steps", "stripes", 64]
    assert cell["adapt"]["steps"] == 3
    assert [step for step, _ in cell["adapt"]["curve"]] == [0, 1, 2, 3]
    core = speed["steps"]["scopes"]["core"]["samples"]
    assert core == [entry["seconds"] for entry in cell["contents"]]
    pair = speed["steps"]["scopes"]["pair"]["samples"]
    assert pair == pytest.approx([cell["adapt"]["seconds"] + core[0]])
    assert speed["steps"]["scopes"]["e2e"]["samples"][0] > core[0]


def test_timings_of_cells_count_styles_as_rounds(plugin):
    _, folder = run(plugin, "--method", "steps", "--styles", "2", "--contents", "2")
    scopes = records(folder, "speed")["steps", None, 64]["scopes"]
    assert scopes["core"]["rounds"] == [0, 0, 1, 1]
    assert scopes["e2e"]["rounds"] == [0, 0, 1, 1]
    assert scopes["pair"]["rounds"] == [0, 1]


def test_the_last_picture_of_an_iterative_method_is_the_result(plugin):
    _, folder = run(plugin, "--method", "steps")
    cell = records(folder, "cells")["steps", "stripes", 64]
    with Image.open(folder / cell["contents"][0]["image"]) as picture:
        assert len(picture.getcolors()) == 1


def test_failures_are_rows_and_the_rest_goes_on(plugin, capsys):
    status, folder = run(
        plugin,
        *(w for n in ("raises", "hungry", "wild", "narrow", "fine") for w in ("--method", n)),
    )
    assert status == 0
    cells = {method: cell for (method, _, _), cell in records(folder, "cells").items()}
    assert cells["fine"]["status"] == "ok"
    assert cells["raises"]["status"] == "error"
    assert cells["raises"]["reason"].startswith("ValueError: no such brush (strangers.py:")
    assert cells["hungry"]["status"] == "oom"
    assert cells["wild"]["reason"].startswith("the method gave values from")
    assert cells["narrow"]["reason"] == "the method gave shape (1, 3, 64, 63) for (1, 3, 64, 64)"
    for name, speed in records(folder, "speed").items():
        assert (speed["status"] == "ok") == (cells[name[0]]["status"] == "ok")
    assert "no such brush" in capsys.readouterr().out


def test_the_status_says_when_every_cell_failed(plugin, capsys):
    status, _ = run(plugin, "--method", "raises")
    assert status == 1
    assert capsys.readouterr().err.startswith("bench: every cell failed: ValueError: no such brush")


def test_identity_has_a_perfect_content_score_and_style_copy_a_perfect_style_score(plugin):
    _, folder = run(plugin, "--method", "fine")
    record = results.read_run(folder)
    best = {"lower": 0.0, "higher": 1.0}
    checked = 0
    for (method, _, _), scores in records(folder, "scores").items():
        axis = {"identity": "content", "style-copy": "style"}.get(method)
        for entry in scores["scores"]:
            metric = record.metrics[entry["metric"]]
            assert entry["status"] == "ok", entry
            if metric.axis == axis:
                checked += 1
                assert entry["value"] == pytest.approx(best[metric.direction], abs=1e-4), entry
    assert checked >= 4


def test_the_same_seed_gives_the_same_pictures(plugin):
    _, first = run(plugin, "--method", "johnson", "--styles", "2")
    time.sleep(0.01)
    _, second = run(plugin, "--method", "johnson", "--styles", "2")
    pictures = sorted(p.relative_to(first) for p in (first / "images").rglob("*.png"))
    assert pictures
    for picture in pictures:
        assert (first / picture).read_bytes() == (second / picture).read_bytes(), picture


def test_a_cell_does_not_depend_on_what_ran_before_it(plugin):
    _, alone = run(plugin, "--method", "johnson")
    _, after = run(plugin, "--method", "gatys", "--method", "johnson")
    _, last = run(plugin, "--method", "johnson")
    (picture,) = (p.relative_to(alone) for p in (alone / "images" / "johnson").rglob("*.png"))
    assert (alone / picture).read_bytes() == (after / picture).read_bytes()
    assert (alone / picture).read_bytes() == (last / picture).read_bytes()


def test_a_run_killed_before_it_began_is_no_run(plugin, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "fetch_encoders", killed)
    assert main(["run", "--plugin", plugin, *BASE, "--method", "fine"]) == 130
    assert results.find_runs(Path("runs")) == []


def test_failures_are_tried_again_when_asked(plugin, capsys):
    Path(plugin).write_text(PLUGIN.replace('raise ValueError("no such brush")', FAILS_ONCE))
    status, folder = run(plugin, "--method", "raises", "--method", "fine")
    assert status == 0
    assert records(folder, "cells")["raises", "stripes", 64]["status"] == "error"
    untouched = (folder / "cells" / "fine__stripes__64.json").stat().st_mtime_ns
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 0
    assert records(folder, "cells")["raises", "stripes", 64]["status"] == "error"
    assert main(["run", "--resume", "--retry-failed", "--quiet", "--plugin", plugin]) == 0
    for kind in ("cells", "speed"):
        assert {r["status"] for r in records(folder, kind).values()} == {"ok"}
    assert records(folder, "scores")["raises", "stripes", 64]["scores"]
    assert (folder / "cells" / "fine__stripes__64.json").stat().st_mtime_ns == untouched


def test_a_record_names_no_code_to_load(plugin, capsys):
    _, folder = run(plugin, "--method", "fine")
    (folder / "images" / "note.py").write_text("open('loaded', 'w')\n")
    record = json.loads((folder / "run.json").read_text())
    record["specification"]["plugin"].append(f"{folder}/images/note.py")
    (folder / "run.json").write_text(json.dumps(record))
    assert main(["run", "--resume", "--quiet"]) == 1
    printed = capsys.readouterr().err
    assert f"add --plugin {plugin} --plugin {folder}/images/note.py" in printed
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 1
    assert f"add --plugin {folder}/images/note.py" in capsys.readouterr().err
    assert main(["run", "--resume", "--quiet", "--plugin", "note.py", "--plugin", plugin]) == 1
    assert "plugin note (file" in capsys.readouterr().err  # what is named must load
    assert not Path("loaded").exists()


def test_a_run_that_does_not_say_what_it_was_asked_for_is_one_line(capsys, fake_run):
    folder = fake_run()
    assert main(["run", "--resume", str(folder), "--quiet"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"{folder} does not say what it was asked for" in err


def test_every_option_of_a_run_is_recorded():
    options = vars(parser().parse_args(["run"])).keys()
    of_commands = {"run_command", "interrupted", "failure"}
    of_the_call = {"resume", "retry_failed", "runs", "quiet", "show"}
    of_the_call |= {"on", "engine", "workers", "plan"}  # where it is done, and whether
    named_one_by_one = {"all", "sweep", "runtime"}  # in `method`
    recorded = {field.name for field in fields(results.Specification)}
    assert recorded == options - of_commands - of_the_call - named_one_by_one


def test_a_full_disk_ends_the_run_and_is_no_methods_fault(plugin, monkeypatch, capsys):
    def full(picture, path):
        if "images" in path.parts:
            raise StorageError(f"{path} cannot be written: No space left on device")
        save(picture, path)

    save = images.save
    with monkeypatch.context() as patch:
        patch.setattr(images, "save", full)
        status, folder = run(plugin, "--method", "fine")
    assert status == 1
    assert "No space left on device" in capsys.readouterr().err
    assert not list((folder / "cells").glob("*.json"))
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 0


def test_a_full_disk_while_inputs_are_prepared_is_no_property_of_a_picture(
    plugin, monkeypatch, capsys
):
    def full(path, data, **_):
        if "style" in path.parts:
            raise StorageError(f"{path} cannot be written (No space left on device): make room")
        write(path, data)

    write = files.write
    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        assert main(["run", "--plugin", plugin, *BASE, "--method", "fine"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert list(Path("runs").iterdir()) == []  # nothing that would be resumed with less


def test_two_processes_do_not_work_on_one_run(plugin, capsys):
    _, folder = run(plugin, "--method", "fine")
    with FileLock(folder / ".lock"):
        assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 1
    assert "another process works on" in capsys.readouterr().err


def test_a_plugin_that_came_later_does_not_join_a_run_of_all(plugin, capsys):
    _, folder = run(plugin, "--method", "fine", "--metric", "ssim")
    record = results.read_run(folder)
    assert record.specification.metric == ["ssim/1"]
    assert record.specification.method == ["identity", "style-copy", "fine"]
    assert "--method identity --method style-copy --method fine" in record.command


def test_resuming_with_other_options_is_refused(plugin, capsys):
    _, folder = run(plugin, "--method", "johnson")
    path = folder / "run.json"
    path.write_text(path.read_text().replace('"steps": 2,', '"steps": 3,', 1))
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 1
    assert "the options of johnson changed since" in capsys.readouterr().err


def test_parameters_that_adaptation_changes_are_the_styles_own(plugin):
    _, folder = run(plugin, "--method", "johnson", "--method", "fine")
    cells = {
        method: cell["parameters"] for (method, _, _), cell in records(folder, "cells").items()
    }
    assert cells["johnson"] == {"shared": 0, "per_style": 1_679_235}
    assert cells["fine"] == {"shared": 0, "per_style": 0}


def test_a_limit_on_adaptation_is_recorded(plugin):
    _, folder = run(plugin, "--method", "steps", "--adapt-seconds", "0.000001")
    cell = records(folder, "cells")["steps", "stripes", 64]
    assert (cell["adapt"]["finished"], cell["adapt"]["steps"]) == (False, 0)
    assert results.read_run(folder).adapt_seconds == 1e-6


def test_a_bad_picture_is_named_and_the_run_goes_on(plugin, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (80, 70), "teal").save(photos / "good.png")
    (photos / "bad.png").write_bytes(b"no picture")
    words = [word for word in BASE if word not in ("--dataset", "synthetic")]
    status = main(
        ["run", "--plugin", plugin, *words, "--method", "fine", "--contents", "2", "--content",
         str(photos), "--style", str(photos / "good.png")]
    )  # fmt: skip
    assert status == 0
    record = results.read_run(results.latest(Path("runs")))
    assert record.contents == ["good"]
    assert [entry.name for entry in record.skipped] == ["bad"]
    assert "left out content bad:" in capsys.readouterr().err


def test_kill_9_in_the_middle_loses_nothing(plugin, tmp_path, capsys):
    words = ["run", "--plugin", plugin, *BASE, "--method", "slow", "--contents", "3",
             "--styles", "3"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from bench.cli import main; sys.exit(main())", *words],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not list(tmp_path.glob("runs/*/cells/slow*.json")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (tmp_path / "imported").read_text() == "True"
    folder = results.latest(tmp_path / "runs")
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.glob("cells/*.json")}
    assert 0 < len(before) < 9
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 0
    assert len(list(folder.glob("cells/*.json"))) == 9
    assert len(list(folder.glob("scores/*.json"))) == 9
    assert len(list(folder.glob("speed/*.json"))) == 3
    for path, old in before.items():
        assert (path.stat().st_mtime_ns, path.read_bytes()) == old, path
    assert results.find_runs(tmp_path / "runs") == [folder]
    assert "slow" in capsys.readouterr().out


def test_resuming_with_a_changed_method_is_refused(plugin, capsys):
    _, folder = run(plugin, "--method", "fine")
    for path in (folder / "cells").glob("fine*"):
        path.unlink()
    Path(plugin).write_text(PLUGIN + "# changed\n")
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 1
    assert "the source of fine changed since; start a new run" in capsys.readouterr().err


def card_of_its_own(monkeypatch, alike=False):
    """A CPU named cpu:0 stands in for another device."""
    capture = environment.capture

    def captured(device, *given):
        name = "a card" if alike else f"card {device}"
        return {**capture(device, *given), "device_name": name}

    monkeypatch.setattr(environment, "capture", captured)


def test_two_devices_are_two_environments_in_one_report(plugin, monkeypatch, capsys):
    card_of_its_own(monkeypatch)
    words = ["--method", "fine", "--contents", "1", "--styles", "1", "--device", "cpu:0"]
    status, second = run(plugin, *words)
    assert status == 0
    first = results.find_runs(Path("runs"))[0]
    assert [results.read_run(folder).specification.device for folder in (first, second)] == [
        "cpu", "cpu:0",
    ]  # fmt: skip
    last = capsys.readouterr().out.rpartition("pictures    ")[0].rpartition("page    ")[2]
    heads = [line for line in last.splitlines() if line.startswith("environment ")]
    assert ["card cpu ·" in heads[0], "card cpu:0 ·" in heads[1]] == [True, True]
    assert last.count("\nfine") == 2
    assert main(["run", "--resume", str(first), "--plugin", plugin, "--quiet"]) == 0


def test_devices_that_are_alike_are_shown_by_themselves(plugin, monkeypatch, capsys):
    card_of_its_own(monkeypatch, alike=True)
    run(plugin, "--method", "fine", "--contents", "1", "--styles", "1", "--device", "cpu:0")
    said = capsys.readouterr()
    assert "cpu:0 is like another device: shown by itself" in said.err
    assert said.out.count("\nfine") == 2


def test_a_device_on_which_all_fails_leaves_the_others_their_run(plugin, monkeypatch, capsys):
    card_of_its_own(monkeypatch)
    execute = execution.execute

    def broken(folder, plan, context, *given):
        if context.device.index is None:
            raise BenchError("fine left cpu unusable")
        execute(folder, plan, context, *given)

    monkeypatch.setattr("bench.run.execution.execute", broken)
    status, folder = run(plugin, "--method", "fine", "--contents", "1", "--styles", "1",
                         "--device", "cpu:0")  # fmt: skip
    assert status == 1
    assert "bench: cpu: fine left cpu unusable" in capsys.readouterr().err
    assert ("fine", "stripes", 64) in records(folder, "cells")


@pytest.mark.parametrize(
    ("more", "cause"),
    [("cpu", "--device cpu --device cpu: name each device once"), ("fake", "cannot be used here")],
)
def test_devices_are_looked_for_before_the_first_run(plugin, more, cause, capsys):
    assert main(["run", "--plugin", plugin, *BASE, "--method", "fine", "--device", more]) == 1
    assert cause in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_run_records_what_the_training_of_its_methods_took(tmp_path):
    registry = load()

    def took(name, **options):
        cls = registry.method(name)
        return list(recording.trainings(Chosen(cls, cls.Options(**options))))

    (shipped,) = took("adain")
    assert (shipped.file, shipped.seconds) == ("adain.safetensors", 24 * 60.0)
    assert shipped.machine == "cpu, bfloat16/channels_last, 1 threads, 1 processes"
    assert took("gatys") == []
    assert took("johnson") == []  # it trains in its adaptation
    (own,) = took("adain", weights=str(tmp_path / "own.safetensors"))
    assert (own.file, own.seconds) == ("own.safetensors", None)


def test_the_record_has_the_trainings(plugin):
    _, folder = run(plugin, "--method", "fine")
    record = results.read_run(folder)
    assert record.methods["fine"].trainings == []
