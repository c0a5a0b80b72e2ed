"""The built-in datasets are there."""

import importlib
import importlib.resources

default = importlib.import_module("bench.datasets.default")
folder = importlib.import_module("bench.datasets.folder")
styleid = importlib.import_module("bench.datasets.styleid")
synthetic = importlib.import_module("bench.datasets.synthetic")


def test_hooks_name_the_four_datasets():
    modules = (default, folder, styleid, synthetic)
    assert [cls.name for module in modules for cls in module.bench_datasets()] == [
        "default",
        "folder",
        "styleid",
        "synthetic",
    ]
