"""The site of many runs: which number stands where, and what leads to what."""

import re
import shlex

import pytest
from helpers.doc_blocks import parse
from helpers.made_run import make_run
from helpers.painted import HOSTILE, Reader, paint
from helpers.submitted import submitted

from bench import results
from bench.cli import main
from bench.report import hardware, plots, site
from bench.results import submission

CARD = {"device_name": "A fast card", "fingerprint": "f4st"}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two machines: what is on both, and what is on the second alone, at twice the speed."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    one = make_run(tmp_path / "one", core=[0.02] * 6)
    other = make_run(
        tmp_path / "other", ("fast", "new", "identity"), environment=CARD, core=[0.01] * 6
    )
    return one, other


def cells(text, heading):
    """The row of the first table that begins with a heading: its cells' numbers for sorting."""
    rows = re.findall(r"<tr[^>]*>\s*<th scope=\"row\".*?</tr>", text, re.DOTALL)
    (row,) = (row for row in rows if f">{heading}</a>" in row)
    return re.findall(r'data-sort="(.*?)"', row)[1:], re.findall(r'href="(.*?)"', row)


def test_a_line_has_the_times_of_every_machine(runs, tmp_path):
    index = site.write(results.load(runs), tmp_path / "site", quiet=True)
    text = index.read_text(encoding="utf-8")
    ids = [results.read_run(run).id for run in runs]
    numbers, links = cells(text, "fast")
    assert numbers == ["64", "0.4", "0.25", "20.0", "10.0", "3.0", "3.0"]
    assert links == [f"runs/{results.key(id_)}/index.html" for id_ in (max(ids), *ids, *ids)]
    assert cells(text, "new")[0][3:] == ["", "10.0", "", "3.0"]
    assert cells(text, "style-copy")[0][3:] == ["20.0", "", "3.0", ""]
    assert "A fast card" in text


def test_every_link_leads_somewhere(runs, tmp_path):
    index = site.write(results.load(runs), tmp_path / "site", quiet=True)
    pages = [index, index.with_name("submit.html"), *index.parent.glob("runs/*/index.html")]
    assert len(pages) == 4
    for page in pages:
        for _, attributes in Reader(page.read_text(encoding="utf-8")).elements:
            for link in (attributes.get("href"), attributes.get("src")):
                if link and not link.startswith("#"):
                    assert (page.parent / link).exists(), f"{page}: {link}"


def test_numbers_alone_have_no_gallery(fake_run, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    run = paint(fake_run())
    frames = results.load([run])
    for with_pictures in (True, False):
        site.write(frames, tmp_path / "site", quiet=True, with_pictures=with_pictures)
        (page,) = (tmp_path / "site").glob("runs/*/index.html")
        text = page.read_text(encoding="utf-8")
        assert ("page.js" in text) == ('id="gallery"' in text) == with_pictures
        assert bool(list(page.parent.glob("pictures/*"))) == with_pictures
        assert 'href="../../index.html"' in text


def test_hostile_names_are_text_and_stay_inside(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    run = make_run(tmp_path / "runs", (HOSTILE[0], "fast"))
    record = results.read_json(run / "run.json")
    record["id"] = HOSTILE[2]
    results.write_json(run / "run.json", record)
    site.write(results.load([run]), tmp_path / "site", quiet=True)
    elements = Reader((tmp_path / "site" / "index.html").read_text(encoding="utf-8")).elements
    assert [tag for tag, _ in elements].count("script") == 1
    assert len(list((tmp_path / "site" / "runs").iterdir())) == 1


def test_another_page_is_not_replaced(runs, tmp_path, capsys):
    (tmp_path / "index.html").write_text("mine")
    assert main(["report", *map(str, runs), "--site", str(tmp_path)]) == 1
    assert "is not a page of bench" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "mine"


def test_the_page_for_strangers_says_what_works(runs, tmp_path):
    site.write(results.load(runs), tmp_path / "site", quiet=True)
    text = (tmp_path / "site" / "submit.html").read_text(encoding="utf-8")
    blocks = re.findall(r'<pre class="command".*?><code>(.*?)</code>', text, re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert {words[0] for words in commands} == {"pip", "bench", "git"}
    for words in commands:
        if words[0] == "bench":
            parse(words)
    for check in submission.CHECKS:
        assert f"<dt>{check.__name__.replace('_', ' ')}</dt>" in text


def test_a_board_is_what_the_terminal_shows(runs):
    frames = results.load(runs)
    (board,) = hardware.boards(frames)
    assert list(board.groups) == [results.read_run(run).environment.fingerprint for run in runs]
    text = hardware.render(frames)
    assert all(line.label in text for line in board.lines)


def test_the_noise_of_a_run_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    run = submitted(tmp_path)
    text = site.write(results.load([run]), tmp_path / "site", quiet=True).read_text()
    assert "0.0% at 64 px" in text
