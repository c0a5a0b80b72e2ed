"""The simulated device is one for the whole process; what it cannot stand in for is said."""

import functools

import torch
from helpers.checked import (
    Plain,
    failures,
    outcomes,
)


def test_what_cannot_be_simulated_is_said_and_is_no_failure():
    class Generating(Plain):
        """A generator on the device."""

        def stylize(self, content):
            torch.Generator(device=content.device)
            return super().stylize(content)

    (unseen,) = (o for o in outcomes("methods", Generating) if o.status != "passed")
    assert (unseen.status, unseen.case.check.__name__) == ("unseen", "keeps_to_its_device")
    assert "check on a machine that has one, with --device" in unseen.message


def test_what_a_program_keeps_for_a_device_lies_there_at_the_next_check_too():
    @functools.cache
    def halves(device):
        return torch.full((1, 3, 1, 1), 0.5, device=device)

    class Keeping(Plain):
        """Makes its constant once for each device."""

        def stylize(self, content):
            return content * halves(content.device) + self.mean * 0.5

    for _ in range(2):
        assert failures("methods", Keeping) == {}
    assert halves.cache_info().misses == 2  # of the host and of the simulated device
