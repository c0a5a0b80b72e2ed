"""One network, and scales and shifts of its own for each style."""

import importlib

import pytest
import torch
from helpers.trained import loaded, task_of, tensor

from bench.contract.phases import adapt
from bench.errors import BenchError

net = importlib.import_module("bench.methods._transform_net")
cin = importlib.import_module("bench.methods.cin")


def test_cin_with_one_style_is_instance_normalisation():
    torch.manual_seed(0)
    network = net.TransformNet()
    for parameter in net.norm_parameters(network).values():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    many = cin.ManyStyles(network, 1)
    content = tensor(2, 3, 32, 32).sigmoid()
    torch.testing.assert_close(many(content, [0, 0]), network(content))


def test_cin_changes_nothing_but_scales_and_shifts(context, tmp_path):
    method = loaded("cin", context, tmp_path, steps=2)
    before = {key: value.clone() for key, value in method.network.state_dict().items()}
    torch.manual_seed(0)
    adapt(method, tensor(1, 3, 32, 32).sigmoid())
    changed = {k for k, v in method.network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == set(net.norm_parameters(method.network))


def test_a_training_of_more_styles_than_there_are_is_refused(context):
    with pytest.raises(BenchError, match="only 3 styles"):
        task_of("cin", context, styles=4)
