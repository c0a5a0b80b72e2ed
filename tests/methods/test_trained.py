"""Weights that are refused."""

import pytest
import torch
from helpers.trained import METHODS

from bench import options
from bench.errors import BenchError
from bench.weights import write


def test_weights_that_do_not_tell_their_training_are_refused(context, tmp_path):
    file = tmp_path / "w.safetensors"
    write(file, {"a": torch.zeros(1)})
    cls = METHODS["adain"]
    method = cls(context, options.build(cls.Options, {"weights": str(file)}, "adain"))
    with pytest.raises(BenchError, match="does not tell how it was trained"):
        method.load()


@pytest.mark.parametrize("name", ["cin", "adain", "ghiasi", "wct"])
def test_weights_of_another_method_are_refused(name, context, tmp_path):
    file = tmp_path / "w.safetensors"
    write(file, {"a": torch.zeros(1)}, {"options": '{"encoder": "tiny"}'})
    cls = METHODS[name]
    method = cls(context, options.build(cls.Options, {"weights": str(file)}, name))
    with pytest.raises(BenchError, match="holds another network's weights"):
        method.load()
