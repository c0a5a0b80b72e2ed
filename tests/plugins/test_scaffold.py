"""What `bench new` writes passes as written: conformance, its own tests, ruff, mypy, installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import ROOT

from bench.cli import main
from bench.plugins import registry
from bench.plugins.scaffold import KINDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    for module in [m for m in sys.modules if m.partition(".")[0] == "bench_my_own"]:
        del sys.modules[module]


@pytest.fixture(params=KINDS)
def package(request, capsys):
    """A new package of each kind, named by two words."""
    assert main(["new", request.param, "my-own"]) == 0
    printed = capsys.readouterr().out
    assert "cd bench-my-own" in printed
    folder = Path("bench-my-own")
    for file in ("bench_my_own/__init__.py", "pyproject.toml", "README.md"):
        assert (folder / file).is_file()
        assert str(folder / file) in printed
    return request.param, folder


def run(*words, cwd=None, **env):
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd,
        env={**os.environ, "BENCH_PLUGINS": "0", **env},
        capture_output=True,
        text=True,
    )


def installed(folder, monkeypatch):
    """Lay the package and its metadata where pip would."""
    site = Path("site").resolve()
    shutil.copytree(folder / "bench_my_own", site / "bench_my_own")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = site / "bench_my_own-0.1.0.dist-info"
    info.mkdir()
    name, version = project["name"], project["version"]
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = "\n".join(f"{k} = {v}" for k, v in project["entry-points"]["bench"].items())
    (info / "entry_points.txt").write_text(f"[bench]\n{points}\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("BENCH_PLUGINS", raising=False)


@pytest.fixture
def packages():
    """A new package of every kind beside each other: what starts a process starts one for all."""
    for kind in KINDS:
        assert main(["new", kind, f"my-{kind}"]) == 0
    return [Path(f"bench-my-{kind}") for kind in KINDS]


def test_their_own_tests_pass(packages):
    path = os.pathsep.join(str(folder.resolve()) for folder in (*packages, ROOT))
    own = [str(folder / "tests") for folder in packages]
    words = ("-q", "-rA", "-p", "no:cacheprovider", "--import-mode=importlib")
    done = run("pytest", *words, *own, PYTHONPATH=path)
    assert done.returncode == 0, done.stdout
    for kind in KINDS:
        assert f"[{kind} my-{kind}" in done.stdout
    assert "SKIPPED" not in done.stdout


def test_installed_it_is_found_and_passes(package, monkeypatch, capsys):
    kind, folder = package
    installed(folder, monkeypatch)
    loaded = registry.load()
    assert loaded.broken == []
    (info,) = (i for i in loaded.plugins if i.name == "my-own")
    assert info.source == "entry point bench-my-own 0.1.0"
    name = "my-own/1" if kind == "metric" else "my-own"
    assert info.provides == {f"{kind}s": (name,)}
    assert main(["check", "bench_my_own", "--quick"]) == 0
    assert f"{kind} {name}" in capsys.readouterr().out
    assert main(["new", kind, "my-own", "--folder", "other"]) == 1
    assert "is already there, from my-own (entry point" in capsys.readouterr().err


def test_they_are_clean(packages):
    pytest.importorskip("ruff", reason="needs the extra dev")
    folders = [str(folder) for folder in packages]
    for words in (["check", "--isolated", "--line-length=100"], ["format", "--check"]):
        done = run("ruff", *words, "--no-cache", *folders)
        assert done.returncode == 0, done.stdout
    pytest.importorskip("mypy", reason="needs the extra dev")
    modules = [str(folder / str(folder).replace("-", "_")) for folder in packages]
    words = ["--config-file", str(packages[0] / "pyproject.toml"), *modules]
    done = run("mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *words, MYPYPATH=str(ROOT))
    assert done.returncode == 0, done.stdout
    assert f"{len(packages)} source files" in done.stdout


def test_the_method_is_short_and_matches_the_styles_statistics():
    import torch

    main(["new", "method", "my-own"])
    file = Path("bench-my-own/bench_my_own/__init__.py")
    text = file.read_text()
    body = text[text.index("class MyOwnMethod") :]
    assert len([line for line in body.splitlines() if line.strip()]) <= 25
    loaded = registry.load([str(file)])
    method = loaded.method("my-own")(None)
    generator = torch.Generator().manual_seed(0)
    style = 0.4 + 0.2 * torch.rand(1, 3, 16, 16, generator=generator)
    content = torch.rand(1, 3, 16, 16, generator=generator)
    method.adapt(style)
    output = torch.std_mean(method.stylize(content), (2, 3))
    for value, wanted in zip(output, torch.std_mean(style, (2, 3)), strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["metod", "x"], "unknown value 'metod'; did you mean method or"),
        (["method", "Tint"], "'Tint' is no name for a method: use lower-case letters"),
        (["method", "a b"], "use lower-case letters"),
        (["method", "3d"], "begin it with a letter"),
        (["method", "gatys"], "method 'gatys' is already there, from methods.gatys (built-in)"),
        (["metric", "gram"], "metric 'gram' is already there, from metrics.gram (built-in)"),
        (["method", "mine", "--folder", "taken"], "taken is already there: choose another"),
        (["method", "mine", "--folder", "file/x"], "file/x cannot be written"),
    ],
)
def test_what_cannot_be_made_is_one_line(words, message, capsys):
    Path("taken").mkdir()
    Path("file").write_text("")
    try:
        status = main(["new", *words])
    except SystemExit as stop:
        status = stop.code
    assert status != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert sorted(path.name for path in Path().iterdir()) == ["file", "taken"]


def test_a_module_that_is_there_is_not_shadowed(capsys, monkeypatch, tmp_path):
    (tmp_path / "bench_mine.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["new", "method", "mine"]) == 1
    assert "a module bench_mine is already installed" in capsys.readouterr().err
