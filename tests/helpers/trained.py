"""Trained methods in the smallest size: their trainings, and loaded with what those export."""

import json
from dataclasses import asdict

import torch
from helpers.tiny import pictures

from bench import options
from bench.plugins import registry
from bench.weights import write

METHODS = registry.load().methods
TRAINED = [name for name, cls in METHODS.items() if cls.training is not None]


def tensor(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def task_of(name, context, **values):
    """A method's training on tiny pictures."""
    cls = METHODS[name].training
    fields = {"encoder": "tiny", "size": 32, "style_size": 32, "batch": 2, "styles": 2, **values}
    known = {row["name"] for row in options.describe(cls.Options)}
    chosen = options.build(cls.Options, {k: v for k, v in fields.items() if k in known}, name)
    torch.manual_seed(0)
    return cls(context, pictures(3, 1), chosen)


def loaded(name, context, tmp_path, **values):
    """A loaded method with the weights that a training of no step gives."""
    task = task_of(name, context)
    file = tmp_path / f"{name}.safetensors"
    write(file, task.export(), {"options": json.dumps(asdict(task.options))})
    cls = METHODS[name]
    least = {"encoder": "tiny", "steps": 1, "batch": 1, "size": 32}
    known = {row["name"] for row in options.describe(cls.Options)}
    given = {**{k: v for k, v in least.items() if k in known}, "weights": str(file), **values}
    method = cls(context, options.build(cls.Options, given, name))
    method.load()
    return method
