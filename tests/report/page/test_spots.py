"""The points of a trade-off: each lies over its marker, and says its numbers."""

import numpy as np
import pytest
from PIL import Image

from bench.report import plots, rows
from bench.report.page import ids_of
from bench.report.page.spots import spots_of
from bench.report.plots.tradeoff import tradeoff_figure


@pytest.fixture
def drawn(contest):
    (group,) = rows.groups(contest)
    ids = ids_of(1, group)
    here = {ids[id(row)]: row for row in group.rows}
    with plots.styled():
        figure = tradeoff_figure(list(here.values()), plots.judges_of(group), 64)
    return figure, here, group


def test_every_point_of_both_panels_is_there_with_its_row(drawn):
    figure, here, group = drawn
    spots = spots_of(figure, here, group.metrics)
    competing = [row.label for row in here.values() if not row.anchor]
    assert sorted(spot["label"] for spot in spots) == sorted(2 * competing)
    for spot in spots:
        assert here[spot["href"][1:]].label == spot["label"]
        assert dict(spot["facts"])["adapt"].startswith("3.00 s")
    (other,) = {dict(spot["facts"])["core"] for spot in spots if spot["label"] == "other"}
    assert other.startswith("20.0 ms")


def test_a_spot_lies_over_its_marker(drawn, tmp_path):
    """In the picture: where the point is said to be, there is ink; the page's paper is white."""
    figure, here, group = drawn
    file = tmp_path / "plot.png"
    file.write_bytes(plots.png(figure, dpi=100))
    pixels = np.asarray(Image.open(file).convert("L"))
    high, wide = pixels.shape
    for spot in spots_of(figure, here, group.metrics):
        x, y = round(spot["x"] / 100 * wide), round(spot["y"] / 100 * high)
        around = pixels[y - 4 : y + 5, x - 4 : x + 5]
        assert around.min() < 128, spot["label"]
        if spot["label"] == "other":  # which no other lies on
            assert pixels[y - 30 : y - 22, x + 14 : x + 20].min() > 200


def test_what_has_no_row_is_no_spot(drawn):
    figure, *_ = drawn
    assert spots_of(figure, {}, {}) == []


def test_a_page_has_the_spots_of_its_figures(contest, tmp_path):
    from bench.report import page

    page.write(contest, tmp_path / "out", quiet=True)
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'data-plot="tradeoff-64px"' in text
    assert '"tradeoff-64px": [{' in text
