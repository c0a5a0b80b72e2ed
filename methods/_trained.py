"""Methods whose networks `bench train` makes: the weights are shipped, or a file of the user's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bench import paths
from bench.contract import Method, Weights
from bench.errors import BenchError
from bench.options import option
from bench.weights import find, locate, metadata, read


@dataclass(frozen=True)
class TrainedOptions:
    """The option that every trained method has."""

    weights: str | None = option(None, "a weights file, instead of the shipped one", path=True)


class Trained(Method):
    """Reads one weights file, and goes by the settings of the training that the file tells."""

    @classmethod
    def needs(cls, options: Any) -> Sequence[Weights]:
        """The shipped weights, or the file that the user names."""
        if options.weights is None:
            return cls.weights
        file = str(paths.expanded(options.weights).absolute())
        return (Weights(file, None, "the user", "unknown"),)

    @classmethod
    def learns_from(cls, options: Any) -> Sequence[str]:
        """The encoder of the training."""
        file = find(cls.needs(options)[0], cls.folders())
        return (str(training_options(file)["encoder"]),) if file else cls.trains_on

    def read_weights(self) -> tuple[dict[str, Tensor], dict[str, Any], Path]:
        """The weights' tensors, the options that they were trained with, and their file.

        Raises:
            BenchError: the file is not there, damaged, or another method's.
        """
        file = locate(self.needs(self.options)[0], self.folders())
        return read(file), training_options(file), file


def training_options(file: Path) -> dict[str, Any]:
    """The options that a weights file was trained with.

    Raises:
        BenchError: it does not tell.
    """
    try:
        options: dict[str, Any] = json.loads(metadata(file)["options"])
        str(options["encoder"])
    except (KeyError, ValueError, TypeError):
        raise BenchError(
            f"{file} does not tell how it was trained; make weights with bench train"
        ) from None
    return options
