import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from helpers.made_run import VALUES, make_run
from PIL import Image

from bench import results
from bench.errors import BenchError
from bench.report import page, plots
from bench.report.page.pictures import THUMBNAIL

HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" 'name' & more",
    "../../../etc/passwd",
    "画 ⚡ картина",
    "long-" * 60,
)


def paint(run, colour=(200, 30, 30)):
    """Give a run its pictures."""
    record = results.read_run(run)
    for role in ("content", "style"):
        for name in getattr(record, f"{role}s"):
            path = results.input_path(run, role, name, 64)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 64), colour).save(path)
    for method in record.methods:
        for style in record.styles:
            path = results.record_path(run, "cells", method, style, 64)
            if not path.exists():
                continue
            cell = results.read_json(path)
            for number, picture in enumerate(cell["contents"]):
                picture["image"] = f"images/{results.key(method, style)}-{number}.png"
                file = run / picture["image"]
                file.parent.mkdir(exist_ok=True)
                Image.new("RGB", (64, 64), (30, 30, 40 * number)).save(file)
            results.write_json(path, cell)
    return run


@pytest.fixture
def painted(fake_run, monkeypatch):
    """A function as `fake_run`, with pictures; plots, which take time, are left out."""
    monkeypatch.setattr(plots, "figures", lambda *_, **__: {})
    return lambda *args, **changes: paint(fake_run(*args, **changes))


def write(out, *runs):
    return page.write(results.load(runs), out, quiet=True).read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Elements with their attributes, the texts of each, and the JSON."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.data, self._in_data = [], [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._in_data = dict(attributes).get("id") == "data"

    def handle_endtag(self, tag):
        self._in_data = False

    def handle_data(self, data):
        if self._in_data:
            self.data += data
        else:
            self.texts.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_page_is_a_folder_that_needs_nothing_else(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "index.html",
        "page.css",
        "page.js",
        "pictures",
        "plots",
        "thumbnails",
    }
    addresses = [a[key] for _, a in read.elements for key in ("src", "href") if key in a]
    assert set(addresses) >= {"page.css", "page.js"}
    for address in addresses:
        assert re.fullmatch(r"#[a-z0-9-]+|page\.(css|js)|(pictures|thumbnails)/", address)
    for name in ("page.css", "page.js"):
        assert "//" not in re.sub(r"(?m)^\s*//.*$|; //.*$", "", _text(tmp_path / "out" / name))


def _text(path):
    return path.read_text(encoding="utf-8")


