"""`bench list`: every section, every fault, as text and as JSON."""

import json

import pytest
from helpers.plugged import MINE

from bench.errors import BenchError
from bench.plugins.listing import SECTIONS, describe
from bench.plugins.registry import load


def test_listing_has_every_section_and_every_fault(plugin):
    registry = load([plugin(MINE.format(name="mine")), "nowhere.py"])
    text = describe(registry)
    for section in SECTIONS:
        assert any(line.startswith(section) for line in text.splitlines())
    assert "no such file" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_listing_as_json(plugin):
    path = plugin(MINE.format(name="mine"))
    listed = json.loads(describe(load([path]), format="json"))
    assert tuple(listed) == SECTIONS
    (row,) = [row for row in listed["methods"] if row["name"] == "mine"]
    assert row["family"] == "arbitrary"
    assert row["source"] == f"file {path}"
    assert listed["broken"] == []


def test_listing_one_section_and_an_unknown_one():
    registry = load()
    assert describe(registry, "encoders").startswith("encoders\n")
    assert describe(registry, "broken") == "broken: none"
    with pytest.raises(BenchError, match="did you mean methods"):
        describe(registry, "method")


def test_listing_says_which_weights_are_missing(monkeypatch):
    registry = load()
    encoder = registry.encoder("efficientnet-lite0")
    monkeypatch.setattr(type(encoder), "folders", lambda self: ())
    monkeypatch.setenv("BENCH_WEIGHTS", "/nowhere")
    (row,) = [
        row
        for row in json.loads(describe(registry, "encoders", "json"))["encoders"]
        if row["name"] == encoder.name
    ]
    assert row["weights"] == f"missing ({encoder.weights.source})"


def test_listing_finds_weights_that_another_package_brings(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_WEIGHTS", "/nowhere")
    registry = load()
    method = registry.method("magenta-ghiasi")
    monkeypatch.setattr(method, "folders", classmethod(lambda cls: (tmp_path,)))

    def listed():
        rows = json.loads(describe(registry, "methods", "json"))["methods"]
        return next(row["weights"] for row in rows if row["name"] == method.name)

    assert all(text.startswith("missing (") for text in listed())
    for item in method.weights:
        (tmp_path / item.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / item.file).write_bytes(b"")
    assert listed() == ["present"] * len(method.weights)
