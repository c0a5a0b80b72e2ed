"""What the pages say is so: their files work, their commands run, or at least are understood."""

import dataclasses
import importlib.util
import os
import re
import runpy
import shlex
import shutil
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from helpers.doc_blocks import FOREIGN, NOT_RUN, PAGES, ROOT, check_names, commands, files, name
from helpers.doc_runs import reason, small
from helpers.submitted import submitted
from PIL import Image

from bench import conformance, protocols, results
from bench.cli import COMMANDS, main
from bench.plugins import registry
from bench.report import summary
from bench.run import profiles
from bench.stylize import video
from bench.tables import model

DOCS = [page for page in PAGES if page.parent != ROOT]

SAMPLING = {
    "min_samples": 3,
    "min_seconds": 0.0,
    "max_seconds": 0.01,
    "warmup_seconds": 0.0,
    "window_seconds": 0.001,
}
"""How long the profile smoke samples here."""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the pictures and files that the pages name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.syspath_prepend(tmp_path)
    smoke = profiles.PROFILES["smoke"]
    monkeypatch.setitem(profiles.PROFILES, "smoke", dataclasses.replace(smoke, sampling=SAMPLING))
    generator = np.random.default_rng(0)

    def picture(file):
        blocks = generator.integers(0, 256, (6, 8, 3), np.uint8)
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(blocks).resize((80, 64)).save(file)

    for file in ("painting.jpg", "wave.jpg", "mosaic.jpg", "photo.jpg", "starry.jpg"):
        picture(file)
    picture("OUTPUTS/one_stylized_one.png")
    (tmp_path / "made.csv").write_text(
        "content,style,output\none,one,OUTPUTS/one_stylized_one.png\n"
    )
    for folder in ("PHOTOS", "PAINTINGS", "pictures/photos", "pictures/art"):
        picture(f"{folder}/one.png")
    shutil.copytree(ROOT / "examples", "examples")
    (tmp_path / "docs").mkdir()
    shutil.copyfile(ROOT / "bench/weights/metastyle.safetensors", "plain.safetensors")
    if importlib.util.find_spec("av"):
        clip = video.Clip(tmp_path / "clip.mp4", Fraction(25), Fraction(1, 25), None)
        with video.writer(clip.path, clip) as write:
            write(video.Frame(Image.open("photo.jpg"), Fraction(0), Fraction(1, 25)))
    example = registry.load(["examples/checkpoint.py"]).method("checkpoint")
    network = sys.modules[example.__module__].Network()
    torch.save(network.state_dict(), "mosaic.pth")
    yield tmp_path
    for module in [
        m for m in sys.modules.values() if str(tmp_path) in str(getattr(m, "__file__", ""))
    ]:
        del sys.modules[module.__name__]


def runs(words):
    """Whether a command is bench's, and one that is run."""
    return words[0] == "bench" and not reason(words)


def once():
    """Each page's commands that are run there: a run that an earlier page has too is not again."""
    seen, found = set(), {}
    for page in PAGES:
        found[page] = {}
        for words in commands(page):
            line = shlex.join(small(words) if runs(words) else words)
            again = line in seen and words[1] in ("run", "list", "doctor", "check")
            if (runs(words) and not again) or words[0] == "python":
                found[page].setdefault(line, words)
                seen.add(line)
    return {page: list(lines.values()) for page, lines in found.items() if lines}


ONCE = once()
LONGER = {"docs/adaptation.md", "docs/video.md", "docs/paper.md", "docs/published.md"}
"""Pages whose commands take long even when made small: `tox -e pages` runs them too."""
RUN = re.compile(r"(?:(?:runs|OTHER)/)?2\d{7}-\d{6}-\w{4}|BASE|NEW")
"""Runs that the pages name, which are made by hand."""


@pytest.mark.parametrize("page", ONCE, ids=name)
@pytest.mark.timeout(300)  # stylizes, adapts and reports
def test_the_commands_of_a_page_run(page, desk, capsys):
    if name(page) in LONGER and not os.environ.get("BENCH_ALL_PAGES"):
        pytest.skip("takes long: tox -e pages runs it")
    for file, code in files(page).items():
        (desk / file).write_text(code)
    (desk / "tint.py").write_text(files(ROOT / "docs/write/method.md")["tint.py"])
    for word in {word.strip("/") for words in ONCE[page] for word in words}:
        if RUN.fullmatch(word) and not (desk / word).exists():
            submitted((desk / word).parent, (desk / word).name)
    if any(words[1:2] == ["train"] for words in ONCE[page]):
        shutil.copyfile("PAINTINGS/one.png", "PAINTINGS/two.png")  # one alone is refused
    if name(page) == "docs/report.md":  # whose first commands are dearer
        assert main(small(["bench", "run", "--method", "metastyle"])[1:]) == 0
    for words in ONCE[page]:
        if words[0] == "python":
            runpy.run_path(words[1], run_name="__main__")
            continue
        status = main([word.replace("RUN", str(newest(desk))) for word in small(words)[1:]])
        answers = (0, 1) if words[1] == "choose" else (0,)  # 1: nothing meets the limits
        said = capsys.readouterr()
        assert status in answers, f"{shlex.join(words)}: {said.err}"
        assert not said.err or status == 0, said.err


