"""The steps of the GitHub Action, run by a shell as a runner would, with a `bench` of notes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import ROOT
from helpers.composite import expression, perform

ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
SCRIPT = ROOT / ".github" / "gate.sh"

BENCH = """#!{python}
import json, os, sys
words = sys.argv[1:]
with open(os.environ["NOTES"], "w") as file:
    json.dump(words, file)
status = int(os.environ["STATUS"])
if status < 2:
    with open(words[words.index("-o") + 1], "w") as file:
        file.write("| verdict |\\n")
    with open(words[words.index("--json") + 1], "w") as file:
        json.dump({{"verdict": "SLOW" if status else "SAME", "rows": []}}, file)
sys.exit(status)
"""


@pytest.fixture
def step(tmp_path):
    """Run the step with inputs; its status, what `bench` was told, outputs, summary and log."""
    programs = tmp_path / "bin"
    programs.mkdir()
    bench = programs / "bench"
    bench.write_text(BENCH.format(python=sys.executable))
    bench.chmod(0o755)
    (programs / "python").symlink_to(sys.executable)

    def run(status: int = 0, **inputs: str):
        files = {
            name: tmp_path / name for name in ("NOTES", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.unlink(missing_ok=True)
        given = {f"BENCH_{name.upper()}": value for name, value in inputs.items()}
        done = subprocess.run(
            ["bash", str(SCRIPT)],
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "RUNNER_TEMP": str(tmp_path),
                "STATUS": str(status),
                **{name: str(file) for name, file in files.items()},
                **given,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        output = files["GITHUB_OUTPUT"]
        lines = output.read_text().splitlines() if output.exists() else []
        summary = files["GITHUB_STEP_SUMMARY"]
        return (
            done.returncode,
            json.loads(files["NOTES"].read_text()),
            dict(line.split("=", 1) for line in lines),
            summary.read_text() if summary.exists() else "",
            done.stdout + done.stderr,
        )

    return run


def test_inputs_become_words(step, tmp_path):
    status, words, *_ = step(
        base="abc", new=".", method="one two", scope="core adapt", size="64", threshold="5",
        max_seconds="9", plugin="a.py", option="one.steps=3 two.lr=0.1",
    )  # fmt: skip
    assert status == 0
    folder = tmp_path / "bench-gate"
    assert words == [
        *("gate", "abc", "."),
        *("--method", "one", "--method", "two", "--scope", "core", "--scope", "adapt"),
        *("--plugin", "a.py", "--option", "one.steps=3", "--option", "two.lr=0.1"),
        *("--size", "64", "--threshold", "5", "--max-seconds", "9", "--quiet"),
        *("--format", "github", "-o", str(folder / "gate.md"), "--json", str(folder / "gate.json")),
    ]


def test_what_bench_is_told_is_a_command_that_it_understands(step):
    from bench.cli import parser

    _, words, *_ = step(base="abc", method="metastyle", scope="core", size="64")
    args = parser().parse_args(words)
    assert (args.base, args.method, args.format) == ("abc", ["metastyle"], "github")


@pytest.mark.parametrize(("status", "verdict"), [(0, "SAME"), (1, "SLOW")])
def test_outputs_and_summary(step, tmp_path, status, verdict):
    ended, _, outputs, summary, _ = step(status, base="abc", method="one")
    assert ended == status
    assert outputs["verdict"] == verdict
    assert Path(outputs["json"]).is_file()
    assert summary == Path(outputs["report"]).read_text() == "| verdict |\n"


def test_what_cannot_be_measured_is_a_warning_and_no_failure(step):
    ended, _, outputs, _, log = step(2, base="abc", method="one")
    assert ended == 0
    assert outputs == {}
    assert "::warning::" in log


def test_an_earlier_report_is_not_taken_for_this_one(step):
    step(0, base="abc", method="one")
    assert step(2, base="abc", method="one")[2] == {}


@pytest.mark.parametrize("name", ["base", "method", "plugin", "option"])
def test_inputs_are_never_commands(step, tmp_path, name):
    inputs = {"base": "abc", "method": "one", name: "$(touch${IFS}gone);touch gone;`touch gone` *"}
    step(0, **inputs)
    assert not list(tmp_path.rglob("gone"))


def test_every_input_that_the_script_reads_is_given(step):
    """And every input of the action is used by one of its steps."""
    read = set(re.findall(r"\$\{?(BENCH_[A-Z_]+)", SCRIPT.read_text()))
    assert read == set(re.findall(r"^ +(BENCH_[A-Z_]+): \$\{\{", ACTION, re.MULTILINE))
    inputs = ACTION[ACTION.index("\ninputs:") : ACTION.index("\noutputs:")]
    for name in re.findall(r"^  ([a-z-]+):$", inputs, re.MULTILINE):
        assert f"inputs.{name}" in ACTION, name
    outputs = set(re.findall(r"steps\.gate\.outputs\.([a-z]+)", ACTION))
    assert outputs == {"verdict", "json", "report"}


def test_no_input_is_pasted_into_a_script():
    """Only `install`, which is a command, is; an expression in `run` would be text for a shell."""
    pasted = re.findall(r"^ +run: .*\$\{\{ *(\S+) *\}\}", ACTION, re.MULTILINE)
    assert pasted == ["inputs.install"]


PROGRAM = """#!{python}
import json, os, sys
with open(os.environ["CALLS"], "a") as file:
    keys = ("PIP_EXTRA_INDEX_URL", "GH_TOKEN")
    given = {{key: os.environ[key] for key in keys if key in os.environ}}
    file.write(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], given]) + "\\n")
