"""Files for other runtimes, on a network whose result is known by hand."""

import pytest
import torch
from torch import nn

from bench import runtimes


class Darker(nn.Module):
    """Half of the picture."""

    def forward(self, picture):
        return picture * 0.5


def test_a_program_takes_any_batch_and_size():
    module = runtimes.program(Darker()).module()
    for shape in ((1, 3, 16, 90), (3, 3, 21, 8)):
        assert torch.equal(module(torch.ones(shape)), torch.full(shape, 0.5))


@pytest.fixture(scope="module")
def data():
    pytest.importorskip("onnxscript")
    return runtimes.to_onnx(Darker(), {"style": "starry"})


def test_an_onnx_file_says_what_it_is(data):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(data)
    assert [i.name for i in model.graph.input] == ["picture"]
    assert [o.name for o in model.graph.output] == ["stylized"]
    assert model.opset_import[0].version == runtimes.OPSET
    assert {p.key: p.value for p in model.metadata_props}["style"] == "starry"


@pytest.mark.parametrize("name", runtimes.RUNTIMES)
def test_a_runtime_runs_it_in_any_size(data, name):
    pytest.importorskip(name)
    run = runtimes.RUNTIMES[name](data, 1, torch.float32)
    for shape in ((1, 3, 16, 90), (3, 3, 21, 8)):
        assert torch.equal(run(torch.ones(shape)), torch.full(shape, 0.5))
