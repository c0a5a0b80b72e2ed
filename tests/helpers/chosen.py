"""Runs to choose from, with errors and times by hand."""

from __future__ import annotations

from pathlib import Path

from bench import cli, results
from bench.report import choice_text

# Errors are shares of the anchors' distance: gram 1.0 to 0.0, lpips 0.0 to 0.8.
VALUES = {
    "gram/1@judge": {"identity": 1.0, "style-copy": 0.0, "quick": 0.6, "good": 0.3, "slow": 0.3},
    "lpips/1@judge": {"identity": 0, "style-copy": 0.8, "quick": 0.64, "good": 0.32, "slow": 0.32},
    "gram/1@trainer": {"identity": 2.0, "style-copy": 0.0, "quick": 0.1, "good": 0.2, "slow": 0.2},
}


CORE = {"quick": 0.001, "good": 0.010, "slow": 0.100, "identity": 0.001, "style-copy": 0.001}


def said(answer):
    """The text, of runs that lie somewhere."""
    folders = {row.run: Path("somewhere") / row.run for row in answer.group.rows}
    return choice_text.text(answer, folders)


def run(capsys, *words):
    status = cli.main(["choose", *words])
    return status, capsys.readouterr()


def license_weights(runs, licences):
    """Have the records of all runs say, for these methods, weight file to licence."""
    for run_folder in runs.iterdir():
        path = run_folder / "run.json"
        record = results.read_json(path)
        for name, own in licences.items():
            record["methods"][name]["licences"] = own
        results.write_json(path, record)
