"""The built-in datasets: roles, order, names, fingerprints, errors."""

import csv
import hashlib
import importlib
import importlib.resources
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from bench import options
from bench.errors import BenchError

default = importlib.import_module("bench.datasets.default")
folder = importlib.import_module("bench.datasets.folder")
styleid = importlib.import_module("bench.datasets.styleid")
synthetic = importlib.import_module("bench.datasets.synthetic")

EVALUATED = {"astronaut", "chelsea_cat", "coffee", "neuschwanstein", "kingfisher", "horses"}
ADAPTED_ON = {
    "rocket",
    "grace_hopper",
    "gateway_of_india_night",
    "machu_picchu",
    "scarlet_macaw",
    "mariachi",
}


def names(pictures):
    return [picture.name for picture in pictures]


def roles(dataset):
    return dataset.contents(), dataset.styles(), dataset.adaptation()


def paint(path, grey, side=16):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), grey).save(path)
    return path


# the embedded set


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


# the user's folders


def make_folder(**paths):
    joined = {key: os.pathsep.join(map(str, value)) for key, value in paths.items()}
    return folder.Folder(options.build(folder.Options, joined, "folder"))


def test_folder_order_and_names(tmp_path):
    files = [
        paint(tmp_path / name, grey)
        for grey, name in enumerate(("a/dog.png", "a/Cat.png", "b/cat.png", "b/cat.bmp", "z.png"))
    ]
    dataset = make_folder(content=[files[4], tmp_path / "a", tmp_path / "b"], style=[files[0]])
    # a folder is sorted by path: capitals first; bmp before png
    assert names(dataset.contents()) == ["z", "Cat", "dog", "cat-2", "cat-3"]
    assert [picture.path.name for picture in dataset.contents()][3:] == ["cat.bmp", "cat.png"]
    assert names(dataset.styles()) == ["dog"]
    assert dataset.contents()[0].read().getpixel((0, 0)) == (4, 4, 4)
    assert dataset.adaptation() == ()


def test_folder_names_stay_unique_where_a_number_is_taken(tmp_path):
    files = [paint(tmp_path / name, 0) for name in ("cat-2.png", "cat.png", "sub/cat.png")]
    assert names(make_folder(content=files).contents()) == ["cat-2", "cat", "cat-3"]
    odd = paint(tmp_path / "two\nlines.png", 0)
    assert names(make_folder(content=[odd]).contents()) == ["two_lines"]


def test_folder_path_with_a_separator_in_it(tmp_path):
    path = paint(tmp_path / f"a{os.pathsep}b" / "c.png", 0).parent
    assert names(make_folder(content=[path]).contents()) == ["c"]


def test_folder_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    paint(tmp_path / "mine.png", 0)
    assert names(make_folder(content=["~"]).contents()) == ["mine"]


def test_folder_keeps_what_cannot_be_read(tmp_path):
    paint(tmp_path / "good.png", 0)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    bad, good = make_folder(content=[tmp_path]).contents()
    assert (bad.name, good.name) == ("bad", "good")
    assert good.read().size == (16, 16)
    with pytest.raises(BenchError, match=r"bad\.png is not a picture"):
        bad.read()


def test_folder_errors(tmp_path):
    with pytest.raises(BenchError, match=r"folder\.content is not set: use --content"):
        make_folder().contents()
    with pytest.raises(BenchError, match=r"folder\.style is not set: use --style"):
        make_folder(style=[]).styles()
    with pytest.raises(BenchError, match="gone is not there"):
        make_folder(style=[tmp_path / "gone"]).styles()
    with pytest.raises(BenchError, match=f"{tmp_path} holds no picture"):
        make_folder(content=[tmp_path]).contents()
    with pytest.raises(BenchError, match="unknown option of folder 'contnt'"):
        make_folder(contnt=[tmp_path])


