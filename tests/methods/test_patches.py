"""Patches swapped, against the search written out."""

import importlib

import torch
from helpers.trained import tensor

patches = importlib.import_module("bench.methods._patches")


def test_a_style_swapped_with_itself_is_itself():
    features = tensor(1, 4, 9, 8)
    torch.testing.assert_close(patches.swap(features, features, 3), features)


def test_swapping_is_the_search_written_out(monkeypatch):
    content, style, patch = tensor(2, 3, 6, 7), tensor(1, 3, 8, 5, seed=1), 3
    expected = torch.zeros_like(content)
    covered = torch.zeros(6, 7)
    for y in range(4):
        for x in range(5):
            covered[y : y + 3, x : x + 3] += 1
    for n in range(2):
        for y in range(4):
            for x in range(5):
                here = content[n, :, y : y + patch, x : x + patch]
                best = max(
                    (style[0, :, v : v + patch, u : u + patch] for v in range(6) for u in range(3)),
                    key=lambda there, here=here: (here * there).sum() / there.norm(),
                )
                expected[n, :, y : y + patch, x : x + patch] += best
    expected /= covered
    torch.testing.assert_close(patches.swap(content, style, patch), expected)
    monkeypatch.setattr(patches, "CHUNK", 1)  # one row of style patches at a time
    torch.testing.assert_close(patches.swap(content, style, patch), expected)


def test_matching_takes_the_style_in_pieces(monkeypatch):
    """However large the style, no more than a chunk of patches and scores is there at once."""
    seen = []
    convolve = torch.nn.functional.conv2d

    def watched(content, kernels):
        scores = convolve(content, kernels)
        seen.append(max(kernels.numel(), scores.numel()))
        return scores

    monkeypatch.setattr(patches, "CHUNK", 20_000)
    monkeypatch.setattr(patches.F, "conv2d", watched)
    patches.swap(tensor(1, 4, 20, 20), tensor(1, 4, 40, 30, seed=1), 3)
    assert len(seen) > 10
    assert max(seen) <= 20_000


def test_a_map_smaller_than_the_patch_is_one_patch():
    content, style = tensor(1, 2, 2, 5), tensor(1, 2, 4, 4, seed=1)
    assert patches.swap(content, style, 5).shape == content.shape
