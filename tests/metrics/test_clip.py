"""CLIP against transformers' own network with random weights, and CMMD by its sum."""

import importlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.embedded import REGISTRY, archive, context, picture, prepared, samples, tower
from torch import nn

from bench.contract import Triple

clip = importlib.import_module("bench.metrics.clip")
kid = importlib.import_module("bench.metrics.kid")
CLIP_MEAN, CLIP_STD = clip.CLIP_NORMALISATION


@pytest.mark.filterwarnings("ignore::FutureWarning")
@torch.inference_mode()
def test_clip_equals_transformers_and_the_similarity_is_the_cosine(kept):
    pytest.importorskip("open_clip")
    network, state = tower()
    network = network.half().float()  # what the archive keeps
    kept(clip.B32, lambda path: archive(state, path))
    pictures = [picture(seed=n) for n in range(3)]
    wanted = [
        network(prepared(photo, 32, 32, CLIP_MEAN, CLIP_STD)).image_embeds[0] for photo in pictures
    ]
    (found,) = clip.B32.build()(pictures[0])
    assert F.cosine_similarity(found[0, :, 0, 0], wanted[0], 0) > 0.999
    stylized, content, style = pictures
    for axis, other in (("style", 2), ("content", 1)):
        (metric,) = REGISTRY.metric(f"clip-{axis}/1@clip-vit-b32")
        metric.load(context())
        expected = F.cosine_similarity(wanted[0], wanted[other], 0).item()
        assert metric.score(stylized, content, style) == pytest.approx(expected, abs=5e-3)
        assert metric.direction == "higher"
        assert metric.axis == axis


def test_cmmd_equals_its_sum_spelt_out():
    """A loop over pairs, with the biased estimate, as in the paper's equation 3."""
    first, second = 5 * samples(7), 5 * samples(9, seed=1)

    def mean(one, other):
        return np.mean([[math.exp(-((x - y) ** 2).sum() / 200) for y in other] for x in one])

    expected = mean(first, first) + mean(second, second) - 2 * mean(first, second)
    found = kid.mean_discrepancy(first, second, clip.gaussian_kernel, unbiased=False)
    assert found == pytest.approx(expected, rel=1e-9)


class Corners(nn.Module):
    """A picture's first two numbers as its vector, (N, 2, 1, 1)."""

    def forward(self, picture):
        return [picture[:, 0, 0, :2, None, None]]


def test_cmmd_is_of_vectors_of_length_1_times_a_thousand(monkeypatch):
    monkeypatch.setattr(clip.OpenAIClip, "build", lambda self: Corners())
    given = [(0.3, 0.4), (0.0, 0.5), (1.0, 0.0), (0.25, 0.0)]
    one = [(0.6, 0.8), (0.0, 1.0), (1.0, 0.0), (1.0, 0.0)]
    pictures = []
    for numbers in given:
        pictures.append(torch.zeros(1, 3, 8, 8))
        pictures[-1][0, 0, 0, :2] = torch.tensor(numbers)
    stylized, other, wanted, again = pictures
    (metric,) = REGISTRY.metric("cmmd")
    metric.load(context())
    score = metric.score_set(
        [Triple(stylized, stylized, wanted), Triple(other, stylized, again)]
    ).value
    k = np.array([[math.exp(-(math.dist(x, y) ** 2) / 200) for y in one] for x in one])
    expected = 1000 * (k[:2, :2].mean() + k[2:, 2:].mean() - 2 * k[:2, 2:].mean())
    assert score == pytest.approx(expected, rel=1e-5)
