"""A run on disk: one folder, one small JSON file per result, each written whole or not at all.

    runs/<UTC yyyymmdd-hhmmss>-<4 hex>/
      run.json            RunRecord: what was asked for, where, and with what
      cells/<key>.json    CellRecord: one method, one style, one size
      speed/<key>.json    SpeedRecord: one method, one size, raw samples
      scores/<key>.json   ScoreRecord: one cell's metrics
      sets/<key>.json     SetRecord: the metrics of all pictures of one method and size
      images/ inputs/     the pictures

A file is there when its result is: a killed run goes on with what `completed` does not name.
No torch here, and pandas only where frames are made.
"""

from bench.results.folder import (
    DamagedFileError,
    completed,
    create,
    find_runs,
    input_path,
    key,
    latest,
    read_json,
    read_run,
    record_path,
    whole,
    write_json,
)
from bench.results.frames import Frames, load
from bench.results.records import (
    SCHEMA,
    AdaptRecord,
    CellRecord,
    ContentRecord,
    ControlRecord,
    DatasetRecord,
    IterativeRecord,
    Kind,
    MethodRecord,
    MetricRecord,
    ObservedRecord,
    ParameterCounts,
    RunInfo,
    RunRecord,
    SamplesRecord,
    Scope,
    ScoreEntry,
    ScoreRecord,
    SetEntry,
    SetRecord,
    SkippedRecord,
    SpeedRecord,
    Status,
    new_cell,
)

__all__ = [
    "SCHEMA",
    "AdaptRecord",
    "CellRecord",
    "ContentRecord",
    "ControlRecord",
    "DamagedFileError",
    "DatasetRecord",
    "Frames",
    "IterativeRecord",
    "Kind",
    "MethodRecord",
    "MetricRecord",
    "ObservedRecord",
    "ParameterCounts",
    "RunInfo",
    "RunRecord",
    "SamplesRecord",
    "Scope",
    "ScoreEntry",
    "ScoreRecord",
    "SetEntry",
    "SetRecord",
    "SkippedRecord",
    "SpeedRecord",
    "Status",
    "completed",
    "create",
    "find_runs",
    "input_path",
    "key",
    "latest",
    "load",
    "new_cell",
    "read_json",
    "read_run",
    "record_path",
    "whole",
    "write_json",
]
