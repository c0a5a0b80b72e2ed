"""What a metric is called by."""

from bench import Metric


class Distance(Metric):
    name = "distance"
    version = 3
    axis = "content"

    def __init__(self, encoder=None):
        self.encoder = encoder

    def score(self, stylized, content, style):
        return 0.0


def test_a_metrics_id_is_name_version_and_network():
    assert Distance().id == "distance/3"
    assert Distance("vgg16-bsds").id == "distance/3@vgg16-bsds"
