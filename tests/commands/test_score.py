"""`bench score`: a folder of pictures is a run beside others; errors in one line."""

from pathlib import Path

import pytest
from helpers.drawn import draw
from PIL import Image

from bench import results
from bench.cli import main
from bench.report import rows


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
