"""Tables in LaTeX, which compiles them."""

import shutil
import subprocess

import pytest
from helpers.report import frames_of
from helpers.synthetic_run import synthetic_run

from bench import results
from bench.report import render
from bench.report.columns import DEFAULT

HOSTILE = (
    r"\input{/etc/passwd} $x^2$ 50% a_b #1 & ~ {} \\ ^^41 `?` -- \"q\" ' é ß ł 日本 𝔘 ‡" + "\x07"
)


def test_latex_compiles_whatever_the_names(fake_run, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex here")
    run = fake_run(methods=["identity", "style-copy", HOSTILE, "[x", "fast"],
                   failed={("fast", "b"): ("error", HOSTILE)},
                   environment={"device_name": HOSTILE})  # fmt: skip
    torn = results.record_path(run, "cells", "[x", "a", 64)
    torn.write_text("")
    (tmp_path / "table.tex").write_text(render(frames_of(run), "latex"), encoding="utf-8")
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table}\end{document}"
    )
    compiled = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stdout[-800:]
    assert (tmp_path / "main.pdf").read_bytes().startswith(b"%PDF")


def test_latex_of_any_columns_is_as_wide_as_a_page(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex here")
    frames = results.load([synthetic_run(tmp_path, styles=3, contents=3)])
    for name, columns in (("three", DEFAULT), ("all", ["all"])):
        (tmp_path / f"{name}.tex").write_text(render(frames, "latex", columns_=columns), "utf-8")
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}"
        r"\begin{document}\input{three}\input{all}\end{document}"
    )
    compiled = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stdout[-800:]
    assert "Overfull" not in compiled.stdout
    assert "too large" not in compiled.stdout
