"""StyleID-800 as its authors lay it out."""

import importlib
import importlib.resources

import pytest
from helpers.roles import names, paint

from bench.errors import BenchError

styleid = importlib.import_module("bench.datasets.styleid")


def test_styleid_layout(tmp_path):
    for name in ("data/cnt/02.png", "data/cnt/01.png", "data/sty/x.png"):
        paint(tmp_path / name, 9)
    dataset = styleid.StyleID(styleid.Options(root=str(tmp_path)))
    assert (names(dataset.contents()), names(dataset.styles())) == (["01", "02"], ["x"])
    assert dataset.adaptation() == ()
    assert "CVPR 2024" in dataset.citation


def test_styleid_errors(tmp_path):
    with pytest.raises(BenchError, match=r"styleid\.root is not set: .*ROOT/data/cnt"):
        styleid.StyleID().contents()
    dataset = styleid.StyleID(styleid.Options(root=str(tmp_path)))
    with pytest.raises(BenchError, match=r"data/sty is not there; expected are ROOT/data/cnt"):
        dataset.styles()
    (tmp_path / "data" / "cnt").mkdir(parents=True)
    with pytest.raises(BenchError, match=r"data/cnt holds no picture"):
        dataset.contents()
