"""The training loss as a metric, and Johnson's method from another start than random weights."""

import importlib

import pytest
import torch
from helpers.by_hand import ByHand

from bench import store, weights
from bench.contract import Context, Precision
from bench.contract.phases import adapt, adapting, stylize
from bench.errors import BenchError
from bench.plugins import registry

perceptual, johnson, net = (
    importlib.import_module(f"bench.{name}")
    for name in ("metrics.perceptual", "methods.johnson", "methods._transform_net")
)


@pytest.fixture
def context():
    photographs = torch.randint(0, 256, (2, 48, 48, 3), dtype=torch.uint8).numpy()
    pictures = store.collect((str(n), array) for n, array in enumerate(photographs))
    return Context(torch.device("cpu"), Precision(), pictures, lambda name: ByHand())


def red(left, right=None):
    """A red picture of 16×16, its right half of another red."""
    picture = torch.zeros(1, 3, 16, 16)
    picture[:, 0, :, :8], picture[:, 0, :, 8:] = left, left if right is None else right
    return picture


def test_the_loss_of_plain_pictures_by_hand(context):
    metric = perceptual.TrainingLoss("by-hand")
    metric.load(context)
    # content: red 1 for 1.6; style: a quarter of the Gram entry at both taps; tone: no
    # structure at all correlates with none; colour: 0.5 from a style without variance
    style = 2 * 2 * (1 - 1 / 4) ** 2 / (1 + 1 / 16)
    by_hand = 2.0 * (0.6 / 1.6) ** 2 + 1.0 * style + 0.3 * 1 + 0.3 * 0.5**2 / 0.02
    assert metric.score(red(0.5), red(0.8), red(1.0)) == pytest.approx(by_hand)


def test_the_loss_of_the_content_in_its_own_style_is_its_variation(context):
    metric = perceptual.TrainingLoss("by-hand")
    metric.load(context)
    picture = red(0.2, 0.6)
    # one of fifteen steps across, in one of three channels; tone's 1e-6 against flat pictures
    squares = 4 * (0.299 * 0.2) ** 2
    by_hand = 0.05 * 0.4 / 45 + 0.3 * (1 - squares / (squares + 1e-6))
    assert metric.score(picture, picture, picture) == pytest.approx(by_hand, rel=1e-3)
    negative = metric.score(red(0.6, 0.2), picture, picture)
    assert negative == pytest.approx(by_hand + 2.0 * 2 * 0.4**2 / (0.2**2 + 0.6**2) + 0.6, rel=1e-3)


def test_the_built_in_one_is_marked_as_a_training_loss_and_no_judge():
    loaded = registry.load()
    metric = loaded.metrics["perceptual/4@vgg19-quarter"]
    assert set(metric.training_loss_of) == {
        *("metastyle", "johnson", "gatys", "cin", "ghiasi", "metanet", "predict-adapt")
    }
    assert not loaded.encoder(metric.encoder).judge


OPTIONS = {"steps": 1, "batch": 1, "size": 32, "encoder": "by-hand"}


def network(seed):
    torch.manual_seed(seed)
    return net.TransformNet()


@pytest.mark.parametrize("prefix", ["", "network."])
def test_johnson_starts_each_style_from_the_given_network(context, tmp_path, prefix):
    file, content = tmp_path / "start.safetensors", torch.rand(1, 3, 32, 32)
    begun = network(5)
    state = {prefix + name: tensor for name, tensor in begun.state_dict().items()}
    weights.write(file, state, {"options": '{"encoder": "vgg16-bsds"}'})
    options = johnson.JohnsonOptions(start=str(file), **OPTIONS)
    method = johnson.Johnson(context, options)
    method.load()
    pictures = []
    for _ in range(2):
        next(adapting(method, torch.rand(1, 3, 32, 32)))
        pictures.append(stylize(method, content))
        assert adapt(method, torch.rand(1, 3, 32, 32)) == 1
        assert not torch.equal(stylize(method, content), pictures[-1])
    assert torch.equal(*pictures)
    begun.load_state_dict({name: t.half().float() for name, t in begun.state_dict().items()})
    with torch.inference_mode():
        torch.testing.assert_close(pictures[0], begun(content), rtol=0, atol=1e-5)


def test_johnson_declares_its_start(tmp_path):
    file = tmp_path / "start.safetensors"
    weights.write(file, net.TransformNet().state_dict(), {"options": '{"encoder": "vgg16-bsds"}'})
    options = johnson.JohnsonOptions(start=str(file))
    (needed,) = johnson.Johnson.needs(options)
    assert (needed.file, needed.sha256) == (str(file), None)
    assert johnson.Johnson.learns_from(options) == ("vgg16-bsds", "vgg19-quarter")
    weights.write(file, net.TransformNet().state_dict())
    assert johnson.Johnson.learns_from(options) == ("vgg19-quarter",)
    assert johnson.Johnson.needs(johnson.JohnsonOptions()) == ()
    assert johnson.Johnson.learns_from(johnson.JohnsonOptions()) == ("vgg19-quarter",)


def test_another_start_is_refused_by_name(context, tmp_path):
    file = tmp_path / "other.safetensors"
    method = johnson.Johnson(context, johnson.JohnsonOptions(start=str(file), **OPTIONS))
    with pytest.raises(BenchError, match=r"other\.safetensors are missing"):
        method.load()
    weights.write(file, {"network.a": torch.zeros(3)})
    with pytest.raises(BenchError, match=r"other\.safetensors holds another network"):
        method.load()
