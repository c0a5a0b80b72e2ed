"""A composite action's steps one after the other, as GitHub's runner makes them, in a shell."""

import re
import subprocess
from dataclasses import dataclass, field

import yaml

NAME = r"[a-z_][\w-]*(?:\.[\w-]+)+"


@dataclass
class Outcome:
    """What came of it: whether all went well, the actions that steps used, outputs, summary."""

    ok: bool = True
    used: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""


def expression(text, values):
    """What `${{ text }}` gives: names with dots, strings, and, or, not, equal."""

    def named(match):
        if match[0][0] == "'":
            return match[0]
        value = values
        for part in match[0].split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        return repr(value)

    code = re.sub(rf"'[^']*'|{NAME}", named, text.replace("!cancelled()", "'always'"))
    for sign, word in (("&&", " and "), ("||", " or "), ("!(?!=)", " not ")):
        code = re.sub(sign if "(" in sign else re.escape(sign), word, code)
    return eval(code.strip(), {"__builtins__": {}})


def filled(text, values):
    """The text with every `${{ }}` in it replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(expression(match[1], values)), str(text))


def perform(action, inputs, github, folder, environment):
    """Make the steps of an action's file; those that use other actions are noted alone."""
    about = yaml.safe_load(action.read_text(encoding="utf-8"))
    values = {"github": github, "steps": {}, "runner": {"os": "Linux", "arch": "X64"}}
    defaults = {name: filled(of.get("default", ""), values) for name, of in about["inputs"].items()}
    values["inputs"] = {**defaults, **inputs}
    outcome = Outcome()
    for number, step in enumerate(about["runs"]["steps"]):
        wanted = step.get("if", "${{ 'always' }}")
        if not (outcome.ok or "cancelled()" in wanted):
            continue
        if not expression(wanted.strip()[3:-2], values):
            continue
        if "uses" in step:
            outcome.used.append(step["uses"])
            continue
        files = {name: folder / f"{name}-{number}" for name in ("OUTPUT", "STEP_SUMMARY")}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"], values)],
            env={
                **environment,
                **{f"GITHUB_{name}": str(file) for name, file in files.items()},
                "GITHUB_ACTION_PATH": str(action.parent),
                "RUNNER_TEMP": str(folder),
                **{name: filled(value, values) for name, value in step.get("env", {}).items()},
            },
            cwd=folder,
            capture_output=True,
            text=True,
        )
        outcome.ok &= done.returncode == 0
        outcome.log += done.stdout + done.stderr
        lines = _read(files["OUTPUT"]).splitlines()
        found = dict(line.split("=", 1) for line in lines)
        values["steps"][step.get("id", str(number))] = {"outputs": found}
        outcome.summary += _read(files["STEP_SUMMARY"])
    outcome.outputs = {name: filled(of["value"], values) for name, of in about["outputs"].items()}
    return outcome


def _read(file):
    return file.read_text(encoding="utf-8") if file.exists() else ""
