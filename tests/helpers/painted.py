"""What tests of the page share."""

import json
from html.parser import HTMLParser

from PIL import Image

from bench import results
from bench.report import page

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


def write(out, *runs):
    return page.write(results.load(runs), out, quiet=True).read_text(encoding="utf-8")


def views(out):
    """The gallery's views of a page, its cells put back."""
    whole = json.loads(Reader((out / "index.html").read_text("utf-8")).data)["views"]
    for number, view in enumerate(whole):
        for method in view["methods"]:
            method["cells"] = []
        for style in range(len(view["styles"])):
            script = (out / "data" / f"{number}-{style}.js").read_text("ascii")
            head, _, rest = script.partition(f"cellsAre({number}, {style}, ")
            assert (head, rest[-3:]) == ('"use strict";\n', ");\n")
            for method, cell in zip(view["methods"], json.loads(rest[:-3]), strict=True):
                method["cells"].append(cell)
    return whole


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
