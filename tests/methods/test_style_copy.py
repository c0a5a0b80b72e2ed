"""The anchor of style: the style, brought to the content's shape."""

import torch
from helpers.anchored import transfer


def test_style_copy_returns_the_style_once_per_content():
    style = torch.rand(1, 3, 6, 8)
    output = transfer("style-copy", style, torch.zeros(2, 3, 6, 8))
    torch.testing.assert_close(output, style.expand(2, 3, 6, 8))
    output[0] = 0  # no memory shared between the pictures of a batch
    torch.testing.assert_close(output[1:], style)


def test_style_copy_crops_the_middle_of_a_wider_style():
    # columns 0, 1, 2, 3 of a 2 x 4 style: a 2 x 2 content sees the columns 1 and 2
    style = (torch.arange(4) / 10).expand(1, 3, 2, 4)
    output = transfer("style-copy", style, torch.zeros(1, 3, 2, 2))
    torch.testing.assert_close(output, torch.tensor([0.1, 0.2]).expand(1, 3, 2, 2))


def test_style_copy_keeps_the_proportions():
    # a style of black and white halves, twice as tall as wide, shrunk to cover 3 x 6 pixels:
    # scaled to 12 x 6, of which the middle three rows 4, 5, 6 are black, black, white
    style = torch.cat([torch.zeros(1, 3, 24, 24), torch.ones(1, 3, 24, 24)], 2)
    output = transfer("style-copy", style, torch.zeros(1, 3, 3, 6))
    assert output.shape == (1, 3, 3, 6)
    rows = output[0, 0].mean(1)
    assert rows[0] < 0.1
    assert rows[2] > 0.8
