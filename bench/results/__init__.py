"""A run on disk: one folder, one small JSON file per result, each written whole or not at all.

    runs/<UTC yyyymmdd-hhmmss>-<4 hex>/
      run.json            RunRecord: what was asked for, where, and with what
      cells/<key>.json    CellRecord: one method, one style, one size
      speed/<key>.json    SpeedRecord: one method, one size, raw samples
      batches/<key>.json  BatchRecord: the same in batches, where --batch was asked for
      scores/<key>.json   ScoreRecord: one cell's metrics
      sets/<key>.json     SetRecord: the metrics of all pictures of one method and size
      images/ inputs/     the pictures

A file is there when its result is: a killed run goes on with what `completed` does not name.
No torch here, and pandas only where frames are made.
"""

from bench.results.folder import create, find_runs, latest
from bench.results.frames import Frames, load
from bench.results.ingredients import (
    DatasetRecord,
    MethodRecord,
    MetricRecord,
    SkippedRecord,
    TrainingRecord,
)
from bench.results.names import input_path, key, picture_path, record_path
from bench.results.provenance import WorkerRecord
from bench.results.records import (
    SCHEMA,
    AdaptRecord,
    BatchEntry,
    BatchRecord,
    CellRecord,
    ConditionsRecord,
    ContentRecord,
    ControlRecord,
    Environment,
    IterativeRecord,
    ObservedRecord,
    ParameterCounts,
    RunInfo,
    RunRecord,
    SamplesRecord,
    ScoreEntry,
    ScoreRecord,
    SetEntry,
    SetRecord,
    Specification,
    SpeedRecord,
    by_time,
)
from bench.results.storage import (
    DamagedFileError,
    brief,
    checked,
    completed,
    parse_json,
    read_bytes,
    read_json,
    read_record,
    read_run,
    whole,
    write_json,
    write_record,
)
from bench.results.values import Kind, Scope, Status

__all__ = [
    "SCHEMA",
    "AdaptRecord",
    "BatchEntry",
    "BatchRecord",
    "CellRecord",
    "ConditionsRecord",
    "ContentRecord",
    "ControlRecord",
    "DamagedFileError",
    "DatasetRecord",
    "Environment",
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
    "Specification",
    "SpeedRecord",
    "Status",
    "TrainingRecord",
    "WorkerRecord",
    "brief",
    "by_time",
    "checked",
    "completed",
    "create",
    "find_runs",
    "input_path",
    "key",
    "latest",
    "load",
    "parse_json",
    "picture_path",
    "read_bytes",
    "read_json",
    "read_record",
    "read_run",
    "record_path",
    "whole",
    "write_json",
    "write_record",
]
