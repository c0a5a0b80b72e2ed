"""A run to degrade."""

import pytest
from helpers.degraded import picture

from bench import images, results


@pytest.fixture
def stylized(fake_run):
    """A run whose good pictures are noise."""
    run = fake_run(methods=["identity", "good"])
    for seed, (role, named) in enumerate({"content": "xy", "style": "ab"}.items()):
        for number, name in enumerate(named):
            images.save(picture(seed=10 * seed + number), results.input_path(run, role, name, 64))
    for seed, style in enumerate("ab"):
        path = results.record_path(run, "cells", "good", style, 64)
        cell = results.read_json(path)
        for shown in cell["contents"]:
            shown["image"] = f"images/{style}{shown['content']}.png"
            images.save(picture(seed=20 + seed), run / shown["image"])
        results.write_json(path, cell)
    return run
