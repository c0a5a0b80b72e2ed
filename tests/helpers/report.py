"""Reports of runs that `make_run` wrote, and the text of their tables."""

import re

from bench import results

# Seconds of seven rounds: the median is 12 ms, the interval its second least and second greatest
# (see test_statistics.py).
CORE = [0.014, 0.011, 0.013, 0.009, 0.015, 0.010, 0.012]


def frames_of(*runs):
    return results.load(runs)


def rows_of(text):
    """The rows of the first table in plain text, without their intervals, split into columns."""
    body = text.split("\nMedians", 1)[1].split("\n\n")[0].splitlines()
    rule = next(number for number, line in enumerate(body) if line.startswith("--"))
    return [re.split(r"\s{2,}", line) for line in body[rule + 1 :] if line[0] != " "]
