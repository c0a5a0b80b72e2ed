"""Each check of encoders finds the fault that it is for."""

import pytest
from helpers.checked import failures
from torch import nn

from bench import Encoder, Weights


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        for parameter in self.conv.parameters():
            nn.init.constant_(parameter, 0.1)

    def forward(self, picture):
        return [picture * 2, self.conv(picture)]


class Pair(Encoder):
    """Two taps."""

    taps, content_tap, citation = ("a", "b"), "b", "this test"
    network = Net

    def build(self):
        return self.network()

    @property
    def weights(self):
        return Weights(__file__, None, "this file", "MIT")


class Short(Net):
    def forward(self, picture):
        return super().forward(picture)[:1]


class Random(Net):
    def __init__(self):
        super().__init__()
        nn.init.normal_(self.conv.weight)


class Normed(Net):
    def forward(self, picture):
        return super().forward(picture - picture.mean())


class Cut(Net):
    def forward(self, picture):
        return super().forward(picture.detach())


class Inplace(Net):
    def forward(self, picture):
        return super().forward(picture.data.add_(1) * 0 + picture)


@pytest.mark.parametrize(
    ("network", "check", "words"),
    [
        (Short, "gives_one_map_per_tap", "1 maps for 2 taps"),
        (Random, "is_deterministic", "tap b differs between two builds"),
        (Normed, "treats_pictures_apart", "let no statistic mix pictures"),
        (Cut, "passes_gradients", "leave no_grad and detach out"),
        (Inplace, "leaves_inputs_alone", "changed in place"),
    ],
)
def test_each_fault_of_an_encoder_is_found(network, check, words):
    assert failures("encoders", Pair()) == {}
    cls = type("Faulty", (Pair,), {"network": network, "__doc__": "A fault."})
    found = failures("encoders", cls())
    assert list(found) == [check]
    assert words in found[check]
