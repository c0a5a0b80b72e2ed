"""A dataset's pictures by role, and files for one."""

from PIL import Image


def names(pictures):
    return [picture.name for picture in pictures]


def roles(dataset):
    return dataset.contents(), dataset.styles(), dataset.adaptation()


def paint(path, grey, side=16):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), grey).save(path)
    return path
