"""What a run is made of: its pictures, methods and metrics, and what it went on without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.results.values import Count, Name, Open, Seconds, Text, check_open


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """Where the pictures came from."""

    name: Text  # the dataset plugin
    options: Mapping[str, Open]  # its options
    fingerprint: Text  # hash over every picture's role, name and bytes, and how it is cut
    citation: Text
    references: Count = 1  # pictures that a style has at most

    def __post_init__(self) -> None:
        check_open(self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """What the training of a weights file took; see bench.weights.cards."""

    file: Text
    seconds: Seconds | None  # None: not known
    machine: Text = ""
    start: Text = ""  # what it started from and `seconds` lack, as no card says it


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRecord:
    """A method as it was run."""

    method: Text  # the plugin's name for it; the row's own name, but for an alias
    family: Text  # see bench.contract.Family
    citation: Text
    options: Mapping[str, Open]  # every option's value
    defaults: Mapping[str, Open]  # every option's default, so that a report can name what differs
    source_sha256: Text | None  # of the plugin's source; None where there is no file
    weights: Mapping[str, Text]  # weight file to SHA-256
    trains_on: Sequence[Text]  # encoders whose features its losses or its network use
    autocast: bool  # False: always plain float32
    plugin: Text  # where it was found
    several: bool | None = None  # it takes all pictures of a style, or the first; None: not known
    strength: Text = ""  # its option that trades content for style; empty: none, or not known
    trainings: Sequence[TrainingRecord] | None = None  # of its own weights; None: not recorded
    licences: Mapping[Text, Text] | None = None  # own weight file to licence; None: not known

    def __post_init__(self) -> None:
        check_open({"options": self.options, "defaults": self.defaults})


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRecord:
    """A metric as it was run; see bench.contract.Metric."""

    name: Name
    version: Count
    unit: Text  # "1" for a pure number
    axis: Literal["style", "content", "both"]
    direction: Literal["lower", "higher"]  # which is better
    encoder: Text | None
    judge: bool  # no built-in method trains on its network
    of_set: bool = False  # a number for all pictures of a method and size
    training_loss_of: Sequence[Text]  # methods that are trained on this very number
    weights: Mapping[str, Text]  # weight file of its encoder to SHA-256
    citation: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedRecord:
    """Something asked for that the run went on without."""

    role: Text  # content, style, method, metric ...
    name: Text
    reason: Text
