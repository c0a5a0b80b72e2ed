"""A checkpoint's tensors are told by their names."""

import pytest
import torch

from bench import weights
from bench.errors import BenchError


def test_a_trainings_checkpoint_holds_its_state_dict_under_a_key(tmp_path):
    state, path = {"weight": torch.ones(2, dtype=torch.float64)}, tmp_path / "net.pth"
    torch.save({"model_state_dict": state, "epoch": 3}, path)
    (tensor,) = weights.read_checkpoint(path, key="model_state_dict").values()
    assert tensor.dtype == torch.float32
    torch.save(state, path)
    assert [*weights.read_checkpoint(path, key="model_state_dict")] == ["weight"]
    torch.save([1, 2], path)
    with pytest.raises(BenchError, match="holds no state dict"):
        weights.read_checkpoint(path, key="model_state_dict")


def test_a_checkpoint_of_data_parallel_is_told_by_its_names(tmp_path):
    network = torch.nn.Linear(1, 1)
    wrapped = {f"module.{name}": value for name, value in network.state_dict().items()}
    with pytest.raises(BenchError, match=r"every name begins with 'module\.', as DataParallel"):
        weights.fill(network, wrapped, tmp_path / "net.pth")
