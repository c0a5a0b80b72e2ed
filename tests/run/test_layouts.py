"""`bench score --layout`: folders as scripts of the field write them, made here by their rules."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.plugins import registry
from bench.run import layouts

CONTENTS, STYLES = ("dog", "cat.v2"), ("wave", "the_scream", "ink")


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (48, 48, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def pictures(content, style):
    """Contents and styles of two folders, as `--content` and `--style` find them."""
    cls = registry.load().dataset("folder")
    dataset = cls(cls.Options(content=str(content), style=str(style)))
    return dataset.contents(), dataset.styles()


def repository(root, content, style):
    for role, names in ((content, CONTENTS), (style, STYLES)):
        for seed, name in enumerate(names):
            draw(root / role / f"{name}.png", (seed, len(role)))
    return root


def stylize(root, folder, name):
    """Every pair's output, the two seeds in its pixels; `name` makes the file's name."""
    for c, content in enumerate(CONTENTS):
        for s, style in enumerate(STYLES):
            draw(root / folder / name(f"{content}.png", f"{style}.png"), (9, c, s))


def by_stem(extension):
    """pytorch-AdaIN's and StyTR-2's."""
    return lambda c, s: f"{Path(c).stem}_stylized_{Path(s).stem}{extension}"


def by_first_dot(c, s):
    """StyleID's."""
    return f"{c.split('.')[0]}_stylized_{s.split('.')[0]}.png"


SCRIPTS = {
    "adain": ("input/content", "input/style", "output", by_stem(".png")),
    "stytr2": ("input/content", "input/style", "out", by_stem(".png")),
    "styleid": ("data/cnt", "data/sty", "output", by_first_dot),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_scripts_own_folder_is_recognised(tmp_path, name):
    content, style, output, rule = SCRIPTS[name]
    root = repository(tmp_path, content, style)
    stylize(root, output, rule)
    layout = layouts.named(name)
    assert layout.inputs(root) == (root / content, root / style)
    given = layouts.find_in(layout, root, *pictures(root / content, root / style))
    assert len(given.files) == 6
    for s, c in given.files:
        assert given.files[s, c] == root / output / rule(f"{c}.png", f"{s}.png")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_outputs_may_be_given_alone(tmp_path, name):
    content, style, _, rule = SCRIPTS[name]
    repository(tmp_path / "inputs", content, style)
    stylize(tmp_path, "elsewhere", rule)
    layout = layouts.named(name)
    assert layout.inputs(tmp_path / "elsewhere") is None
    found = pictures(tmp_path / "inputs" / content, tmp_path / "inputs" / style)
    given = layouts.find_in(layout, tmp_path / "elsewhere", *found)
    assert given.files["ink", "dog"].parent == tmp_path / "elsewhere"


def test_adain_and_stytr2_save_jpegs(tmp_path):
    root = repository(tmp_path, "input/content", "input/style")
    stylize(root, "output", by_stem(".jpg"))
    found = pictures(root / "input" / "content", root / "input" / "style")
    given = layouts.find_in(layouts.named("adain"), root, *found)
    assert given.files["wave", "cat.v2"].name == "cat.v2_stylized_wave.jpg"


def test_names_that_a_script_makes_one_are_refused(tmp_path):
    """StyleID cuts a name at its first dot, so that one output has overwritten the other."""
    root = repository(tmp_path, "data/cnt", "data/sty")
    draw(root / "data" / "cnt" / "cat.v3.png", 5)
    stylize(root, "output", by_first_dot)
    found = pictures(root / "data" / "cnt", root / "data" / "sty")
    says = "the contents cat.v2 and cat.v3 have one name in what StyleID's run_styleid.py writes"
    with pytest.raises(BenchError, match=re.escape(says)):
        layouts.find_in(layouts.named("styleid"), root, *found)


# copies, as art-fid reads them


@pytest.fixture
def copied(tmp_path):
    """StyleID's folder after its util/copy_inputs.py: a copy of both inputs for each output."""
    root = repository(tmp_path / "StyleID", "data/cnt", "data/sty")
    stylize(root, "output", by_stem(".png"))
    for content in CONTENTS:
        for style in STYLES:
            name = f"{content}_stylized_{style}.png"
            for role, original in (("cnt", content), ("sty", style)):
                target = root / "data" / f"{role}_eval" / name
                target.parent.mkdir(exist_ok=True)
                shutil.copy(root / "data" / role / f"{original}.png", target)
    return root


def of_copies(root, outputs=None):
    contents, styles = pictures(root / "data" / "cnt_eval", root / "data" / "sty_eval")
    copies = layouts.originals(contents, 0), layouts.originals(styles, 1)
    wanted = [(s.name, c.name) for s in copies[1].originals for c in copies[0].originals]
    return copies, layouts.find_copies(layouts.named("artfid"), outputs or root, *copies, wanted)


def test_copies_are_recognised_by_their_bytes_and_named_by_their_own_half(copied):
    (contents, styles), given = of_copies(copied)
    assert {picture.name for picture in contents.originals} == set(CONTENTS)
    assert {picture.name for picture in styles.originals} == set(STYLES)
    assert len(given.files) == 6
    for style, content in given.files:
        assert given.files[style, content].name == f"{content}_stylized_{style}.png"


def test_contents_are_matched_in_sorted_order_whatever_their_names(copied):
    """As art-fid does; the folder of contents is named in another way, in the same order."""
    folder = copied / "data" / "cnt_eval"
    for number, path in enumerate(sorted(folder.iterdir(), key=str)):
        path.rename(folder / f"{number:03}.png")
    (contents, _), given = of_copies(copied)
    assert sorted(p.name for p in contents.originals) == ["000", "003"]  # cat.v2, dog
    assert given.files["ink", "000"].name == "cat.v2_stylized_ink.png"
    assert given.files["ink", "003"].name == "dog_stylized_ink.png"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda root: (root / "output" / "dog_stylized_ink.png").unlink(),
            "has 5 pictures for 6 copies of contents: give as many of both, in one order",
        ),
        (
            lambda root: (root / "data" / "sty_eval" / "dog_stylized_ink.png").rename(
                root / "data" / "sty_eval" / "7.png"
            ),
            "dog_stylized_ink.png has no copy of a style with its name: name the copies as the out",
        ),
        (
            lambda root: shutil.copy(
                root / "data" / "sty_eval" / "dog_stylized_ink.png",
                root / "data" / "sty_eval" / "dog_stylized_wave.png",
            ),
            "are of one content and style: take one",
        ),
    ],
)
def test_what_does_not_match_is_one_line(copied, spoil, says):
    spoil(copied)
    with pytest.raises(BenchError, match=re.escape(says)) as caught:
        of_copies(copied)
    assert "\n" not in str(caught.value)


