"""A run to vote on."""

import pytest
from helpers.voted import run_to_vote_on


@pytest.fixture
def run(fake_run):
    return run_to_vote_on(fake_run)