def test_folder_adaptation_is_disjoint_from_contents(tmp_path):
    paint(tmp_path / "content" / "a.png", 1)
    paint(tmp_path / "adapt" / "b.png", 2)
    dataset = make_folder(content=[tmp_path / "content"], adapt=[tmp_path / "adapt"])
    assert names(dataset.adaptation()) == ["b"]
    shutil.copy(tmp_path / "content" / "a.png", tmp_path / "adapt" / "renamed.png")
    with pytest.raises(BenchError, match=r"renamed\.png is also the content .*a\.png"):
        dataset.adaptation()


def test_folder_fingerprint_follows_bytes_names_and_roles(tmp_path):
    first, second = paint(tmp_path / "a.png", 1), paint(tmp_path / "b.png", 2)
    original = first.read_bytes()
    base = make_folder(content=[first], style=[second])
    seen = {base.fingerprint(), make_folder(content=[second], style=[first]).fingerprint()}
    first.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    os.utime(first, ns=(1, 1))
    seen.add(base.fingerprint())
    first.write_bytes(original)
    os.utime(first, ns=(2, 2))
    renamed = first.rename(tmp_path / "c.png")
    seen.add(make_folder(content=[renamed], style=[second]).fingerprint())
    assert len(seen) == 4
    renamed.rename(first)
    assert base.fingerprint() in seen


# StyleID-800


def test_styleid_layout(tmp_path):
    for name in ("data/cnt/02.png", "data/cnt/01.png", "data/sty/x.png"):
        paint(tmp_path / name, 9)
    dataset = styleid.StyleID(styleid.Options(root=str(tmp_path)))
    assert (names(dataset.contents()), names(dataset.styles())) == (["01", "02"], ["x"])
    assert dataset.adaptation() == ()
    assert "CVPR 2024" in dataset.citation


def test_styleid_errors(tmp_path):
    with pytest.raises(BenchError, match=r"styleid\.root is not set: .*ROOT/data/cnt"):
        styleid.StyleID().contents()
    dataset = styleid.StyleID(styleid.Options(root=str(tmp_path)))
    with pytest.raises(BenchError, match=r"data/sty is not there; expected are ROOT/data/cnt"):
        dataset.styles()
    (tmp_path / "data" / "cnt").mkdir(parents=True)
    with pytest.raises(BenchError, match=r"data/cnt holds no picture"):
        dataset.contents()


# procedural pictures


@pytest.mark.parametrize("size", [16, 17, 64, 100])
def test_synthetic_pictures(size):
    dataset = synthetic.Synthetic(synthetic.Options(size=size))
    pictures = [picture for role in roles(dataset) for picture in role]
    assert len({picture.name for picture in pictures}) == 10
    assert len({picture.fingerprint for picture in pictures}) == 10
    for picture in pictures:
        image = picture.read()
        assert (image.mode, image.size) == ("RGB", (size, size))
        assert np.asarray(image).std() > 20
        assert image.tobytes() == picture.read().tobytes()


def test_synthetic_pixels():
    contents, styles, _ = roles(synthetic.Synthetic(synthetic.Options(size=16)))
    disc, stripes = contents[0].read(), styles[0].read()
    assert disc.getpixel((8, 8)) == (230, 180, 60)
    assert disc.getpixel((0, 0)) == (0, 0, 128)
    assert disc.getpixel((15, 0)) == (255, 0, 128)
    assert disc.getpixel((0, 15)) == (0, 255, 128)
    assert [stripes.getpixel((x, 0))[0] for x in range(9)] == [20] * 4 + [240] * 4 + [20]


def test_synthetic_fingerprint_is_fixed_but_for_size():
    prints = [synthetic.Synthetic(synthetic.Options(size=s)).fingerprint() for s in (32, 32, 33)]
    assert prints[0] == prints[1] != prints[2]


def test_synthetic_size_is_checked():
    with pytest.raises(BenchError, match=r"synthetic\.size=8 is out of range"):
        options.build(synthetic.Options, {"size": "8"}, "synthetic")


def test_hooks_name_the_four_datasets():
    modules = (default, folder, styleid, synthetic)
    assert [cls.name for module in modules for cls in module.bench_datasets()] == [
        "default",
        "folder",
        "styleid",
        "synthetic",
    ]
