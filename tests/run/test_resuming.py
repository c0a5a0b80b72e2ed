"""Going on with a run: after kill -9, with failures, and where something has changed since."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock
from helpers.strangers import BASE, PLUGIN, records, run

from bench import results
from bench.cli import main

FAILS_ONCE = """
        import pathlib
        if not pathlib.Path("tried").exists():
            pathlib.Path("tried").touch()
            raise ValueError("no such brush")
        self.mean = style.mean((2, 3), keepdim=True)"""


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


def test_two_processes_do_not_work_on_one_run(plugin, capsys):
    _, folder = run(plugin, "--method", "fine")
    with FileLock(folder / ".lock"):
        assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 1
    assert "another process works on" in capsys.readouterr().err


def test_resuming_with_other_options_is_refused(plugin, capsys):
    _, folder = run(plugin, "--method", "johnson")
    path = folder / "run.json"
    path.write_text(path.read_text().replace('"steps": 2,', '"steps": 3,', 1))
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 1
    assert "the options of johnson changed since" in capsys.readouterr().err


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