def test_no_script_and_no_style_is_inline(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    (policy,) = (a["content"] for a in read.all("meta") if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert [a for a in read.all("script") if a.get("type") != "application/json"] == [
        {"src": "page.js", "defer": None}
    ]
    assert not read.all("style")
    attributes = {key for _, a in read.elements for key in a}
    assert not {key for key in attributes if key == "style" or key.startswith("on")}


def test_the_gallery_has_every_picture_once(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    (view,) = json.loads(read.data)["views"]
    assert [style["name"] for style in view["styles"]] == ["a", "b"]
    assert [content["name"] for content in view["contents"]] == ["x", "y"]
    assert [method["label"] for method in view["methods"]] == ["identity", "style-copy", "fast"]
    assert [method["anchor"] for method in view["methods"]] == [True, True, False]
    fast = view["methods"][2]["cells"]
    # mean 0.4 over ax 0.1, ay 0.3, bx 0.5, by 0.7: see conftest
    assert [[scores[0] for scores in cell["scores"]] for cell in fast] == [
        ["0.100", "0.300"],
        ["0.500", "0.700"],
    ]
    names = [
        *(entry["picture"] for role in ("styles", "contents") for entry in view[role]),
        *(n for method in view["methods"] for cell in method["cells"] for n in cell["pictures"]),
    ]
    assert len(set(names)) == len(names) == 4 + 3 * 4
    for name in names:
        assert (tmp_path / "out" / "pictures" / f"{name}.png").is_file()
        with Image.open(tmp_path / "out" / "thumbnails" / f"{name}.webp") as thumbnail:
            assert thumbnail.size == (64, 64)


def test_pictures_are_exact_copies_and_thumbnails_small(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    image = (
        run
        / results.read_json(results.record_path(run, "cells", "fast", "a", 64))["contents"][0][
            "image"
        ]
    )
    Image.effect_noise((600, 300), 50).convert("RGB").save(image)
    (view,) = json.loads(Reader(write(tmp_path / "out", run)).data)["views"]
    name = view["methods"][0]["cells"][0]["pictures"][0]
    assert (tmp_path / "out" / "pictures" / f"{name}.png").read_bytes() == image.read_bytes()
    with Image.open(tmp_path / "out" / "thumbnails" / f"{name}.webp") as thumbnail:
        assert thumbnail.size == (THUMBNAIL, THUMBNAIL // 2)


def test_steps_of_an_adaptation(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    path = results.record_path(run, "cells", "fast", "a", 64)
    cell = results.read_json(path)
    file = run / "images" / "step.png"
    Image.new("RGB", (64, 64)).save(file)
    seen = {"content": "x", "image": "images/step.png", "seconds": 0.1}
    cell["observed"] = [{"step": 5, "seconds": 1.25, "contents": [seen]}]
    results.write_json(path, cell)
    (view,) = json.loads(Reader(write(tmp_path / "out", run)).data)["views"]
    (step,) = view["methods"][0]["cells"][0]["steps"]
    assert (step["step"], step["seconds"]) == (5, "1.25 s")
    assert (tmp_path / "out" / "pictures" / f"{step['pictures'][0]}.png").is_file()


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
    (view,) = json.loads(read.data)["views"]
    assert [style["name"] for style in view["styles"]] == list(HOSTILE)
    assert text.count("</script>") == 2
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    pictures = [path for path in files if path.suffix not in (".html", ".css", ".js")]
    assert all(re.fullmatch(r"[0-9a-f]{16}\.(png|webp)", path.name) for path in pictures)
    assert len(pictures) == 2 * (5 + 5 + 5 * 5 * 5)


def test_a_picture_outside_the_run_stays_there(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    secret = tmp_path / "secret.png"
    Image.new("RGB", (64, 64)).save(secret)
    path = results.record_path(run, "cells", "fast", "a", 64)
    cell = results.read_json(path)
    for image in ("../../secret.png", str(secret), "images/none.png"):
        cell["contents"][0]["image"] = image
        results.write_json(path, cell)
        (view,) = json.loads(Reader(write(tmp_path / "out", run)).data)["views"]
        assert view["methods"][0]["cells"][0]["pictures"] == [None]


def test_what_is_no_png_is_not_copied(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    (run / "images" / "fast__a-0.png").write_text(svg)
    write(tmp_path / "out", run)
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file() and "svg" in _read(p)]


def _read(path):
    return path.read_bytes()[:64].decode("latin-1")


def test_failures_are_shown_with_their_reason(painted, tmp_path):
    run = painted(("fast", "slow"), failed={("slow", "a"): ("oom", "2.4 GiB <asked>")})
    read = Reader(write(tmp_path / "out", run))
    (view,) = json.loads(read.data)["views"]
    cell = view["methods"][1]["cells"][0]
    assert (cell["status"], cell["reason"]) == ("oom", "2.4 GiB <asked>")
    assert cell["pictures"] == [None, None]
    assert "2.4 GiB <asked>" in read.texts
    assert "partial" in read.texts


def test_details_say_how_it_was_made(painted, tmp_path):
    run = painted(("fast",), options={"steps": 5}, defaults={"steps": 9}, source="f00d")
    texts = Reader(write(tmp_path / "out", run)).texts
    for fact in ("bench run", "f00d", "steps=5", "with steps=5", "Abacus", "tests"):
        assert fact in texts


def test_what_stands_in_the_table(painted, tmp_path):
    read = Reader(write(tmp_path / "out", painted()))
    sorters = [a["data-sort"] for tag, a in read.elements if tag == "td" and "data-sort" in a]
    # of the last row: family, size, seconds to adapt (2 and 4), milliseconds (11, 12, 13)
    last = sorters[2 * len(sorters) // 3 :]
    assert last[:2] == ["arbitrary", "64"]
    assert [float(value) for value in last[2:6]] == pytest.approx([3.0, 12.0, 0.4, 0.25])
    assert all(a["aria-sort"] == "none" for a in read.all("th") if "aria-sort" in a)


def test_votes_are_beside_the_metrics(painted, tmp_path):
    run = painted(("fast", "slow"))
    assert "Blind test" not in write(tmp_path / "out", run)
    vote = {
        "schema": 1, "time": "", "voter": "", "style": "a", "content": "x", "size": 64,
        "left": "fast", "right": "slow", "choice": "left", "seconds": 1.0,
    }  # fmt: skip
    lines = [json.dumps({**vote, "id": str(number)}) for number in range(4)]
    (run / "votes.jsonl").write_text("\n".join(lines) + "\n")
    texts = Reader(write(tmp_path / "out", run)).texts
    assert "Blind test" in texts
    assert "1.10" in texts  # log(4.5 / 0.5) / 2
    assert "-1.10" in texts


def test_a_page_is_renewed_and_keeps_its_pictures(painted, tmp_path):
    def pictures():
        return {path: path.stat().st_mtime_ns for path in out.glob("*/*")}

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
    views = json.loads(read.data)["views"]
    assert [view["label"] for view in views] == ["64 px, tiny (d1), e1", "64 px, tiny (d1), e2"]
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
