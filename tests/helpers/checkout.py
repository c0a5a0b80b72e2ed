"""The checkout that the tests run in."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tool(name):
    """The names of a script in `tools/`, which may import its neighbours."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return runpy.run_path(str(ROOT / "tools" / f"{name}.py"))
    finally:
        sys.path.pop(0)
