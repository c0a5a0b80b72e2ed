"""A run with pictures, each of its own colour."""

import pytest
from helpers.voted import METHODS, save_picture

from bench import results


@pytest.fixture
def run(fake_run):
    """A run with pictures, each of its own colour."""
    folder = fake_run(METHODS)
    for role, names in (("style", "ab"), ("content", "xy")):
        for name in names:
            save_picture(results.input_path(folder, role, name, 64), role + name)
    for method in METHODS:
        for style in "ab":
            path = results.record_path(folder, "cells", method, style, 64)
            cell = results.read_json(path)
            for content in cell["contents"]:
                content["image"] = f"images/{method}-{style}-{content['content']}.png"
                save_picture(folder / content["image"], method + style + content["content"])
            results.write_json(path, cell)
    return folder
