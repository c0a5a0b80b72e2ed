"""Libraries that only an optional extra of this package brings."""

from __future__ import annotations

import importlib
from typing import Any

from bench.errors import NeedError


def extra(module: str, name: str, who: str) -> Any:
    """The module, which `pip install 'metastyle-bench[NAME]'` brings.

    Raises:
        NeedError: it is not installed; the message says who needs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise NeedError(f"{who} needs {module}: pip install 'metastyle-bench[{name}]'") from None
