"""Home and caches: where the variables say, and one line where nothing says it."""

import re
from pathlib import Path

import pytest

from bench import paths, weights
from bench.cli import main
from bench.contract import Weights
from bench.errors import BenchError, NeedError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def no_home(monkeypatch):
    """As in a container whose user has no line in passwd."""

    def unknown(path):
        if str(path).startswith("~"):
            raise RuntimeError("Could not determine home directory.")
        return path

    monkeypatch.setattr(Path, "expanduser", unknown)
    monkeypatch.setattr(Path, "home", lambda: unknown("~"))
    for name in ("XDG_CACHE_HOME", "BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("value", ["", ".", "cache", "../cache"])
def test_an_empty_or_relative_cache_variable_means_unset(value, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("BENCH_WEIGHTS", "")
    assert paths.user_cache() == Path.home() / ".cache" / "bench"
    assert weights.user_folder() == Path.home() / ".cache" / "bench" / "weights"


def test_an_absolute_one_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert paths.user_cache() == tmp_path / "bench"


def test_without_a_home_the_variables_are_enough(no_home, tmp_path, monkeypatch):
    with pytest.raises(BenchError, match=r"no home folder .* name a folder in XDG_CACHE_HOME"):
        paths.user_cache()
    shipped = Weights("adain.safetensors", None, "x", "x")
    assert weights.locate(shipped).is_file()
    assert weights.find(Weights("other", None, "x", "x")) is None
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(NeedError, match=f"put them there as {tmp_path / 'other'}"):
        weights.locate(Weights("other", None, "x", "x"))


def test_a_home_that_is_not_there_is_one_line(no_home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["run", "--method", "identity", "--content", "~nobody/photos", "--style", "s"]
    assert main([*command, "--runs", str(tmp_path / "runs")]) == 1
    assert "~nobody/photos: there is no such home folder" in capsys.readouterr().err


def test_one_place_knows_the_home():
    knows = re.compile(r"expanduser|Path\.home|XDG_CACHE_HOME\W*[,)]")
    for folder in ("bench", "methods", "metrics", "datasets"):
        for file in (ROOT / folder).rglob("*.py"):
            assert file == ROOT / "bench/paths.py" or not knows.search(file.read_text()), file


def test_home_is_shortened_wherever_it_stands_and_nothing_else(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/jane"))
    text = "/home/jane/a and (/home/jane), not /home/jane-doe or /home/janet"
    assert paths.without_home(text) == "~/a and (~), not /home/jane-doe or /home/janet"


def test_without_a_home_nothing_is_shortened(no_home):
    assert paths.without_home("/home/jane") == "/home/jane"


def test_a_real_path_has_no_links_and_a_circle_ends(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "circle").symlink_to("circle")
    assert paths.real(tmp_path / "link") == paths.real(tmp_path) / "file"
    assert paths.real(tmp_path / "circle" / "a.png").name == "a.png"


OWN = {
    "bench/machine/environment.py", "bench/plugins/registry.py", "bench/conformance/__init__.py",
    "bench/conformance/_watch.py", "bench/conformance/_subject.py",
}  # fmt: skip
"""Where paths of code that was loaded are made real: they exist."""


def test_a_users_paths_are_made_real_in_one_way():
    """`Path.resolve` raises where links go round in a circle (Python before 3.13)."""
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("bench", "methods", "metrics", "datasets")
        for path in (ROOT / folder).rglob("*.py")
        if ".resolve()" in path.read_text(encoding="utf-8")
    }
    assert found == OWN
