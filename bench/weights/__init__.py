"""Files of learned numbers: where they lie, whether they are the right ones, how to read them."""

from bench.contract.weights import beside
from bench.weights.cards import Training, training
from bench.weights.files import SHIPPED, find, fingerprints, locate, sha256, user_folder
from bench.weights.tensors import fill, metadata, read, read_checkpoint, write

__all__ = [
    "SHIPPED",
    "Training",
    "beside",
    "fill",
    "find",
    "fingerprints",
    "locate",
    "metadata",
    "read",
    "read_checkpoint",
    "sha256",
    "training",
    "user_folder",
    "write",
]
