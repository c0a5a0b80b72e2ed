"""The gallery has every picture once, and the steps of an adaptation."""

from helpers.painted import views, write
from PIL import Image

from bench import results


def test_the_gallery_has_every_picture_once(painted, tmp_path):
    write(tmp_path / "out", painted())
    (view,) = views(tmp_path / "out")
    assert [style["name"] for style in view["styles"]] == ["a", "b"]
    assert [content["name"] for content in view["contents"]] == ["x", "y"]
    assert [method["label"] for method in view["methods"]] == ["identity", "style-copy", "fast"]
    assert [method["anchor"] for method in view["methods"]] == [True, True, False]
    fast = view["methods"][2]["cells"]
    # mean 0.4 over ax 0.1, ay 0.3, bx 0.5, by 0.7: see conftest
    assert [[scores[0] for scores in cell["scores"]] for cell in fast] == [
        ["0.100", "0.300"],
        ["0.500", "0.700"],
    ]
    names = [
        *(entry["picture"] for role in ("styles", "contents") for entry in view[role]),
        *(n for method in view["methods"] for cell in method["cells"] for n in cell["pictures"]),
    ]
    assert len(set(names)) == len(names) == 4 + 3 * 4
    for name in names:
        assert (tmp_path / "out" / "pictures" / f"{name}.png").is_file()
        with Image.open(tmp_path / "out" / "thumbnails" / f"{name}.webp") as thumbnail:
            assert thumbnail.size == (64, 64)


def test_steps_of_an_adaptation(painted, tmp_path):
    run = painted(("fast",), styles=("a",), contents=("x",))
    path = results.record_path(run, "cells", "fast", "a", 64)
    cell = results.read_json(path)
    file = run / "images" / "step.png"
    Image.new("RGB", (64, 64)).save(file)
    seen = {"content": "x", "image": "images/step.png", "seconds": 0.1}
    cell["observed"] = [{"step": 5, "seconds": 1.25, "contents": [seen]}]
    results.write_json(path, cell)
    write(tmp_path / "out", run)
    (view,) = views(tmp_path / "out")
    (step,) = view["methods"][0]["cells"][0]["steps"]
    assert (step["step"], step["seconds"]) == (5, "1.25 s")
    assert (tmp_path / "out" / "pictures" / f"{step['pictures'][0]}.png").is_file()