def test_pairs_that_were_not_made_are_named(copied):
    """art-fid takes any list of pairs; a table needs every content in every style."""
    for folder in ("output", "data/cnt_eval", "data/sty_eval"):
        (copied / folder / "dog_stylized_ink.png").unlink()
    with pytest.raises(BenchError, match="lacks 1 of 6 pictures, the first of content dog in styl"):
        of_copies(copied)


# the command


WORDS = ["--metric", "ssim", "--quiet", "--precision", "float32", "--device", "cpu"]


@pytest.mark.parametrize("name", ["styleid", "artfid"])
def test_the_command_takes_the_folder_alone(copied, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name == "styleid":
        shutil.rmtree(copied / "output")
        stylize(copied, "output", by_first_dot)
    assert main(["score", "theirs=StyleID", "--layout", name, *WORDS]) == 0
    run = results.latest(Path("runs"))
    record = results.read_run(run)
    assert set(record.contents) == set(CONTENTS)
    assert set(record.styles) == set(STYLES)
    cell = results.read_json(results.record_path(run, "cells", "theirs", "ink", 48))
    stored = {
        picture["content"]: Image.open(run / picture["image"]) for picture in cell["contents"]
    }
    rule = by_first_dot if name == "styleid" else by_stem(".png")
    for content in CONTENTS:
        picture = Image.open(copied / "output" / rule(f"{content}.png", "ink.png"))
        assert np.array_equal(np.asarray(stored[content]), np.asarray(picture))


def test_an_unknown_layout_is_one_line(copied, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["score", "StyleID", "--layout", "style-id", *WORDS]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown layout 'style-id'; did you mean styleid" in line


def test_a_layout_and_a_pattern_exclude_each_other(copied, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["score", "StyleID", "--layout", "styleid", "--pattern", "{content}{style}"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_the_help_names_every_layout(capsys):
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in layouts.LAYOUTS)
