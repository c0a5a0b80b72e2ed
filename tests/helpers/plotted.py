"""What tests of plots share."""

from helpers.synthetic_run import METHODS

COMPETING = [name for name, (family, *_) in METHODS.items() if family != "anchor"]


def texts(axes):
    return [text.get_text() for text in axes.texts]
