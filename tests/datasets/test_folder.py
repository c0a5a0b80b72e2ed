"""The user's folders: order, names, fingerprints, errors."""

import importlib
import importlib.resources
import os
import shutil

import pytest
from helpers.roles import names, paint

from bench import options
from bench.errors import BenchError

folder = importlib.import_module("bench.datasets.folder")


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
