"""Pictures made elsewhere: found by pattern or table, of one size, each row by its name."""

import re

import pytest
from helpers.drawn import draw

from bench.errors import BenchError
from bench.run import external

CONTENTS, STYLES = ("dog", "cat_2"), ("a", "b_stylized")


PATTERN = "{content}_stylized_{style}"


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
