"""What a plugin does beside its work is seen, whoever else is loaded."""

import importlib

from helpers.checked import Seeding, failures


def test_a_seed_is_found_when_torchs_compiler_is_loaded():
    """It wraps torch.manual_seed, so that torch's own code stands between."""
    importlib.import_module("torch._dynamo")
    found = failures("methods", Seeding)["leaves_global_state_alone"]
    assert "a global seed: torch.manual_seed (checked.py" in found
