"""One table in every format."""

import re

import pytest
from helpers.report import CORE, frames_of

from bench.errors import BenchError
from bench.report import FORMATS, render


def test_github_and_latex_hold_the_same_numbers(fake_run):
    frames = frames_of(fake_run(core=CORE))
    cells = ["fast", "3.00", "12.0 [10.0, 14.0]", "0.400 [0.100, 0.700]", "0.250"]
    github = [line.strip("| ") for line in render(frames, "github").splitlines()]
    fast = next(line for line in github if line.startswith("fast"))
    assert re.split(r"\s*\|\s*", fast) == cells
    latex = render(frames, "latex").splitlines()
    place = latex.index(r"fast & 3.00 & 12.0 & 0.400 & 0.250 \\")
    assert latex[place + 1] == (r" &  & {\tiny [10.0, 14.0]} & {\tiny [0.100, 0.700]} &  \\")
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{table}", r"\end{table}"):
        assert latex.count(part) == 1
    assert r"method & adapt & core & gram \ensuremath{\downarrow}" in "\n".join(latex)


def test_names_play_no_tricks(fake_run):
    name = "a|b & <i>_%\x1b[31m\u202e"
    frames = frames_of(fake_run(methods=[name, "n" * 90, "[x"]))
    for format in FORMATS:
        if format not in ("csv", "parquet"):  # those hold what the run holds
            assert not {"\x1b", "\u202e"} & set(render(frames, format))
    plain = render(frames)
    assert "a|b & <i>_%?[31m?" in plain
    assert "n" * 12 + "…" + "n" * 11 + " " in plain
    assert r"| a\|b &amp; &lt;i&gt;\_%?\[31m? ‡" in render(frames, "github")
    latex = render(frames, "latex")
    assert (
        r"a\textbar{}b \& \textless{}i\textgreater{}\_\%?{}[31m?{} \ensuremath{\ddagger}" in latex
    )
    assert "\n{}[x" in latex


def test_an_unknown_format_is_named(fake_run):
    with pytest.raises(BenchError, match="unknown report format 'githb'; did you mean github"):
        render(frames_of(fake_run()), "githb")