"""
PULL = {
    "repository": "me/mine",
    "token": "secret",
    "event": {
        "pull_request": {
            "number": 7,
            "base": {"sha": "abc"},
            "head": {"repo": {"full_name": "me/mine"}},
        }
    },
}
PUSH = {"repository": "me/mine", "token": "secret", "event": {"before": "def"}}
FORK = json.loads(json.dumps(PULL).replace('"full_name": "me/mine"', '"full_name": "you/mine"'))


@pytest.fixture
def action(tmp_path):
    """Make all steps: what came of it, and the programs that were called, with their words."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("pip", PROGRAM), ("gh", PROGRAM), ("bench", BENCH)):
        (programs / name).write_text(text.format(python=sys.executable))
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)

    def make(github, status=0, **inputs):
        calls = tmp_path / "CALLS"
        calls.unlink(missing_ok=True)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STATUS": str(status),
            "NOTES": str(tmp_path / "NOTES"),
            "CALLS": str(calls),
        }
        given = {"method": "mine", **inputs}
        outcome = perform(ROOT / "action.yml", given, github, tmp_path, environment)
        lines = calls.read_text().splitlines() if calls.exists() else []
        return outcome, [json.loads(line) for line in lines]

    return make


@pytest.mark.parametrize(("status", "verdict"), [(0, "SAME"), (1, "SLOW")])
def test_all_steps_on_a_pull_request(action, tmp_path, status, verdict):
    """Python, the caches, the install, the gate, its summary, the comment, the JSON output."""
    outcome, calls = action(PULL, status)
    assert outcome.ok == (status == 0)
    assert outcome.used == ["actions/setup-python@v6", "actions/cache@v4"]
    report = str(tmp_path / "bench-gate/gate.md")
    index = "https://download.pytorch.org/whl/cpu"
    comment = ["pr", "comment", "7", "--edit-last", "--create-if-none", "--body-file", report]
    assert calls == [
        ["pip", ["install", "metastyle-bench"], {"PIP_EXTRA_INDEX_URL": index}],
        ["gh", comment, {"GH_TOKEN": "secret"}],
    ]
    assert json.loads((tmp_path / "NOTES").read_text())[:2] == ["gate", "abc"]  # the base
    assert outcome.summary == Path(report).read_text() == "| verdict |\n"
    assert outcome.outputs["verdict"] == verdict
    assert outcome.outputs["report"] == report
    assert json.loads(Path(outcome.outputs["json"]).read_text())["verdict"] == verdict


@pytest.mark.parametrize(
    ("github", "status", "inputs"),
    [(PUSH, 0, {}), (FORK, 0, {}), (PULL, 0, {"comment": "false"}), (PULL, 2, {})],
    ids=["a push", "a fork, whose token may not", "not wanted", "nothing was measured"],
)
def test_no_comment_where_there_can_be_none(action, tmp_path, github, status, inputs):
    outcome, calls = action(github, status, **inputs)
    assert outcome.ok
    assert [name for name, *_ in calls] == ["pip"]
    base = "def" if github is PUSH else "abc"
    assert json.loads((tmp_path / "NOTES").read_text())[:2] == ["gate", base]


def test_what_is_there_already_is_neither_set_up_nor_installed(action):
    outcome, calls = action(PUSH, **{"python-version": "", "install": ""})
    assert outcome.used == ["actions/cache@v4"]
    assert calls == []


def test_an_install_that_fails_ends_it(action, tmp_path):
    outcome, calls = action(PULL, install="pip install mine; exit 3")
    assert not outcome.ok
    assert [name for name, *_ in calls] == ["pip"]
    assert not (tmp_path / "NOTES").exists()


def test_expressions_are_those_of_the_runner():
    values = {"a": {"b": "x", "c": ""}}
    assert expression(" a.c || a.b ", values) == "x"
    assert expression("a.b == 'x' && a.d.e != 'y'", values)
    assert not expression("!(a.b == 'x') || a.c", values)
