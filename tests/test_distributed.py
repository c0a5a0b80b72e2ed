"""Without torchrun nothing here does anything; with it each process has its own device."""

import pytest
import torch

from bench import distributed


@pytest.fixture
def second_of_two(monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)


def test_alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert (distributed.rank(), distributed.processes()) == (0, 1)
    assert distributed.own_device(torch.device("cuda")) == torch.device("cuda")
    tensor = torch.tensor([1.0, 2.0])
    with distributed.joined(torch.device("cpu")):
        distributed.average([tensor])
        assert distributed.anywhere(True)
        assert not distributed.anywhere(False)
    assert tensor.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("asked", "own"), [("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu")]
)
def test_a_device_without_a_number_is_the_processs_own(second_of_two, asked, own):
    assert (distributed.rank(), distributed.processes()) == (1, 2)
    assert distributed.own_device(torch.device(asked)) == torch.device(own)


def test_a_mean_over_two_processes(second_of_two, monkeypatch):
    def all_reduce(tensor, how=None):  # the other process has one more of everything
        tensor += tensor + 1

    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    tensors = [torch.tensor([1.0, 2.0]), torch.tensor([[4.0]])]
    distributed.average(tensors)
    assert [tensor.tolist() for tensor in tensors] == [[1.5, 2.5], [[4.5]]]


def test_a_flag_that_another_process_sets(second_of_two, monkeypatch):
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda votes, how: votes.fill_(1))
    assert distributed.anywhere(False)
