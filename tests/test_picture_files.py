"""What is taken as a picture from files and folders, and what is told of the rest."""

import os

import pytest
from PIL import Image

from bench import picture_files
from bench.errors import BenchError


def test_find(tmp_path):
    for name in ("b.PNG", "a.jpg", "sub/c.webp", ".hidden.png", ".git/d.png", "notes.txt", "odd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    inside = [tmp_path / name for name in ("a.jpg", "b.PNG", "sub/c.webp")]
    assert picture_files.find([tmp_path]) == inside
    assert picture_files.find([tmp_path / "odd", tmp_path]) == [tmp_path / "odd", *inside]
    # each once, at its first place
    assert picture_files.find([inside[1], tmp_path, inside[0]]) == [inside[1], inside[0], inside[2]]
    assert picture_files.find([]) == []


def test_find_refusals(tmp_path):
    with pytest.raises(BenchError, match=r"none is not there"):
        picture_files.find([tmp_path / "none"])
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(BenchError, match=r"holds no picture \(\.jpg, .*\.webp.*, but 1 \.txt"):
        picture_files.find([tmp_path])


def test_one_rule_for_folders_says_what_is_left_out(tmp_path):
    photo = Image.new("RGB", (32, 32))
    (tmp_path / "real").mkdir()
    (tmp_path / "in" / "sub").mkdir(parents=True)
    photo.save(tmp_path / "real" / "linked.png")
    (tmp_path / "in" / "link").symlink_to("../real")
    (tmp_path / "in" / "sub" / "circle").symlink_to("..")
    for name in ("a.jfif", "b.JPE", "sub/c.jpg"):
        photo.save(tmp_path / "in" / name, "JPEG")
    for name in ("clip.mp4", "sub/notes.txt", "sub/more.txt", "README", ".hidden.png"):
        (tmp_path / "in" / name).write_bytes(b"")
    (tmp_path / "in" / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    found = picture_files.survey([tmp_path / "in"])
    names = [path.relative_to(tmp_path / "in").as_posix() for path in found.files]
    assert names == ["a.jfif", "b.JPE", "link/linked.png", "sub/c.jpg"]
    assert found.notes() == [
        f"{tmp_path / 'in'}: left out 1 .mp4, 1 .png, 2 .txt, 1 broken link, 1 hidden, "
        "1 without a suffix"
    ]
    assert picture_files.survey([tmp_path / "real"]).notes() == []
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_bytes(b"")
    with pytest.raises(BenchError, match=r"films holds no picture \(.*\), but 1 \.mp4"):
        picture_files.find([tmp_path / "films"])


def test_a_pipe_is_no_picture(tmp_path):
    os.mkfifo(tmp_path / "a.gif")
    with pytest.raises(BenchError, match=r"a\.gif is not a regular file"):
        picture_files.find([tmp_path / "a.gif"])
