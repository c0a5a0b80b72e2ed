"""The page as a folder: what is in it, what it needs, how it is renewed."""

import re
import subprocess
import sys

import pytest
from helpers.made_run import VALUES, make_run
from helpers.painted import HOSTILE, Reader, paint, views, write

from bench.errors import BenchError


def test_a_page_is_a_folder_that_needs_nothing_else(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "data",
        "index.html",
        "page.css",
        "choose.js",
        "page.js",
        "pictures",
        "plots",
        "plots.js",
        "tables.js",
        "thumbnails",
    }
    addresses = [a[key] for _, a in read.elements for key in ("src", "href") if key in a]
    assert set(addresses) >= {"page.css", "page.js", "plots.js", "tables.js"}
    for address in addresses:
        known = r"#[a-z0-9-]+|page\.css|(choose|page|plots|tables)\.js|(pictures|thumbnails)/"
        assert re.fullmatch(rf"{known}|thumbnails/[0-9a-f]{{16}}\.webp", address)
    for name in ("page.css", "choose.js", "page.js", "plots.js", "tables.js"):
        assert "//" not in re.sub(r"(?m)^\s*//.*$|; //.*$", "", _text(tmp_path / "out" / name))


def _text(path):
    return path.read_text(encoding="utf-8")


def test_no_script_and_no_style_is_inline(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    (policy,) = (a["content"] for a in read.all("meta") if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert [a for a in read.all("script") if a.get("type") != "application/json"] == [
        {"src": "tables.js", "defer": None},
        {"src": "choose.js", "defer": None},
        {"src": "plots.js", "defer": None},
        {"src": "page.js", "defer": None},
    ]
    assert not read.all("style")
    attributes = {key for _, a in read.elements for key in a}
    assert not {key for key in attributes if key == "style" or key.startswith("on")}


def _square(painted, names):
    """A run whose methods, styles and contents have the same names."""
    values = {id_: {"fast": 0.5} for id_ in VALUES}
    adapt = dict.fromkeys(names, 1.0)
    return painted(names, styles=names, contents=names, values=values, adapt=adapt)


def test_hostile_names_are_text(painted, tmp_path):
    text = write(tmp_path / "out", _square(painted, HOSTILE))
    plain = Reader(write(tmp_path / "plain", _square(painted, "abcde")))
    read = Reader(text)
    # the very same elements as of harmless names: nothing became markup
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in plain.elements]
    for name in HOSTILE:
        assert any(name in shown for shown in read.texts)
    (view,) = views(tmp_path / "out")
    assert [style["name"] for style in view["styles"]] == list(HOSTILE)
    assert text.count("</script>") == 5
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    pictures = [path for path in files if path.suffix not in (".html", ".css", ".js")]
    assert all(re.fullmatch(r"[0-9a-f]{16}\.(png|webp)", path.name) for path in pictures)
    assert len(pictures) == 2 * (5 + 5 + 5 * 5 * 5)


def test_a_page_is_renewed_and_keeps_its_pictures(painted, tmp_path):
    def pictures():
        return {
            path: path.stat().st_mtime_ns
            for folder in ("pictures", "thumbnails")
            for path in (out / folder).iterdir()
        }

    run, other, out = painted(("fast",)), painted(("slow",)), tmp_path / "out"
    write(out, run)
    before = pictures()
    assert "slow" in write(out, run, other)
    assert before.items() < pictures().items()
    (out / "pictures" / "mine.png").touch()
    assert "slow" not in write(out, run)
    assert {path.name for path in pictures()} - {path.name for path in before} == {"mine.png"}


def test_plots_are_files_beside_the_page(fake_run, tmp_path):
    read = Reader(write(tmp_path / "out", fake_run()))
    shown = [image for image in read.all("img") if "src" in image]
    assert shown
    for image in shown:
        assert re.fullmatch(r"plots/[a-z0-9-]+\.svg", image["src"])
        assert (tmp_path / "out" / image["src"]).read_text().startswith("<?xml")
        assert image["alt"]
        assert int(image["width"]) > 0


def test_another_page_is_left_alone(painted, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("<h1>mine</h1>")
    with pytest.raises(BenchError, match="is not a page of bench: choose another folder"):
        write(out, painted(("fast",)))
    assert (out / "index.html").read_text() == "<h1>mine</h1>"


def test_a_folder_that_cannot_be_made_is_named(painted, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(BenchError, match=r"out cannot be written"):
        write(tmp_path / "out", painted(("fast",)))


def test_groups_of_two_machines_stay_apart(painted, tmp_path):
    here = painted(("fast",))
    there = painted(("fast",), environment={"fingerprint": "e2", "device_name": "Beads"})
    read = Reader(write(tmp_path / "out", here, there))
    assert [view["label"] for view in views(tmp_path / "out")] == [
        "64 px, tiny (d1), e1",
        "64 px, tiny (d1), e2",
    ]
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_command_writes_a_page_without_torch(tmp_path):
    paint(make_run(tmp_path / "runs", ("fast",)))
    code = (
        "import sys; from bench.cli import main;"
        f"assert main(['report', '--runs', {str(tmp_path / 'runs')!r},"
        f" '--html', {str(tmp_path / 'out')!r}]) == 0; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "out" / "index.html")
