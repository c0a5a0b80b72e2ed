"""A checkpoint's tensors are told by their names."""

import pytest
import torch

from bench import weights
from bench.errors import BenchError


def test_a_checkpoint_of_data_parallel_is_told_by_its_names(tmp_path):
    network = torch.nn.Linear(1, 1)
    wrapped = {f"module.{name}": value for name, value in network.state_dict().items()}
    with pytest.raises(BenchError, match=r"every name begins with 'module\.', as DataParallel"):
        weights.fill(network, wrapped, tmp_path / "net.pth")
