"""Pictures are exact copies of PNG files of the run, their thumbnails small."""

from helpers.painted import views, write
from PIL import Image

from bench import results
from bench.report.page.pictures import THUMBNAIL


def test_pictures_are_exact_copies_and_thumbnails_small(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    image = (
        run
        / results.read_json(results.record_path(run, "cells", "fast", "a", 64))["contents"][0][
            "image"
        ]
    )
    Image.effect_noise((600, 300), 50).convert("RGB").save(image)
    write(tmp_path / "out", run)
    (view,) = views(tmp_path / "out")
    name = view["methods"][0]["cells"][0]["pictures"][0]
    assert (tmp_path / "out" / "pictures" / f"{name}.png").read_bytes() == image.read_bytes()
    with Image.open(tmp_path / "out" / "thumbnails" / f"{name}.webp") as thumbnail:
        assert thumbnail.size == (THUMBNAIL, THUMBNAIL // 2)


def test_a_picture_outside_the_run_stays_there(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    secret = tmp_path / "secret.png"
    Image.new("RGB", (64, 64)).save(secret)
    path = results.record_path(run, "cells", "fast", "a", 64)
    cell = results.read_json(path)
    for image in ("../../secret.png", str(secret), "images/none.png"):
        cell["contents"][0]["image"] = image
        results.write_json(path, cell)
        write(tmp_path / "out", run)
        (view,) = views(tmp_path / "out")
        assert view["methods"][0]["cells"][0]["pictures"] == [None]


def test_what_is_no_png_is_not_copied(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    (run / "images" / "fast__a-0.png").write_text(svg)
    write(tmp_path / "out", run)
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file() and "svg" in _read(p)]


def _read(path):
    return path.read_bytes()[:64].decode("latin-1")
