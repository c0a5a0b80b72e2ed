"""Which tests are no unit tests: they run commands, train, compile or draw whole plots."""

from helpers.checkout import ROOT

WHOLE = """
    commands compare conformance fuzz machine/test_native.py methods metrics plugins
    project/test_docs.py project/test_examples.py project/test_published.py project/test_readme.py
    report/test_browser.py report/page report/plots run study stylize
    test_cli.py test_layers.py test_protocols.py test_training.py tools
""".split()  # noqa: SIM905
"""Folders and modules below tests/."""


def is_whole(path):
    listed = {ROOT / "tests" / name for name in WHOLE}
    return not listed.isdisjoint([path, *path.parents])
