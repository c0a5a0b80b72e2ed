"""What tests of methods share: a context whose one encoder is tiny."""

import pytest
import torch
from helpers.tiny import TinyEncoder, pictures

from bench.contract import Context, Precision


@pytest.fixture
def context():
    return Context(
        torch.device("cpu"), Precision(), pictures(4, 0), {"tiny": TinyEncoder()}.__getitem__
    )
