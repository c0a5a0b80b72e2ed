"""Five needs, the answers of a run to them, and the rows that the answers are from: docs/needs.md.

bench run --all
python tools/five_needs.py RUN -o docs/needs.md
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import cli
from bench.commands import choose
from bench.errors import BenchError
from bench.report import choice_text
from bench.report.choice import Answer, Candidate
from bench.report.quantities import duration, memory
from bench.results.environment import describe

NEEDS: Mapping[str, Sequence[str]] = {
    "One picture, now": ("--pictures", "1", "--within", "10s"),
    "Ten styles on a phone's budget": (
        *("--styles", "10", "--pictures", "100", "--new-style-in", "5s", "--memory", "500MB"),
    ),
    "Ten thousand pictures in one style": ("--pictures", "10000"),
    "A minute of video at 25 frames a second": ("--pictures", "1500", "--picture-in", "40ms"),
    "The best quality, whatever it takes": ("--prefer", "quality"),
}


def main() -> None:
    """Write the page, or print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="+", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    args = parser.parse_args()
    try:
        text = page(args.run)
        print(text, end="") if args.out is None else args.out.write_text(text, "utf-8")
    except (BenchError, OSError) as error:
        raise SystemExit(f"five_needs: {error}") from None


def page(runs: Sequence[Path]) -> str:
    """The whole page in Markdown."""
    answers = {title: answer_to(words, runs) for title, words in NEEDS.items()}
    return "\n".join([*_head(next(iter(answers.values()))[0]), *_sections(answers)]) + "\n"


def answer_to(words: Sequence[str], runs: Sequence[Path]) -> tuple[Answer, Mapping[str, Path]]:
    """What `bench choose` answers to these options, from these runs."""
    args = cli.parser("choose").parse_args(["choose", *map(str, runs), *words])
    return choose.answered(args)


def _head(answer: Answer) -> Iterator[str]:
    versions = sorted({f"{row.run} (bench {row.variant.commit:.7})" for row in answer.group.rows})
    yield "# Five needs, five answers"
    yield ""
    yield "What `bench choose` says to five people, and the rows of the report that it is from."
    yield ""
    yield f"- machine: {describe(answer.group.environment)}"
    yield f"- dataset: {answer.group.dataset.name}, {answer.styles} styles"
    yield f"- run: {', '.join(versions)}"
    yield "- made by `python tools/five_needs.py RUN -o docs/needs.md`, after `bench run --all`"


def _sections(answers: Mapping[str, tuple[Answer, Mapping[str, Path]]]) -> Iterator[str]:
    for title, (answer, folders) in answers.items():
        places = {run: Path("runs") / path.name for run, path in folders.items()}
        yield from ("", f"## {title}", "", "```text")
        yield from (f"$ bench choose {shlex.join(NEEDS[title])}", "")
        yield choice_text.text(answer, places).rstrip()
        yield from ("```", "")
        if answer.recommended is not None:
            yield from rows_table(answer)


def rows_table(answer: Answer) -> Iterator[str]:
    """The numbers of all that met the limits, as the report's rows have them; the choice first."""
    heads = ("row", "a new style", "a picture", "memory", "all", "style error", "content error")
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for candidate in filter(None, (answer.recommended, *answer.others)):
        yield f"| {' | '.join(_cells(candidate))} |"


def _cells(c: Candidate) -> Iterator[str]:
    peak = 1e6 * c.row.resources.peak.value
    yield c.row.label.replace("|", "\\|")
    yield duration(c.adapt)
    yield duration(c.picture)
    yield memory(peak) if c.row.resources.peak.known else "–"
    yield duration(c.total)
    yield f"{c.style:.3f}"
    yield f"{c.content:.3f}"


if __name__ == "__main__":
    main()
