"""What docs/architecture.md names is there, and no room or flat module is left out."""

import re

from helpers.doc_blocks import ROOT

TEXT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PATHS = set(re.findall(r"`((?:bench|methods|metrics|datasets|tests)/[\w/.]*)`", TEXT))


def test_every_path_is_there():
    assert len(PATHS) > 30
    for path in PATHS:
        assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file(), path


def test_every_room_and_every_flat_module_has_its_line():
    rows = set(re.findall(r"^\| `(bench/[\w/.]+)` \|", TEXT, re.MULTILINE))
    bench = ROOT / "bench"
    rooms = {f"bench/{p.name}/" for p in bench.iterdir() if any(p.glob("[!.]*")) and p.is_dir()}
    modules = {f"bench/{p.name}" for p in bench.glob("*.py") if not p.name.startswith("__")}
    assert rows == (rooms - {"bench/__pycache__/"}) | modules


def test_seven_files_to_read():
    section = TEXT.partition("## Seven files")[2].partition("\n## ")[0]
    assert [int(n) for n in re.findall(r"^(\d)\. `", section, re.MULTILINE)] == list(range(1, 8))
