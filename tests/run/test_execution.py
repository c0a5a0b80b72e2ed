"""Whole runs on procedural pictures: the grid, its pictures, and failures as rows."""

import time

import pytest
from helpers.strangers import records, run
from PIL import Image

from bench import images, results
from bench.cli import main
from bench.errors import StorageError


def test_every_cell_of_the_grid_is_there_with_its_pictures(plugin):
    status, folder = run(
        plugin, "--method", "fine", "--size", "48", "--size", "64", "--contents", "2",
        "--styles", "2",
    )  # fmt: skip
    assert status == 0
    cells = records(folder, "cells")
    expected = {
        (method, style, size)
        for method in ("identity", "style-copy", "fine")
        for style in ("stripes", "checker")
        for size in (48, 64)
    }
    assert set(cells) == expected
    assert set(records(folder, "scores")) == expected
    assert set(records(folder, "speed")) == {(m, None, s) for m, _, s in expected}
    for cell in cells.values():
        assert cell["status"] == "ok"
        assert [entry["content"] for entry in cell["contents"]] == ["disc", "boxes"]
        for entry in cell["contents"]:
            with Image.open(folder / entry["image"]) as picture:
                assert picture.size == (cell["size"], cell["size"])


def test_the_last_picture_of_an_iterative_method_is_the_result(plugin):
    _, folder = run(plugin, "--method", "steps")
    cell = records(folder, "cells")["steps", "stripes", 64]
    with Image.open(folder / cell["contents"][0]["image"]) as picture:
        assert len(picture.getcolors()) == 1


def test_failures_are_rows_and_the_rest_goes_on(plugin, capsys):
    status, folder = run(
        plugin,
        *(w for n in ("raises", "hungry", "wild", "narrow", "fine") for w in ("--method", n)),
    )
    assert status == 0
    cells = {method: cell for (method, _, _), cell in records(folder, "cells").items()}
    assert cells["fine"]["status"] == "ok"
    assert cells["raises"]["status"] == "error"
    assert cells["raises"]["reason"].startswith("ValueError: no such brush (strangers.py:")
    assert cells["hungry"]["status"] == "oom"
    assert cells["wild"]["reason"].startswith("the method gave values from")
    assert cells["narrow"]["reason"] == "the method gave shape (1, 3, 64, 63) for (1, 3, 64, 64)"
    for name, speed in records(folder, "speed").items():
        assert (speed["status"] == "ok") == (cells[name[0]]["status"] == "ok")
    assert "no such brush" in capsys.readouterr().out


def test_the_status_says_when_every_cell_failed(plugin, capsys):
    status, _ = run(plugin, "--method", "raises")
    assert status == 1
    assert capsys.readouterr().err.startswith("bench: every cell failed: ValueError: no such brush")


def test_identity_has_a_perfect_content_score_and_style_copy_a_perfect_style_score(plugin):
    _, folder = run(plugin, "--method", "fine")
    record = results.read_run(folder)
    best = {"lower": 0.0, "higher": 1.0}
    checked = 0
    for (method, _, _), scores in records(folder, "scores").items():
        axis = {"identity": "content", "style-copy": "style"}.get(method)
        for entry in scores["scores"]:
            metric = record.metrics[entry["metric"]]
            assert entry["status"] == "ok", entry
            if metric.axis == axis:
                checked += 1
                assert entry["value"] == pytest.approx(best[metric.direction], abs=1e-4), entry
    assert checked >= 4


def test_the_same_seed_gives_the_same_pictures(plugin):
    _, first = run(plugin, "--method", "johnson", "--styles", "2")
    time.sleep(0.01)
    _, second = run(plugin, "--method", "johnson", "--styles", "2")
    pictures = sorted(p.relative_to(first) for p in (first / "images").rglob("*.png"))
    assert pictures
    for picture in pictures:
        assert (first / picture).read_bytes() == (second / picture).read_bytes(), picture


def test_a_cell_does_not_depend_on_what_ran_before_it(plugin):
    _, alone = run(plugin, "--method", "johnson")
    _, after = run(plugin, "--method", "gatys", "--method", "johnson")
    _, last = run(plugin, "--method", "johnson")
    (picture,) = (p.relative_to(alone) for p in (alone / "images" / "johnson").rglob("*.png"))
    assert (alone / picture).read_bytes() == (after / picture).read_bytes()
    assert (alone / picture).read_bytes() == (last / picture).read_bytes()


def test_a_full_disk_ends_the_run_and_is_no_methods_fault(plugin, monkeypatch, capsys):
    def full(picture, path):
        if "images" in path.parts:
            raise StorageError(f"{path} cannot be written: No space left on device")
        save(picture, path)

    save = images.save
    with monkeypatch.context() as patch:
        patch.setattr(images, "save", full)
        status, folder = run(plugin, "--method", "fine")
    assert status == 1
    assert "No space left on device" in capsys.readouterr().err
    assert not list((folder / "cells").glob("*.json"))
    assert main(["run", "--resume", "--quiet", "--plugin", plugin]) == 0


def test_parameters_that_adaptation_changes_are_the_styles_own(plugin):
    _, folder = run(plugin, "--method", "johnson", "--method", "fine")
    cells = {
        method: cell["parameters"] for (method, _, _), cell in records(folder, "cells").items()
    }
    assert cells["johnson"] == {"shared": 0, "per_style": 1_679_235}
    assert cells["fine"] == {"shared": 0, "per_style": 0}


def test_a_limit_on_adaptation_is_recorded(plugin):
    _, folder = run(plugin, "--method", "steps", "--adapt-seconds", "0.000001")
    cell = records(folder, "cells")["steps", "stripes", 64]
    assert (cell["adapt"]["finished"], cell["adapt"]["steps"]) == (False, 0)
    assert results.read_run(folder).adapt_seconds == 1e-6
