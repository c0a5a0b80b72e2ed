import importlib
import statistics
import time

import pytest
import torch
import torch.nn.functional as F

# 13 to 15 when this was written, on an idle machine and on a busy one alike.
LIMIT = 25


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@torch.inference_mode()
def test_transformation_network_in_units_of_a_convolution(benchmark):
    network = importlib.import_module("bench.methods._transform_net").TransformNet().eval()
    picture = torch.rand(1, 3, 64, 64)
    features, kernel = torch.rand(1, 128, 32, 32), torch.rand(128, 128, 3, 3)
    reference = []

    def convolve():  # between any two rounds, so that a busy machine slows both alike
        start = time.perf_counter()
        F.conv2d(features, kernel, padding=1)
        reference.append(time.perf_counter() - start)

    benchmark.pedantic(network, (picture,), setup=convolve, rounds=30, warmup_rounds=10)

    ratio = benchmark.stats.stats.median / statistics.median(reference[10:])
    benchmark.extra_info["convolutions"] = ratio
    assert ratio < LIMIT
