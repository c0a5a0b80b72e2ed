"""Whatever the records of a run hold: every reader gives its result or one line that says why."""

import contextlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.fuzzing import HOSTILE, SECONDS, campaign, changed, mutants, paths, text_of
from helpers.made_run import make_run

from bench import report, results
from bench.cli import main
from bench.compare import baseline, runs, tasks
from bench.errors import BenchError
from bench.report import amortised, curve_tables, page
from bench.results.storage import to_json
from bench.run import resuming
from bench.study import degradations, judges
from bench.vote import ballot, bradley_terry
from bench.vote.votes import Vote

EARLIER = Path(__file__).parents[1] / "results" / "runs"

ASKED = results.Specification(
    method=["identity", "style-copy"], metric=["ssim/1"], content=[], style=[], adapt_content=[],
    dataset="synthetic", contents=2, styles=None, size=[64], profile="smoke", adapt_seconds=1.5,
    observe=[0, 1], isolate=False, device="cpu", precision="float32", threads=1, seed=3, plugin=[],
    option=[],
)  # fmt: skip


def written(root):
    """A run of this schema in which every field of every record holds something."""
    run = make_run(root, ["fast", "identity", "style-copy"], defaults={"depth": 1, "tint": None},
                   options={"depth": 2, "tint": "red"}, skipped=[
                       {"role": "style", "name": "z", "reason": "too small"}])  # fmt: skip
    record = results.read_json(run / "run.json")
    record["specification"] = asdict(ASKED)
    record["observe"] = [0, 1]
    record["environment"] |= {"commit": "1234567", "dirty": True, "tf32": {"conv": "tf32"}}
    record["metrics"]["fid/1@judge"] = {**record["metrics"]["gram/1@judge"], "of_set": True}
    dump(run / "run.json", record)
    path = results.record_path(run, "cells", "fast", "a", 64)
    cell = results.read_json(path)
    cell["adapt"] |= {"steps": 1, "curve": [[0, 0.5], [1, 2.0]], "device_seconds": 1.9}
    seen = [{**picture, "image": "images/seen.png"} for picture in cell["contents"]]
    cell["observed"] = [{"step": step, "seconds": step / 2, "contents": seen} for step in (0, 1)]
    dump(path, cell | {"precision_reason": "its own"})
    path = results.record_path(run, "scores", "fast", "a", 64)
    scores = results.read_json(path)
    scores["scores"] += [{**entry, "step": 1} for entry in scores["scores"]]
    dump(path, scores)
    path = results.record_path(run, "speed", "fast", 64)
    speed = results.read_json(path)
    core = speed["scopes"]["core"] | {"device_samples": [0.01] * 3}
    speed |= {"control": {**core, "scope": "core"},
              "conditions": {"noisy": ["a fan"], "facts": {"megahertz": [1.0, None]}}}  # fmt: skip
    dump(path, speed)
    batched = {"schema": results.SCHEMA, "method": "fast", "size": 64, "precision": "float32",
               "entries": [{"batch": 2, "core": core, "joules": 1.5, "allocated_bytes": 7},
                           {"batch": 9, "status": "oom", "reason": "no room"}]}  # fmt: skip
    dump(results.record_path(run, "batches", "fast", 64), batched)
    entry = results.SetEntry(metric="fid/1@judge", value=3.5, parts={"mean": 1.0, "spread": 2.5},
                             pictures=4, status="ok", reason="")  # fmt: skip
    of_set = results.SetRecord(method="fast", size=64, scores=[entry])
    dump(results.record_path(run, "sets", "fast", 64), to_json(of_set))
    vote = Vote(id="1", time="now", voter="ann", style="a", content="x", size=64, left="fast",
                right="wild", choice="left", seconds=1.5)  # fmt: skip
    dump(run / "votes.jsonl", {"schema": 1, **asdict(vote)})
    return run


def dump(path, value):
    path.write_text(text_of(value))


@pytest.fixture(scope="module", params=["schema-1", "schema-2", "today"])
def corpus(request, tmp_path_factory):
    """A run folder to be spoilt, and all its records by their paths."""
    root = tmp_path_factory.mktemp("fuzz")
    if request.param == "today":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.fsync", lambda _: None)
            run = written(root)
    else:
        run = Path(shutil.copytree(EARLIER / request.param, root / request.param))
    files = sorted([*run.glob("*.json"), *run.glob("*.jsonl"), *run.glob("*/*.json")])
    return run, {str(file.relative_to(run)): json.loads(file.read_text()) for file in files}


@contextlib.contextmanager
def spoilt(run, name, text):
    """The run with another text in one of its files."""
    file = run / name
    before = file.read_bytes()
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        yield
    finally:
        file.write_bytes(before)


def one_line(error, begins=""):
    """An error of the user's, in one line that is not too long to be read."""
    text = str(error)
    assert text.startswith(str(begins))
    assert "\n" not in text
    assert "[Errno" not in text
    assert len(text) < 2000