def newest(folder):
    """The run that was begun last."""
    return results.latest(folder / "runs") if (folder / "runs").is_dir() else folder


def test_every_reason_not_to_run_a_command_is_needed_and_true():
    """A pattern fits a command of the pages, and the test that it names is there."""
    lines = [shlex.join(words) for page in PAGES for words in commands(page)]
    for pattern, why in NOT_RUN.items():
        assert any(re.search(pattern, line) for line in lines), pattern
        places = re.findall(r"tests/[\w/]+(?:\.py)?", why)
        assert places, why
        assert all((ROOT / place).exists() for place in places), why


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=name)
def test_the_commands_of_a_page_are_understood(page, desk):
    for other in DOCS:
        for file, code in files(other).items():
            (desk / file).write_text(code)
    for words in commands(page):
        if words[0] in FOREIGN or words[0] == "python" or re.match(r"\w+=", words[0]):
            continue
        assert words[0] == "bench", f"{shlex.join(words)}: run it in a test, or say why not"
        check_names(words)


def first_cells(page, heading):
    """The first cells of the table under a heading."""
    section = page.read_text(encoding="utf-8").partition(f"# {heading}\n")[2].partition("\n#")[0]
    return [line.split("|")[1].strip(" `") for line in section.splitlines() if line[:2] == "| "][1:]


@pytest.mark.parametrize("kind", conformance.CHECKS)
def test_checks_are_explained(kind):
    page = ROOT / "docs/write/check.md"
    explained = first_cells(page, f"{'An' if kind == 'encoders' else 'A'} {kind[:-1]}")
    there = [conformance.words(check) for check in conformance.CHECKS[kind]]
    assert explained == [check for check in there if check in explained]
    if kind == "methods":
        assert explained == there


def test_every_mark_of_the_table_is_explained():
    marks = {note[0] for note in (model.BEST, summary.DOMINATED, summary.UNGATED, summary.DAGGER)}
    assert set(first_cells(ROOT / "docs/concepts.md", "Verdicts and marks")) == marks | {"[1]"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link.partition("#")[0]).exists(), link


@pytest.fixture
def reference(monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.setenv("COLUMNS", "90")
    return runpy.run_path(str(ROOT / "docs/_reference.py"))


def test_the_reference_has_every_command_and_argument(reference):
    page = reference["command_line"]()
    assert re.findall("^## bench (.*)", page, re.MULTILINE) == list(COMMANDS)
    for flag in ("--observe STEPS", "-o FILE, --out FILE", "--weights FILE[:SHARE]", "--dry-run"):
        assert all(f"`{part}" in page for part in flag.split(", ")), flag
    assert "bench run --resume  " in page
    assert "# go on with the newest run" in page


def test_the_reference_has_everything_that_is_built_in(reference):
    page = reference["built_in"]()
    loaded = registry.load()
    for kind in ("methods", "metrics", "encoders"):
        assert all(f"`{thing}`" in page for thing in getattr(loaded, kind))
    assert all(f"### {dataset}\n" in page for dataset in loaded.datasets)
    assert "`metastyle.inner_lr`" in page


def test_every_protocol_has_a_page_with_its_figures(reference):
    for protocol, preset in protocols.PROTOCOLS.items():
        assert (ROOT / f"docs/protocols/{protocol}.md").is_file()
        page = reference["protocol"](protocol)
        assert all(f"`{id_}`" in page for id_ in preset.metrics)
        assert all(figures.source in page for figures in preset.published)
        assert all(f"- {text}" in page for text in preset.not_reproduced)
    pages = {file.stem for file in (ROOT / "docs/protocols").iterdir()}
    assert pages == set(protocols.PROTOCOLS)
    assert "| StyleID | 28.801 | 18.131 | 0.505 | 0.228 |" in reference["protocol"]("styleid-800")
