"""An `Answer` in words for a terminal, and as plain values for programs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.report.amortised import training_text
from bench.report.choice import Answer, Candidate
from bench.report.quantities import duration
from bench.results.environment import describe
from bench.tables.model import WIDTH
from bench.tables.text import clean

FEW = 5
"""Fewer styles than this say little about others."""


def text(answer: Answer, folders: Mapping[str, Path]) -> str:
    """The answer in paragraphs of at most `WIDTH` characters a line; ends with a newline.

    Args:
        answer: what to say.
        folders: a run's id to where it is.
    """
    return "".join(f"{_wrapped(line)}\n" for line in _lines(answer, folders))


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line, WIDTH, subsequent_indent=f"{indent}    ", break_on_hyphens=False)


def data(answer: Answer) -> dict[str, Any]:
    """The answer as JSON values: seconds, errors, shares of resamples; null where there is none."""
    need, best = answer.need, answer.recommended
    asked = {
        name: value for name, value in vars(need).items() if name != "barred" and value is not None
    }
    return {
        "asked": asked,
        "environment": answer.group.environment.fingerprint,
        "dataset": answer.group.dataset.name,
        "recommended": None if best is None else _values(best, best),
        "others": [_values(other, best or other) for other in answer.others],
        "excluded": [{"method": label, "reason": reason} for label, reason in answer.excluded],
        "styles": answer.styles,
        "commands": [] if best is None else commands(best),
    }


def _values(candidate: Candidate, best: Candidate) -> dict[str, Any]:
    c = candidate
    numbers = {
        "total_s": c.total, "total_low_s": c.low, "total_high_s": c.high, "adapt_s": c.adapt,
        "picture_s": c.picture, "training_s": c.training, "style_error": c.style,
        "content_error": c.content, "quality_error": c.error,
    }  # fmt: skip
    known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    share = None if c is best else c.worse_than(best)
    return {"method": c.row.label, "run": c.row.run, **known, "worse_than_first": share}


def commands(candidate: Candidate) -> list[str]:
    """What to type to go on with a method."""
    method = candidate.row.behind
    if candidate.adapt < 1:
        return [f"bench stylize --method {method} --style STYLE.jpg PHOTOS/ -o OUT/"]
    return [
        f"bench adapt --method {method} --style STYLE.jpg -o style.safetensors",
        "bench stylize --weights style.safetensors PHOTOS/ -o OUT/",
    ]


def _lines(answer: Answer, folders: Mapping[str, Path]) -> Iterator[str]:
    need, best = answer.need, answer.recommended
    pictures = f"{need.pictures:,} picture" + "s" * (need.pictures != 1)
    styles = f"{need.styles:,} new style" + "s" * (need.styles != 1)
    machine = clean(describe(answer.group.environment))
    yield f"{pictures} of {need.size} px in {styles}, on {machine}"
    yield ""
    if best is None:
        yield "No method meets the limits."
    else:
        yield f"Take {clean(best.row.label)}: {_cost(answer, best)}"
        yield f"  {_quality(best)}"
        yield from _training(answer, best)
    for number, other in enumerate(answer.others[:2]):
        assert best is not None
        yield ""
        rank = "Then" if number else "Next best"
        yield f"{rank} {clean(other.row.label)}: {_beside(other, best)}"
        yield f"  {_cost(answer, other)}"
        yield f"  {_quality(other)}"
        yield from _training(answer, other)
    if answer.others[2:]:
        yield ""
        yield "Then " + ", ".join(clean(other.row.label) for other in answer.others[2:])
    if answer.excluded:
        yield ""
        yield "Excluded"
        yield from (f"  {clean(label)}: {clean(reason)}" for label, reason in answer.excluded)
    yield ""
    yield f"How sure: {_sure(answer)}"
    if best is not None:
        yield ""
        yield "Go on with"
        yield from (f"  {line}" for line in commands(best))
        yield f"  bench report {folders[best.row.run]} --html page/     numbers and pictures"


def _cost(answer: Answer, c: Candidate) -> str:
    interval = ""
    if math.isfinite(c.low) and c.low != c.high:
        interval = f" [{duration(c.low)} to {duration(c.high)}]"
    need = answer.need
    parts = f"{need.styles:,} × {duration(c.adapt)} and {need.pictures:,} × {duration(c.picture)}"
    if need.training and c.training:
        parts = f"its training {duration(c.training)}, {parts}"
    return f"{duration(c.total)}{interval} in all ({parts})"


def _training(answer: Answer, c: Candidate) -> Iterator[str]:
    """What it costs with its training, where that is not counted, and what the training was."""
    if not c.training > 0:  # none, or not known
        return
    if not answer.need.training:
        total = duration(c.training + c.total)
        yield f"  with its training, on a domain of your own: {total} in all"
    yield f"  {training_text(c.row)}"


def _quality(c: Candidate) -> str:
    return (
        f"style error {c.style:.2f} (0 as the style itself, 1 as the photograph), content error"
        f" {c.content:.2f} (the other way round)"
    )


def _beside(other: Candidate, best: Candidate) -> str:
    """What the other costs more or less, and how its pictures compare."""
    more = other.total - best.total
    time = f"{duration(abs(more))} {'more' if more > 0 else 'less'}"
    worse = other.worse_than(best)
    if worse >= 0.5:
        return f"{time}, pictures worse in {worse:.0%} of the resamples of the styles"
    return f"{time}, pictures better in {1 - worse:.0%} of the resamples of the styles"


def _sure(answer: Answer) -> str:
    said = [f"quality is of {answer.styles} style" + "s" * (answer.styles != 1)]
    if answer.styles < FEW:
        said.append("which is few: measure more (bench run --profile standard)")
    best = answer.recommended
    if best is not None and answer.others:
        other = answer.others[0]
        overlap = other.low <= best.high and best.low <= other.high
        said.append(
            f"the times of {clean(best.row.label)} and {clean(other.row.label)} "
            + ("overlap" if overlap else "lie apart")
        )
    return "; ".join(said)
