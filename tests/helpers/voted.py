"""A run with pictures to vote on."""

import random

from PIL import Image

from bench import results

METHODS = ("fast", "slow", "wild", "identity")


def save_picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = tuple(random.Random(seed).randrange(256) for _ in range(3))
    Image.new("RGB", (8, 8), colour).save(path)


def run_to_vote_on(fake_run):
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
