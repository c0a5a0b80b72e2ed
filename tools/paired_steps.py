"""One method by others after the same number of steps: ratios of an observed run, style by style.

    python tools/paired_steps.py runs/20261122-101500-1a2b --method metastyle --by plain johnson

Rows of a run share their styles, which differ by more than methods do. So the numbers of one style
are divided by each other, and the median over styles is told with its 95 % interval, and on how
many styles the number is lower.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pandas import Series
from tabulate import tabulate

from bench import results
from bench.statistics import bootstrap_median


def ratio(means: Series, method: str, by: str, metric: str, step: int) -> str:
    """The median ratio, its interval, and on how many styles it is below 1."""
    mine, others = (means[metric, name, step] for name in (method, by))
    logs = np.log((mine / others).dropna().to_numpy(np.float64))
    middle, low, high = np.exp(bootstrap_median(logs))
    return f"{middle:.2f} [{low:.2f}, {high:.2f}], {(logs < 0).sum()} of {len(logs)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--method", required=True, help="a row of the run")
    parser.add_argument("--by", nargs="+", required=True, help="other rows")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 50, 200])
    args = parser.parse_args(arguments)
    scores = results.load([args.run]).observed_scores
    keys = ["metric", "method", "step", "style"]
    means = scores[scores["status"] == "ok"].groupby(keys)["value"].mean()
    metrics = sorted(scores["metric"].unique())
    lines = [
        [f"by {by}", step, *(ratio(means, args.method, by, metric, step) for metric in metrics)]
        for by in args.by
        for step in args.steps
    ]
    print(tabulate(lines, [args.method, "steps", *metrics], "github", disable_numparse=True))


if __name__ == "__main__":
    main()
