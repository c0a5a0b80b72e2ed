"""From the host to a device: constants once, numbers and pictures as they are."""

import torch

from bench.transfers import constant, numbers, sent

CPU = torch.device("cpu")


def test_a_constant_is_kept_for_each_device_and_type():
    like = torch.zeros(3, dtype=torch.float64)
    kept = constant((1.0, 2.0), like)
    assert kept.tolist() == [1.0, 2.0]
    assert kept.dtype == torch.float64
    assert constant((1.0, 2.0), like) is kept
    assert constant((1.0, 2.0), like.float()).dtype == torch.float32


def test_a_constant_from_inference_mode_takes_part_in_a_backward_pass():
    with torch.inference_mode():
        factor = constant((3.0, 5.0), torch.zeros(1))
    x = torch.ones(2, requires_grad=True)
    (x * factor).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


def test_numbers_and_pictures_arrive_whole():
    assert numbers([(1, -2), (3, 2**40)], CPU).tolist() == [[1, -2], [3, 2**40]]
    picture = torch.rand(1, 3, 2, 2)
    assert torch.equal(sent(picture, CPU), picture)
