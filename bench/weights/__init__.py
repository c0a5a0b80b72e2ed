"""Files of learned numbers: where they lie, whether they are the right ones, how to read them."""

from bench.contract.weights import beside
from bench.weights.files import SHIPPED, find, fingerprints, locate, sha256, user_folder
from bench.weights.tensors import metadata, read, write

__all__ = [
    "SHIPPED",
    "beside",
    "find",
    "fingerprints",
    "locate",
    "metadata",
    "read",
    "sha256",
    "user_folder",
    "write",
]
