"""`bench doctor`: what it finds, what it advises, and what it does not tell."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from bench import cli


def facts(capsys, *arguments):
    status = cli.main(["doctor", "--format", "json", *arguments])
    return status, json.loads(capsys.readouterr().out)


def test_sections_and_versions(capsys):
    import torch

    status, found = facts(capsys)
    assert status == 0
    assert list(found) == [
        *("versions", "machine", "compiler", "folders", "weights", "plugins", "advice"),
    ]
    assert found["versions"]["torch"] == importlib.metadata.version("torch")
    assert found["machine"]["torch's threads"] == str(torch.get_num_threads())
    assert "verified" in found["weights"]


def test_the_text_has_every_finding(capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    sections = [line for line in lines if not line.startswith(" ")]
    assert sections[0] == "versions"
    assert sections[-1] == "advice"


def test_no_personal_path(capsys, monkeypatch, tmp_path):
    home = tmp_path / "jane-doe"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "jane-doe-elsewhere" / "models" / "torch"))
    (home / ".cache" / "bench").mkdir(parents=True)
    _, found = facts(capsys)
    assert found["folders"]["caches"].startswith("~/.cache/bench")
    assert found["folders"]["downloads of torch.hub"].startswith(".../hub/checkpoints")
    assert "jane-doe" not in json.dumps(found)


def test_without_a_compiler_one_is_advised(capsys, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    _, found = facts(capsys)
    assert found["compiler"] == {"C++": "none"}
    assert any("install g++" in item for item in found["advice"])


def test_a_busy_machine_is_told(capsys, monkeypatch):
    monkeypatch.setattr("os.getloadavg", lambda: (64.0, 64.0, 64.0))
    _, found = facts(capsys)
    assert any(item.startswith("others keep 64.0 of") for item in found["advice"])


def test_a_broken_plugin_is_named_and_the_status_is_1(capsys, tmp_path):
    plugin = tmp_path / "broken_one.py"
    plugin.write_text("import nothing_of_that_name\n")
    status, found = facts(capsys, "--plugin", str(plugin))
    assert status == 1
    [name] = [key for key in found["plugins"] if key.startswith("broken")]
    assert "nothing_of_that_name" in found["plugins"][name]
    assert any("does not load" in item for item in found["advice"])


def test_missing_weights_are_counted_by_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    _, found = facts(capsys)
    count, _, names = found["weights"]["missing"].partition(" files: ")
    assert int(count) == len(names.split(", "))
    assert "vgg19-dcbb9e9d.pth" in names


@pytest.mark.parametrize("name", ["methods", "metrics"])
def test_plugins_are_counted(capsys, name):
    from bench.plugins import registry

    _, found = facts(capsys)
    assert f"{len(getattr(registry.load(), name))} {name}" in found["plugins"]["loaded"]


def test_it_runs_where_there_is_no_home(capsys, monkeypatch):
    def nobody() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("BENCH_WEIGHTS", "/weights")
    _, found = facts(capsys)
    assert found["folders"]["caches"].startswith("none")
