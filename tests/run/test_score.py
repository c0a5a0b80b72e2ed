"""`bench score`: files found by name or table, what is wrong in one line, a run at the end."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.report import rows
from bench.run import external

CONTENTS, STYLES = ("dog", "cat_2"), ("a", "b_stylized")
PATTERN = "{content}_stylized_{style}"


def draw(path, size=(48, 48), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Four outputs, whose names could be split in more than one way."""
    folder = tmp_path / "made"
    for style in STYLES:
        for content in CONTENTS:
            draw(folder / f"{content}_stylized_{style}.png")
    return folder


def test_files_are_found_by_the_names_that_are_known(folder):
    given = external.find(folder, PATTERN, CONTENTS, STYLES)
    assert given.files["b_stylized", "cat_2"] == folder / "cat_2_stylized_b_stylized.png"
    assert len(given.files) == 4


@pytest.mark.parametrize("pattern", ["{style}/x-{content}", "{style}/x-{content}.JPG"])
def test_a_pattern_may_name_folders_and_a_suffix(tmp_path, pattern):
    picture = draw(tmp_path / "a" / "x-dog.JPG")
    assert external.find(tmp_path, pattern, ["dog"], ["a"]).files == {("a", "dog"): picture}


def test_a_missing_picture_is_named_beside_one_that_is_there(folder):
    (folder / "dog_stylized_a.png").rename(folder / "dog-in-a.png")
    wanted = (
        "lacks 1 of 4 pictures, the first of content dog in style a (dog_stylized_a; the folder "
        "has cat_2_stylized_a.png)"
    )
    with pytest.raises(BenchError, match=re.escape(wanted)):
        external.find(folder, PATTERN, CONTENTS, STYLES)


def table(folder, lines, header="content,style,output"):
    path = folder / "made.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_table_names_pictures_paths_or_stems(folder):
    path = table(
        folder,
        [
            "dog,a,dog_stylized_a.png",
            f"photos/cat_2.jpg,art/a.png,{folder / 'cat_2_stylized_a.png'}",
        ],
    )
    given = external.find(path, PATTERN, CONTENTS, ["a"])
    assert given.files["a", "dog"] == folder / "dog_stylized_a.png"
    assert given.files["a", "cat_2"] == folder / "cat_2_stylized_a.png"


@pytest.mark.parametrize(
    ("lines", "header", "says"),
    [
        (["dog,a,dog_stylized_a.png"], "content,style,picture", "has no column output"),
        (["dgo,a,dog_stylized_a.png"], "content,style,output", "line 2: 'dgo'; did you mean dog"),
        (["dog,a,none.png"], "content,style,output", "line 2: .*none.png is not there"),
        (["dog,a,"], "content,style,output", "line 2: fill in content, style, output"),
        (["dog,a,dog_stylized_a.png", "dog,a,cat_2_stylized_a.png"], "content,style,output",
         "line 3: this content and style had a line"),
        ([], "content,style,output", "lacks 4 of 4 pictures, the first of content dog in style a:"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_said(folder, lines, header, says):
    with pytest.raises(BenchError, match=says):
        external.find(table(folder, lines, header), PATTERN, CONTENTS, STYLES)


def test_the_size_is_the_pictures_own_where_they_are_squares_of_one(folder):
    given = {"x": external.find(folder, PATTERN, CONTENTS, STYLES)}
    assert external.common_size(given) == 48
    draw(folder / "dog_stylized_a.png", (64, 48))
    with pytest.raises(BenchError, match=r"not all squares of one size \(.*64×48.*: --size PX"):
        external.common_size(given)


def test_rows_are_named_by_their_folder_or_by_the_user(tmp_path):
    names = [
        name for name, _ in external.row_names(["mine=x/y", str(tmp_path / "Style ID_2"), "t.csv"])
    ]
    assert names == ["mine", "style-id-2", "t"]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Two photographs, one style, and what some program made of them: crops, of another size."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("dog", "cat")):
        draw(tmp_path / "photos" / f"{name}.png", (96, 64), seed)
        draw(tmp_path / "made" / f"{name}_stylized_art.png", (144, 96), seed)
    draw(tmp_path / "art.png", seed=7)
    return ["--content", "photos", "--style", "art.png", "--precision", "float32", "--quiet"]


def test_a_scored_folder_is_a_run_beside_others(desk, capsys):
    """The unchanged photographs, given as somebody's output, are judged as identity is."""
    for name in ("dog", "cat"):
        Image.open(f"photos/{name}.png").save(f"made/{name}_stylized_art.png")
    words = ["score", "theirs=made", *desk, "--size", "64", "--metric", "ssim", "--metric", "color"]
    assert main(words) == 0
    out = capsys.readouterr().out
    (run,) = results.find_runs(Path("runs"))
    frames = results.load([run])
    values = frames.scores.pivot_table(index="method", columns="metric", values="value")
    assert values.loc["theirs", "ssim/1"] == pytest.approx(1, abs=1e-6)
    assert values.loc["theirs", "color/1"] == values.loc["identity", "color/1"]
    assert "theirs" in out
    assert "made elsewhere" in out
    (theirs,) = [r for g in rows.groups(frames) for r in g.rows if r.method == "theirs"]
    assert (theirs.outcome.status, theirs.outcome.words["core"]) == ("ok", "skipped")
    assert not len(theirs.timings["adapt"].seconds)
    assert "pictures=" in out
    assert frames.records[run.name].methods["theirs"].options["resized_from"] == "96x64"
    assert main(["run", "--resume"]) == 1
    assert (
        "as it is of bench score or of an older bench: it cannot be resumed"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["score", "made", "--size", "64", "--pattern", "{content}.png"],
            "{content} and {style} once",
        ),
        (
            ["score", "made", "--size", "64", "--pattern", "{content}{"],
            "{content} and {style} once",
        ),
        (["score", "nowhere", "--size", "64"], "nowhere is not there"),
        (["score", "identity=made", "--size", "64"], "made: its row cannot be called identity"),
        (["score", "made"], "--size PX brings"),
        (["score", "made", "--size", "64", "--trains-on", "vgg"], "unknown encoder 'vgg'"),
    ],
)
def test_what_is_wrong_is_one_line(desk, words, says, capsys):
    try:
        status = main([*words, *desk, "--metric", "ssim"])
    except SystemExit as exit:
        status = exit.code
    assert status in (1, 2)
    (message,) = capsys.readouterr().err.splitlines()
    assert says in message


def test_a_picture_of_another_aspect_than_its_content_is_refused(desk, capsys):
    draw(Path("made/dog_stylized_art.png"), (64, 96))
    assert main(["score", "made", "--size", "64", *desk, "--metric", "ssim"]) == 1
    assert "64×96 px and its content dog 96×64" in capsys.readouterr().err
    assert not results.find_runs(Path("runs"))
