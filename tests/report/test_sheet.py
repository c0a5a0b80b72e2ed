"""The contact sheet: what is shown of a run, under which heading, pixel by pixel."""

import pytest
from PIL import Image

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.report import sheet as sheets
from bench.report.sheet import GAP, HEADING

SIDE = 64


@pytest.fixture
def run(fake_run):
    """Methods `fast`, which has failed in style b, and `slow`, observed at steps 0 and 4 of 4."""
    failed = {("fast", "b"): ("error", "no good")}
    run = fake_run(["identity", "fast", "slow"], failed=failed)
    colours = iter(range(1, 200))

    def paint(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE), (next(colours), 0, 0)).save(path)

    for role, names in (("content", "xy"), ("style", "ab")):
        for name in names:
            paint(results.input_path(run, role, name, SIDE))
    for method in ("fast", "slow"):
        for style in "ab":
            file = results.record_path(run, "cells", method, style, SIDE)
            cell = results.read_json(file)

            def pictures(step, method=method, style=style):
                where = {name: f"images/{method}-{style}-{step}-{name}.png" for name in "xy"}
                for path in where.values():
                    paint(run / path)
                return [
                    {"content": name, "image": path, "seconds": 0.1} for name, path in where.items()
                ]

            if cell["status"] == "ok":
                cell["contents"] = pictures("last")
            if method == "slow":
                cell["adapt"]["steps"] = 4
                cell["observed"] = [
                    {"step": step, "seconds": 0.1, "contents": pictures(step)} for step in (0, 4)
                ]
            results.write_json(file, cell)
    return run


def remake(run, *words):
    out = run.parent / "sheet.png"
    assert main(["sheet", str(run), "-o", str(out), *words]) == 0
    with Image.open(out) as picture:
        return picture.convert("RGB")


def shades(sheet, columns):
    """The red of every tile's middle, row by row; 255 where there is none."""
    across, down = SIDE + GAP, HEADING + SIDE + GAP
    assert sheet.width == columns * across - GAP
    return [
        [
            sheet.getpixel((x * across + SIDE // 2, y + HEADING + SIDE // 2))[0]
            for x in range(columns)
        ]
        for y in range(0, sheet.height, down)
    ]


def shade(path):
    with Image.open(path) as picture:
        return picture.getpixel((0, 0))[0]


def expected(run, style, content, *names):
    inputs = (results.input_path(run, *which, SIDE) for which in
              (("content", content), ("style", style)))  # fmt: skip
    stylized = (
        run / "images" / f"{name.replace('/', f'-{style}-')}-{content}.png" for name in names
    )
    return [shade(path) if path.is_file() else 255 for path in (*inputs, *stylized)]


ALL = ("fast/last", "slow/0", "slow/4")


def test_it_shows_every_method_and_step_of_every_pair(run):
    """An observed step that is the result comes once, and a failed cell leaves its place empty."""
    assert shades(remake(run), 5) == [
        expected(run, style, content, *ALL) for style in "ab" for content in "xy"
    ]
    assert expected(run, "b", "x", *ALL)[2] == 255


def test_pairs_are_each_style_with_a_content_of_its_own(run):
    assert shades(remake(run, "--pairs"), 5) == [
        expected(run, "a", "x", *ALL),
        expected(run, "b", "y", *ALL),
    ]


def test_what_is_named_comes_in_that_order(run):
    words = ["--method", "slow", "--method", "fast", "--style", "b", "--style", "a"]
    words += ["--content", "y"]
    assert shades(remake(run, *words), 4) == [
        expected(run, style, "y", "slow/last", "fast/last") for style in "ba"
    ]


@pytest.mark.parametrize(("most", "columns"), [("3", 3), ("4", 3), ("2", 2)])
def test_rows_are_broken_evenly_and_have_so_many_columns_at_most(run, most, columns):
    rows = shades(remake(run, "--style", "a", "--content", "x", "--columns", most), columns)
    assert [one for row in rows for one in row] == [*expected(run, "a", "x", *ALL), 255]


def test_pictures_are_not_scaled_and_have_headings(run):
    sheet = remake(run, "--style", "a", "--content", "x")
    tile = sheet.crop((0, HEADING, SIDE, HEADING + SIDE))
    assert tile.getcolors() == [(SIDE * SIDE, (expected(run, "a", "x")[0], 0, 0))]
    for left in range(0, sheet.width, SIDE + GAP):
        heading = sheet.crop((left, 0, left + SIDE, HEADING)).convert("L")
        assert heading.getextrema()[0] < 100 < 250 < heading.getextrema()[1]


def test_headings_say_after_how_many_steps(run):
    slow = list(sheets.tiles(run, "slow", "a", "x", SIDE))
    assert [tile.heading for tile in slow] == [
        "slow after 0 steps", "slow after 4 steps", "slow after 4 steps"
    ]  # fmt: skip
    assert [tile.repeated for tile in slow] == [False, False, True]
    (fast,) = sheets.tiles(run, "fast", "a", "x", SIDE)
    assert fast.heading == "fast"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--method", "slow@3"],
            "unknown picture in the run 'slow@3'; did you mean slow@4 or slow@0",
        ),
        (["--method", "slov"], "unknown method in the run 'slov'; did you mean slow?"),
        (["--style", "c"], "unknown style in the run 'c'"),
        (["--size", "32"], "unknown size in the run '32'; known: 64"),
        (["-o", "sheet.gif"], "sheet.gif: name a .png, .jpg or .webp file"),
    ],
)
def test_what_the_run_lacks_is_an_error(run, words, says, capsys):
    assert main(["sheet", str(run), *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_a_run_has_its_sheet_of_the_smallest_size_each_style_once(run):
    file = sheets.of_run(run)
    assert file == run / "sheet.png"
    with Image.open(file) as picture:
        assert shades(picture.convert("RGB"), 5) == [
            expected(run, "a", "x", *ALL),
            expected(run, "b", "y", *ALL),
        ]


def test_a_damaged_picture_leaves_its_place_empty(run):
    (run / "images" / "fast-a-last-x.png").write_bytes(b"no picture")
    words = ["--style", "a", "--content", "x", "--method", "fast"]
    assert shades(remake(run, *words), 3) == [[*expected(run, "a", "x"), 255]]


def test_a_run_without_pictures_has_no_sheet(run):
    for path in [*run.rglob("*.png")]:
        path.unlink()
    with pytest.raises(BenchError, match="no picture to show"):
        sheets.of_run(run)


def test_a_sheet_too_large_for_any_viewer_is_refused(monkeypatch, run):
    monkeypatch.setattr(sheets, "LARGEST", 300)
    with pytest.raises(BenchError, match="a sheet of 336 × 348 px is too large"):
        sheets.sheet(list(sheets.blocks(run, sheets.Selection())))
