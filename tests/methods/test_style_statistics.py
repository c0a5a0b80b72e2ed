"""What is read off a style, against numpy."""

import importlib

import numpy as np
import torch
from helpers.trained import tensor

statistics = importlib.import_module("bench.methods._style_statistics")


def test_statistics_are_means_and_deviations_standardised(context):
    read = statistics.StyleStatistics(context, "tiny")
    styles = tensor(3, 3, 32, 32).sigmoid()
    with torch.no_grad():
        taps = [tap.numpy() for tap in context.encoder("tiny")(styles)]
    means = np.concatenate([tap.mean((2, 3)) for tap in taps], 1)
    spread = np.concatenate([tap.std((2, 3)) for tap in taps], 1)
    raw = read.raw(styles)
    np.testing.assert_allclose(raw.numpy(), np.concatenate([means, spread], 1), atol=2e-3)
    read.standardise(torch.tensor([[0.0] * 20, [2.0] * 20]))
    np.testing.assert_allclose(
        read(styles).numpy(), np.clip((raw.numpy() - 1) / np.sqrt(2), -4, 4), rtol=1e-5
    )
