"""`bench weights`: what is listed, and that a damaged file is told."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from bench import cli, weights
from bench.weights import files


def rows(capsys, *words):
    status = cli.main(["weights", "--format", "json", *words])
    return status, json.loads(capsys.readouterr().out)


def test_shipped_weights_are_listed_and_verified(capsys):
    status, listed = rows(capsys)
    shipped = [row for row in listed if row["path"].startswith(str(weights.SHIPPED))]
    assert status == 0
    assert {"metastyle", "adain", "vgg16-bsds"} <= {row["needed_by"] for row in shipped}
    for row in shipped:
        assert hashlib.sha256(Path(row["path"]).read_bytes()).hexdigest() == row["sha256"]
        assert row["state"] == "verified"
        assert row["licence"]
        assert row["size"] < 15e6
    assert sum({row["path"]: row["size"] for row in shipped}.values()) < 60e6


def test_every_shipped_file_has_a_card_and_an_owner():
    files = {path.stem for path in weights.SHIPPED.glob("*.safetensors")}
    cards = {path.stem for path in weights.SHIPPED.glob("*.md")}
    notice = (weights.SHIPPED / "NOTICE.md").read_text()
    assert all(name in cards or f"{name}.safetensors" in notice for name in files)


def test_one_owner_can_be_asked_for(capsys):
    status, listed = rows(capsys, "metastyle")
    assert status == 0
    assert [row["file"] for row in listed] == ["metastyle.safetensors"]


def test_an_unknown_owner_is_told(capsys):
    assert cli.main(["weights", "metastile"]) == 1
    assert "metastyle" in capsys.readouterr().err


def test_a_damaged_file_is_told(capsys, monkeypatch, tmp_path):
    (tmp_path / "metastyle.safetensors").write_bytes(b"not it")
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    assert cli.main(["weights", "metastyle"]) == 1
    printed = capsys.readouterr()
    assert "damaged" in printed.out
    assert "metastyle.safetensors is not the declared file" in printed.err


def test_a_missing_file_is_no_failure(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    assert cli.main(["weights", "metastyle"]) == 0
    assert "missing" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(path.name for path in weights.SHIPPED.glob("*.md")))
def test_cards_name_no_place_on_the_makers_machine(name):
    assert not re.search(r"[ ='\"`]/\w", (weights.SHIPPED / name).read_text())
