"""The embedded set: roles, manifest, fingerprints, errors."""

import csv
import hashlib
import importlib
import importlib.resources
import shutil

import numpy as np
import pytest
from helpers.roles import names, roles

from bench.errors import BenchError

default = importlib.import_module("bench.datasets.default")
EVALUATED = {"astronaut", "chelsea_cat", "coffee", "neuschwanstein", "kingfisher", "horses"}
ADAPTED_ON = {
    "rocket",
    "grace_hopper",
    "gateway_of_india_night",
    "machu_picchu",
    "scarlet_macaw",
    "mariachi",
}


def test_default_roles():
    contents, styles, adaptation = roles(default.Default())
    assert set(names(contents)) == EVALUATED
    assert set(names(adaptation)) == ADAPTED_ON
    assert len(styles) == 16
    assert names(styles)[:2] == ["vangogh_cafe_terrace_1888", "hiroshige_six_jewel_rivers_1857"]


def test_default_pictures_are_disjoint_by_pixels_and_large():
    pictures = [picture for role in roles(default.Default()) for picture in role]
    seen = set()
    for picture in pictures:
        image = picture.read()
        assert image.mode == "RGB"
        assert min(image.size) >= 300
        seen.add(hashlib.sha256(image.tobytes()).hexdigest())
    assert len(seen) == len(pictures) == 28


def test_default_evaluated_and_adapted_photographs_differ():
    """No near-copy either: small thumbnails of the two sets are far apart."""

    def thumbnail(picture):
        return np.asarray(picture.read().resize((8, 8)), np.float64)

    dataset = default.Default()
    adapted = [thumbnail(picture) for picture in dataset.adaptation()]
    for picture in dataset.contents():
        assert min(np.abs(thumbnail(picture) - other).mean() for other in adapted) > 20


def test_default_manifest_is_complete():
    with (default.PICTURES / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    on_disk = {
        path.relative_to(default.PICTURES).as_posix() for path in default.PICTURES.rglob("*.*")
    }
    assert {row["file"] for row in rows} == on_disk - {"manifest.csv"}
    assert {row["role"] for row in rows} == {"content", "adaptation", "style"}
    free = ("CC0", "public domain", "no known copyright restrictions")
    for row in rows:
        assert row["title"], row
        assert row["source"], row
        assert any(word.lower() in row["licence"].lower() for word in free), row
    listed = [picture for role in roles(default.Default()) for picture in role]
    assert len(listed) == len(rows)
    assert all(picture.title and picture.licence for picture in listed)


def test_default_fingerprint_is_the_bytes():
    picture = default.Default().contents()[0]
    assert picture.fingerprint == hashlib.sha256(picture.path.read_bytes()).hexdigest()
    assert default.Default().fingerprint() == default.Default().fingerprint()


def copied(monkeypatch, tmp_path):
    monkeypatch.setattr(default, "PICTURES", tmp_path / "pictures")
    shutil.copytree(importlib.resources.files("bench.datasets") / "pictures", default.PICTURES)


def test_default_altered_or_missing_files(monkeypatch, tmp_path):
    copied(monkeypatch, tmp_path)
    assert len(default.Default().contents()) == 6
    coffee = default.PICTURES / "content" / "coffee.jpg"
    coffee.write_bytes(coffee.read_bytes()[:-1] + b"\0")
    with pytest.raises(BenchError, match=r"coffee\.jpg is not the picture the package came with"):
        default.Default().contents()
    assert len(default.Default().styles()) == 16
    coffee.unlink()
    with pytest.raises(BenchError, match=r"coffee\.jpg is missing from the package: install"):
        default.Default().contents()
    (default.PICTURES / "manifest.csv").unlink()
    with pytest.raises(BenchError, match=r"manifest\.csv is missing or damaged: install"):
        default.Default().styles()


def test_default_damaged_manifest(monkeypatch, tmp_path):
    copied(monkeypatch, tmp_path)
    (default.PICTURES / "manifest.csv").write_text("file,title\ncontent/coffee.jpg,coffee\n")
    with pytest.raises(BenchError, match=r"manifest\.csv is missing or damaged"):
        default.Default().contents()
