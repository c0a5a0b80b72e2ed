"""Gram and content metrics on an encoder by hand."""

import importlib

import pytest
import torch
from helpers.scored import context_of

from bench.errors import BenchError

gram = importlib.import_module("bench.metrics.gram")
content = importlib.import_module("bench.metrics.content")


def test_gram_and_content_by_hand_on_an_encoder_by_hand(by_hand):
    style_metric, content_metric = gram.StyleDistance("by-hand"), content.ContentDistance("by-hand")
    for metric in (style_metric, content_metric):
        metric.load(by_hand)
    stylized = torch.zeros(1, 3, 4, 4)
    stylized[:, 0] = 0.5
    style = torch.zeros(1, 3, 8, 8)
    style[:, 0] = 1
    # one entry of either Gram matrix, at a quarter of the target's: (1 - 1/4)² at both taps
    assert style_metric.score(stylized, stylized, style) == pytest.approx(9 / 16)
    # red 1 against 0.8 at the content tap
    other = stylized * 1.6
    assert content_metric.score(stylized, other, style) == pytest.approx((0.3 / 0.8) ** 2)


def test_ids_carry_version_and_encoder():
    assert gram.StyleDistance("vgg16").id == "gram/1@vgg16"
    assert content.ContentDistance("vgg16-bsds").id == "content/1@vgg16-bsds"


def test_an_encoder_that_cannot_be_had_is_a_bench_error_on_load():
    def missing(name):
        raise BenchError(f"weights of {name} are missing")

    for metric in (gram.StyleDistance("vgg16"), content.ContentDistance("vgg16")):
        with pytest.raises(BenchError, match="weights of vgg16 are missing"):
            metric.load(context_of(missing))
