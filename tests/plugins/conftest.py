"""Plugins written to files, and distributions that install some."""

import sys
import textwrap

import pytest


@pytest.fixture(autouse=True)
def _no_installed_plugins(monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")


@pytest.fixture
def plugin(tmp_path):
    def write(text, file="mine.py"):
        path = tmp_path / file
        path.write_text(textwrap.dedent(text))
        return str(path)

    return write


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lay a distribution with entry points on sys.path, as pip would."""
    monkeypatch.delenv("BENCH_PLUGINS")
    monkeypatch.syspath_prepend(tmp_path)

    def lay(name, points, **modules):
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(text))
            monkeypatch.delitem(sys.modules, module, raising=False)
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = "\n".join(f"{point} = {value}" for point, value in points.items())
        (info / "entry_points.txt").write_text(f"[bench]\n{lines}\n")

    return lay
