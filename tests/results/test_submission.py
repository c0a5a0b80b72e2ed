"""What a run that a stranger sends must be, check by check; and the pull request that brings it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import ROOT
from helpers.submitted import SHIPPED, submitted

import bench
from bench import results, weights
from bench.cli import main
from bench.results import merging, submission


@pytest.fixture
def fit(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    return submitted(tmp_path)


def found(run):
    outcomes = submission.problems(run, bench.__version__, weights.SHIPPED)
    return {check.__name__: said for check, said in outcomes}


def change(run, file, edit):
    values = results.read_json(run / file)
    edit(values)
    results.write_json(run / file, values)


def test_a_good_run_passes(fit):
    assert found(fit) == {check.__name__: [] for check in submission.CHECKS}


def noisy(speed):
    speed["control"]["samples"] = [2 * seconds for seconds in speed["scopes"]["core"]["samples"]]


def loud(speed):
    speed["conditions"] = {"noisy": ["others took 40 % of the cores' time"], "facts": {}}


SPEED = "speed/fast__64.json"


@pytest.mark.parametrize(
    ("file", "edit", "check", "words"),
    [
        ("run.json", lambda r: r.update(schema=2), "keeps_the_schema", "schema 2, not 3"),
        ("run.json", lambda r: r.update(profile="demo"), "is_complete", "demo is a first look"),
        (
            "run.json",
            lambda r: r["environment"].update(threads=64),
            "has_the_fingerprints_of_its_contents",
            "is not that of the facts",
        ),
        (
            "run.json",
            lambda r: r["methods"]["fast"]["weights"].update({SHIPPED: "00" * 32}),
            "has_the_fingerprints_of_its_contents",
            f"fast has another {SHIPPED}",
        ),
        ("run.json", lambda r: r["environment"].update(cpu=None), None, ""),
        ("run.json", lambda r: r["environment"].update(dirty=True), "names_its_environment", "own"),
        (
            "run.json",
            lambda r: r["environment"].pop("ram_bytes"),
            "names_its_environment",
            "not known: ram_bytes",
        ),
        (SPEED, noisy, "was_measured_in_quiet", "differs by 100.0%, at most 5%"),
        (SPEED, loud, "was_measured_in_quiet", "fast at 64 px: others took 40 %"),
        (SPEED, lambda s: s.pop("control"), "was_measured_in_quiet", "no A/A control at 64 px"),
        (SPEED, lambda s: s.update(batch=0), "keeps_the_schema", "is damaged (batch"),
    ],
)
def test_each_fault_is_named_by_its_check(fit, file, edit, check, words):
    change(fit, file, edit)
    said = found(fit)
    if check is None:  # one fact is behind two checks
        assert said["has_the_fingerprints_of_its_contents"]
        assert said["names_its_environment"] == ["not known: cpu"]
    else:
        assert words in said[check][0]


def test_an_older_version_may_have_shipped_other_weights(fit):
    def edit(record):
        record["bench_version"] = "0.0.1"
        record["methods"]["fast"]["weights"][SHIPPED] = "00" * 32

    change(fit, "run.json", edit)
    assert not any(found(fit).values())


def test_what_is_missing_is_counted(fit):
    (fit / "cells" / "fast__a__64.json").unlink()
    (fit / SPEED).unlink()
    assert found(fit)["is_complete"][0].startswith("1 cells and 1 timings are missing")


@pytest.mark.parametrize("kind", ["picture", "link", "page", "deep"])
def test_nothing_but_records_comes_in(fit, kind):
    place = {"picture": "images/x.png", "link": "cells/x.json", "page": "cells/x.html"}.get(
        kind, "cells/deep/x.json"
    )
    file = fit / place
    file.parent.mkdir(exist_ok=True)
    if kind == "link":
        file.symlink_to("/etc/passwd")
    else:
        file.write_text("{}")
    assert found(fit)["holds_records_alone"][0].startswith(f"{place} is no record")


def test_too_much_is_refused(fit, monkeypatch):
    monkeypatch.setattr(submission, "MOST_BYTES", 100)
    assert "at most 0" in found(fit)["holds_records_alone"][0]


def test_a_run_of_ones_own_is_made_fit_by_leaving_its_pictures_out(fit, tmp_path, capsys):
    (fit / "images").mkdir()
    (fit / "images" / "x.png").write_bytes(b"")
    assert main(["check", str(fit)]) == 1
    new = tmp_path / "public" / "mine"
    assert main(["merge", str(fit), "-o", str(new), "--no-pictures"]) == 0
    capsys.readouterr()
    assert main(["check", str(new)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run {new}"
    assert "  ok    was measured in quiet" in lines
    assert lines[-1] == "6 checks: all passed"
    scores = [results.load([run]).scores.drop(columns="run").to_csv() for run in (fit, new)]
    assert scores[0] == scores[1]


def test_a_folder_that_is_no_run_is_one_line(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "run.json" in line


def test_checking_a_run_needs_no_torch(fit):
    code = (
        "import sys; from bench.cli import main\n"
        f"main(['check', {str(fit)!r}]); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


WORKFLOW = (ROOT / ".github" / "workflows" / "submit.yml").read_text()


def steps():
    """What the workflow's steps run, but for what installs."""
    return [
        line for line in re.findall(r"^ +(?:- )?run: (.*)$", WORKFLOW, re.M) if "pip" not in line
    ]


@pytest.mark.parametrize("good", [True, False])
def test_the_workflow_judges_what_a_pull_request_brings(fit, tmp_path, good):
    """By its own shell lines, in a repository of one run."""
    repository = tmp_path / "repository"
    merging.merge([fit], repository / "public" / "mine", pictures=False)
    if not good:
        change(repository / "public" / "mine", SPEED, noisy)
    done = {
        step: subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step],
            cwd=repository,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        for step in steps()
    }
    check, site = done.values()
    assert check.returncode == (0 if good else 1), check.stderr
    assert site.returncode == 0, site.stderr
    assert (repository / "site" / "index.html").is_file()
    assert (repository / "site" / "submit.html").is_file()