def reads(*readers):
    """Let readers read: each gives what it gives, or a line."""
    for read in readers:
        try:
            read()
        except BenchError as error:
            one_line(error)


CLASSES = {
    "cells": results.CellRecord, "speed": results.SpeedRecord, "batches": results.BatchRecord,
    "scores": results.ScoreRecord, "sets": results.SetRecord,
}  # fmt: skip


def test_every_value_of_every_field_is_taken_or_refused_by_name(corpus):
    run, documents = corpus
    tried = taken = 0
    kinds = {name.partition("/")[0]: name for name in sorted(documents, reverse=True)}
    kinds.pop("votes.jsonl", None)
    some = 1 if SECONDS else 8  # in the suite every eighth value, another eighth for each field
    for kind, name in kinds.items():
        for number, path in enumerate(paths(documents[name])):
            for value in HOSTILE[number % some :: some]:
                tried += 1
                with spoilt(run, name, text_of(changed(documents[name], path, value))):
                    try:
                        if kind == "run.json":
                            results.read_run(run)
                        else:
                            results.read_record(run / name, CLASSES[kind])
                        taken += 1
                    except BenchError as error:
                        one_line(error, run / name)
    assert 0 < taken < tried / 2


def tables(run):
    frames = results.load([run])
    for warning in frames.warnings:
        one_line(warning)
    for format in ("plain", "json", "latex"):
        report.render(frames, format, all_metrics=True, by="style")
    report.render(frames, "csv", columns_=["all"])
    reads(
        lambda: amortised.render(frames),
        lambda: curve_tables.render(frames, reference="fast@1"),
    )


def test_reports(corpus):
    run, documents = corpus

    def check(mutant):
        with spoilt(run, *mutant):
            reads(lambda: tables(run))

    campaign(check, mutants(documents), examples=5)


def test_pages(corpus, monkeypatch, tmp_path):
    run, documents = corpus
    monkeypatch.setattr(page, "plots_of", lambda *_: [])  # they show the tables' numbers

    def check(mutant):
        with spoilt(run, *mutant):
            reads(lambda: page.write(results.load([run]), tmp_path / "page", quiet=True))

    campaign(check, mutants(documents), examples=4)


def test_comparisons(corpus, tmp_path):
    run, documents = corpus
    other = Path(shutil.copytree(run, tmp_path / "other"))

    def check(mutant):
        with spoilt(run, *mutant):
            reads(lambda: runs.compare(run, other, any_environment=True))

    campaign(check, mutants(documents), examples=5)


def test_votes_degradations_judges_and_failures(corpus, tmp_path):
    run, documents = corpus

    def check(mutant):
        with spoilt(run, *mutant):
            reads(
                lambda: ballot.Ballot(ballot.material(run), seed=0).state(),
                lambda: bradley_terry.section(run),
                lambda: degradations.write(run, "fast", tmp_path / "out"),
                lambda: judges.agreement(run),
                lambda: results.completed(run, "scores"),
            )
            copy = shutil.copytree(run, tmp_path / "copy")
            reads(lambda: resuming.forget_failures(copy))
            shutil.rmtree(copy)

    campaign(check, mutants(documents), examples=8)


def test_resumed_runs(corpus, capsys):
    run, documents = corpus
    asked = {"run.json": documents["run.json"]}

    def check(mutant):
        with spoilt(run, *mutant):
            assert main(["run", "--resume", str(run), "--quiet"]) == 1  # of another machine
        captured = capsys.readouterr().err.splitlines()
        assert len(captured) == 1, captured
        one_line(captured[0])

    campaign(check, mutants(asked), examples=4)


def test_baselines(tmp_path):
    task = tasks.TimedTask("fast", {"depth": "2"}, plugins=[])
    entry = baseline.Entry(task=task, seconds=0.5, ratios=[1.5, 1.4], noise=0.01,
                           libraries={"torch": "2.9.0", "threads": 1})  # fmt: skip
    stored = baseline.Baseline(schema=1, created="now", version="1", cpu="Abacus", entries=[entry])
    file = tmp_path / "baseline.json"
    dump(file, asdict(stored))
    assert baseline.read_baseline(file) == stored

    def check(mutant):
        with spoilt(tmp_path, *mutant):
            reads(lambda: tasks.setting_of([e.task for e in baseline.read_baseline(file).entries]))

    campaign(check, mutants({"baseline.json": asdict(stored)}), examples=40)


def test_records_come_back_as_they_were_written(corpus):
    run, _ = corpus
    record = results.read_run(run)
    values = json.loads(text_of(to_json(record)))
    assert values["schema"] == results.SCHEMA
    with spoilt(run, "run.json", text_of(values)):
        assert results.read_run(run) == record
    for cls in CLASSES.values():
        for one in results.whole(run, cls):
            path = results.record_path(run, one.kind, *one.place)
            with spoilt(run, str(path.relative_to(run)), text_of(to_json(one))):
                assert results.read_record(path, cls) == one
