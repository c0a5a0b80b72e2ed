"""A picture that somebody's method could have made."""

import numpy as np
from PIL import Image


def draw(path, size=(48, 48), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path
