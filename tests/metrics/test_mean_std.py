"""Means and deviations of channels, against numpy."""

import importlib

import numpy as np
import pytest
from helpers.scored import picture

mean_std = importlib.import_module("bench.metrics.mean_std")


def test_mean_std_equals_numpys_statistics(by_hand):
    metric = mean_std.MeanStdDistance("by-hand")
    metric.load(by_hand)
    stylized, style = picture(8, 8), picture(12, 6, seed=1)

    def statistics(p):
        channels = p[0].double().numpy().reshape(3, -1)
        red = 2 * channels[:1]
        return [np.concatenate([x.mean(1), x.std(1)]) for x in (channels, red)]

    errors = [
        ((a - b) ** 2).sum() / (b**2).sum()
        for a, b in zip(statistics(stylized), statistics(style), strict=True)
    ]
    assert metric.score(stylized, stylized, style) == pytest.approx(np.mean(errors), rel=1e-5)
