"""Two run folders, every timing that both have: verdicts by hand, and what does not compare."""

import csv
import io
import json
import subprocess
import sys

import pytest

from bench.cli import main
from bench.compare.runs import compare

SPREAD = (0.99, 1.0, 1.01, 0.995, 1.005, 1.0, 0.998, 1.002)


def core(seconds):
    return [seconds * factor for factor in SPREAD]


def rows(text):
    return {(r["method"], r["scope"]): r for r in csv.DictReader(io.StringIO(text))}


def edit(run, kind, name, change):
    path = run / kind / f"{name}.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def rename(run, old, new, **method):
    record = json.loads((run / "run.json").read_text())
    record["methods"][new] = {**record["methods"].pop(old), **method}
    (run / "run.json").write_text(json.dumps(record))
    for kind in ("cells", "speed", "scores"):
        for path in (run / kind).glob(f"{old}__*"):
            record = json.loads(path.read_text())
            path.write_text(json.dumps({**record, "method": new}))


@pytest.fixture
def two(fake_run):
    """The method `fast` at 12 ms, and a run of it that takes so many times as long."""

    def make(times=1.0, **changes):
        base = fake_run(("fast",), core=core(0.012))
        return base, fake_run(("fast",), core=core(0.012 * times), **changes)

    return make


@pytest.mark.parametrize(
    ("times", "verdict", "status"),
    [(1.2, "SLOW", 1), (0.8, "FAST", 0), (1.0, "SAME", 0), (1.05, "AMBIGUOUS", 0)],
)
def test_the_verdict_and_the_status(two, capsys, times, verdict, status):
    base, new = two(times)
    assert main(["compare", str(base), str(new), "--format", "csv"]) == status
    row = rows(capsys.readouterr().out)["fast", "core"]
    assert row["verdict"] == verdict
    assert float(row["ratio"]) == pytest.approx(times)
    assert float(row["base"]) == pytest.approx(0.012)
    assert float(row["floor"]) == 0.05


def test_numbers_for_programs_stand_beside_the_text(two, tmp_path):
    base, new = two(1.2)
    text, numbers = tmp_path / "text.md", tmp_path / "numbers.json"
    words = ["--format", "github", "-o", str(text), "--json", str(numbers)]
    assert main(["compare", str(base), str(new), *words]) == 1
    assert "SLOW" in text.read_text()
    found = json.loads(numbers.read_text())
    assert found["verdict"] == "SLOW"
    by_scope = {row["scope"]: row for row in found["rows"] if row["method"] == "fast"}
    assert by_scope["core"]["ratio"] == pytest.approx(1.2)
    assert {"size", "base", "new", "low", "high", "p", "floor"} <= set(by_scope["core"])


def test_few_rounds_are_ambiguous_and_no_failure(two, capsys):
    base, new = two(adapt={"a": 4.0, "b": 8.0})
    assert main(["compare", str(base), str(new), "--format", "csv"]) == 0
    found = rows(capsys.readouterr().out)["fast", "adapt"]
    assert found["verdict"] == "AMBIGUOUS"  # two styles
    assert float(found["ratio"]) == 2.0


def test_a_threshold_and_a_noisy_control_raise_the_floor(two, capsys):
    base, new = two(1.2)
    assert main(["compare", str(base), str(new), "--threshold", "25"]) == 0
    capsys.readouterr()

    def control(record):
        again = record["scopes"]["core"]
        samples = [1.3 * seconds for seconds in again["samples"]]
        record["control"] = {**again, "samples": samples, "scope": "core"}

    edit(base, "speed", "fast__64", control)
    assert main(["compare", str(base), str(new)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "A/A noise of base at 64 px: 30.0 %" in out
    assert "no A/A control of new at 64 px" in out
    assert "bench compare: 4 SAME" in out


def test_microseconds_that_no_table_shows_are_the_same(fake_run):
    base, new = fake_run(core=core(2e-6)), fake_run(core=core(4e-6))
    found = {(row.method, row.scope): row.result for row in compare(base, new).rows}
    assert found["fast", "core"].ratio == pytest.approx(2)
    assert found["fast", "core"].verdict == "SAME"


def test_other_environments_are_refused_unless_told(two, capsys):
    base, new = two(1.2, environment={"fingerprint": "e2", "torch": "2.10.0"})
    assert main(["compare", str(base), str(new)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert 'torch "2.9.0" and "2.10.0"' in err
    assert "--any-environment" in err
    assert main(["compare", str(base), str(new), "--any-environment"]) == 1
    assert "different environments: torch" in capsys.readouterr().out


def test_renamed_missing_and_new_rows_are_listed(fake_run, capsys):
    base = fake_run(("fast", "old", "gone"), core=core(0.012))
    new = fake_run(("fast", "fresh", "brand"), core=core(0.012))
    rename(new, "fresh", "fresh", method="old")
    rename(base, "gone", "gone", source_sha256="g")
    rename(new, "brand", "brand", source_sha256="b")
    rename(base, "old", "old", source_sha256="o")
    assert main(["compare", str(base), str(new)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "renamed: old is now fresh" in out
    assert "missing: gone 64 px (adapt, core, pair, e2e)" in out
    assert "new: brand 64 px (adapt, core, pair, e2e)" in out
    assert {row.method for row in compare(base, new).rows} == {"fast", "fresh"}


def test_what_failed_is_missing_with_its_reason(fake_run, capsys):
    base = fake_run(core=core(0.012))
    new = fake_run(core=core(0.012), failed_speed={"fast": ("oom", "out of memory")})
    assert main(["compare", str(base), str(new)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "missing: fast 64 px (core, pair, e2e) · oom: out of memory" in out


def test_changed_options_and_precision_are_noted(fake_run, capsys):
    base = fake_run(core=core(0.012), options={"steps": 1})
    new = fake_run(core=core(0.012), options={"steps": 2}, precision="bfloat16/channels_last")
    assert main(["compare", str(base), str(new)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "option steps: 1 in base, 2 in new" in out
    assert "precision float32/contiguous in base, bfloat16/channels_last in new" in out


def test_markdown_for_a_pull_request(two, tmp_path, capsys):
    base, new = two(1.2)
    words = ["--format", "github", "-o", str(tmp_path / "comment.md")]
    assert main(["compare", str(base), str(new), *words]) == 1
    text = (tmp_path / "comment.md").read_text()
    assert text.startswith("### bench compare: 1 SLOW")
    (line,) = (line for line in text.splitlines() if line.startswith("| SLOW"))
    assert "| fast" in line
    assert "12.0 ms" in line
    assert "14.4 ms" in line
    assert "1.200 [1.1" in line
    assert capsys.readouterr().out == ""


def test_what_is_no_run_is_one_line_and_not_status_1(two, tmp_path, capsys):
    base, _ = two()
    assert main(["compare", str(base), str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_comparing_imports_no_torch(two):
    base, new = two()
    code = (
        "import sys; from bench.cli import main\n"
        f"main(['compare', {str(base)!r}, {str(new)!r}])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
