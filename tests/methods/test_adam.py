import importlib

import torch

adam = importlib.import_module("bench.methods._adam").adam


def test_steps_are_torchs_and_parameters_know_that_they_have_changed():
    parameters = [torch.linspace(-1, 1, 5, requires_grad=True) for _ in range(2)]
    wanted = torch.linspace(-1, 1, 5, requires_grad=True)
    optimizers = adam(parameters, 0.1), torch.optim.Adam([wanted], 0.1)
    versions = [parameter._version for parameter in parameters]
    for step in range(3):
        for parameter in (*parameters, wanted):
            parameter.grad = parameter.detach() * (step + 1)
        for optimizer in optimizers:
            optimizer.step()
    for parameter, version in zip(parameters, versions, strict=True):
        torch.testing.assert_close(parameter, wanted)
        assert parameter._version > version


def test_a_gradient_in_another_layout_moves_the_right_elements():
    """Torch's own fused form moves others, without a word."""
    slope = torch.randn(2, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    last = torch.zeros_like(slope).contiguous(memory_format=torch.channels_last).requires_grad_()
    last.grad = slope
    adam([last], 0.1).step()
    assert torch.equal(last.sign(), -slope.sign())


def test_moments_from_a_checkpoint_of_another_layout_are_those_of_the_same_elements():
    """A training may go on under another precision, on a machine where another layout is fast."""
    torch.manual_seed(0)
    start, gradients = torch.randn(3, 2, 3, 3), torch.randn(2, 3, 2, 3, 3)

    def step(optimizer, parameter, gradient):
        parameter.grad = gradient.clone(memory_format=torch.preserve_format)
        optimizer.step()

    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        before = torch.nn.Parameter(start.clone())
        first = adam([before], 0.1)
        step(first, before, gradients[0])
        after = torch.nn.Parameter(before.detach().clone(memory_format=layout))
        second = adam([after], 0.1)
        second.load_state_dict(first.state_dict())
        step(second, after, gradients[1])
        ends.append(after.detach())
    torch.testing.assert_close(*ends)
