"""What every dataset and every encoder of the registry must keep to."""

import numpy as np
import pytest
import torch
from PIL import Image

from bench import options, registry, store, weights
from bench.device import Context, Precision
from bench.errors import BenchError

REGISTRY = registry.load()
AT_HAND = [
    name
    for name, encoder in REGISTRY.encoders.items()
    if weights.find(encoder.weights, encoder.folders())
]


@pytest.fixture
def dataset(request, tmp_path):
    """The dataset of the parameter; one that wants files gets them."""
    cls = REGISTRY.dataset(request.param)
    rng = np.random.default_rng(0)
    for place in ("photos", "art", "data/cnt", "data/sty"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        for name in ("a", "b"):
            pixels = rng.integers(0, 256, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")
    values = {
        "folder": {"content": str(tmp_path / "photos"), "style": str(tmp_path / "art")},
        "styleid": {"root": str(tmp_path)},
    }
    return cls(options.build(cls.Options, values.get(request.param, {}), request.param))


over_datasets = pytest.mark.parametrize("dataset", REGISTRY.datasets, indirect=True)


def roles(dataset):
    return (dataset.contents(), dataset.styles(), dataset.adaptation())


@over_datasets
def test_dataset_names_are_unique_and_its_order_is_fixed(dataset):
    for first, second in zip(roles(dataset), roles(dataset), strict=True):
        names = [picture.name for picture in first]
        assert names == [picture.name for picture in second]
        assert len({name.casefold() for name in names}) == len(names)
    assert dataset.contents()
    assert dataset.styles()


@over_datasets
def test_dataset_pictures_are_rgb_and_fingerprinted(dataset):
    for role in roles(dataset):
        prints = [picture.fingerprint for picture in role]
        assert all(prints)
        assert len(set(prints)) == len(prints)
        for picture in role[:2]:
            image = picture.read()
            assert image.mode == "RGB"
            assert min(image.size) >= 16
            assert np.array_equal(np.asarray(image), np.asarray(picture.read()))


@over_datasets
def test_dataset_never_adapts_on_what_is_evaluated(dataset):
    contents = {picture.fingerprint for picture in dataset.contents()}
    assert not contents & {picture.fingerprint for picture in dataset.adaptation()}


@over_datasets
def test_dataset_fingerprint_is_its_own(dataset):
    assert dataset.fingerprint() == dataset.fingerprint()
    others = {"default", "synthetic"} - {dataset.name}
    assert dataset.fingerprint() not in {REGISTRY.dataset(o)().fingerprint() for o in others}


@pytest.mark.parametrize("name", ["folder", "styleid"])
def test_a_dataset_without_its_options_says_what_it_wants(name):
    with pytest.raises(BenchError, match=f"{name}"):
        REGISTRY.dataset(name)().contents()


@pytest.fixture(scope="module")
def context():
    return Context(torch.device("cpu"), Precision(), store.collect([]), REGISTRY.encoder)


def test_the_offline_encoders_are_at_hand():
    assert {"efficientnet-lite0", "vgg16-bsds"} <= set(AT_HAND)


@pytest.mark.parametrize("name", AT_HAND)
def test_encoder_gives_one_finite_feature_map_per_tap(name, context):
    encoder = REGISTRY.encoder(name)
    smallest = encoder.min_size
    for height, width in ((64, 64), (67, 45), (smallest, smallest)):
        features = context.encoder(name)(torch.rand(2, 3, height, width))
        assert len(features) == len(encoder.taps)
        for feature in features:
            assert feature.shape[0] == 2
            assert feature.isfinite().all()
            assert min(feature.shape[2:]) >= 1
    assert 0 <= encoder.content_index < len(encoder.taps)


@pytest.mark.parametrize("name", AT_HAND)
def test_encoder_leaves_its_input_alone_and_treats_pictures_apart(name, context):
    pictures = torch.rand(2, 3, 48, 48)
    before = pictures.clone()
    together = context.encoder(name)(pictures)
    assert torch.equal(pictures, before)
    for index in range(2):
        for both, one in zip(together, context.encoder(name)(pictures[index, None]), strict=True):
            torch.testing.assert_close(both[index, None], one, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", AT_HAND)
def test_encoder_passes_gradients_to_the_picture_alone(name, context):
    picture = torch.rand(1, 3, 48, 48, requires_grad=True)
    network = context.encoder(name)
    sum(feature.sum() for feature in network(picture)).backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in network.parameters())
