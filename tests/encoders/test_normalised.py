"""A network's scale, by hand."""

import torch

from bench.encoders.normalised import Normalised


def test_each_channel_is_brought_to_its_own_scale():
    network = Normalised((0.5, 0.25, 0.0), (0.5, 0.25, 2.0))
    picture = torch.ones(1, 3, 1, 2)
    assert network.normalise(picture)[0, :, 0, 0].tolist() == [1.0, 3.0, 0.5]
    assert network.state_dict() == {}  # the scale is no weight
