"""An encoder's content tap is one of its taps."""

from bench import Encoder, Weights


def test_the_content_tap_is_found_among_the_taps():
    class Net(Encoder):
        name = "net"
        taps = ("a", "b", "c")
        content_tap = "b"
        weights = Weights("net.pth", None, "nowhere", "MIT")

        def build(self):
            raise NotImplementedError

    assert Net().content_index == 1
    assert list(Net().folders()) == []
