"""Pages of the site that the code writes: its command line, and what is built in."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench import cli, options, protocols
from bench.plugins import registry
from bench.plugins.registry import Registry


def command_line() -> str:
    """Every command in Markdown, as `bench COMMAND --help` has it."""
    os.environ["COLUMNS"] = "90"  # argparse wraps usage at the terminal's width
    top = cli.parser()
    (commands,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    helps = {choice.dest: choice.help for choice in commands._choices_actions}
    return "\n\n".join(
        f"## bench {name}\n\n{_sentence(helps[name] or '')}\n\n" + "\n\n".join(_command(parser))
        for name, parser in commands.choices.items()
    )


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    usage = parser.format_usage().strip().replace("\n" + " " * len("usage: "), "\n")
    yield f"```text\n{usage.removeprefix('usage: ')}\n```"
    rows = [
        (_names(action), _help(action, parser))
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction)
    ]
    yield _table(("argument", "what it does"), rows)
    examples, _, rest = (parser.epilog or "").partition("\n\n")
    if examples.startswith("examples:"):
        lines = [_example(line) for line in examples.splitlines()[1:]]
        yield "Examples:\n\n```sh\n" + "\n".join(lines) + "\n```"
        examples = rest
    if examples.strip():
        yield examples.strip()


def _example(line: str) -> str:
    command, _, about = line.strip().partition("   ")
    return f"{command.strip():46} # {about.strip()}" if about else command


def _names(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    if not action.option_strings:
        return f"`{name}`" + (" …" if action.nargs in ("*", "+") else "")
    value = "" if action.nargs == 0 else f" {action.metavar or name.upper()}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _help(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    sentences = [(action.help or "") % {"prog": parser.prog, "default": action.default}]
    if action.choices and action.metavar is None:
        sentences.append("one of " + ", ".join(f"`{choice}`" for choice in action.choices))
        if action.default:
            sentences[-1] += f" (default: `{action.default}`)"
    if action.option_strings and action.required:
        sentences.append("required")
    return "; ".join(filter(None, sentences))


def built_in() -> str:
    """The methods, metrics, datasets and encoders that come with the package, and their options."""
    os.environ["BENCH_PLUGINS"] = "0"  # not what happens to be installed
    loaded = registry.load()
    parts = [*_methods(loaded), *_metrics(loaded), *_datasets(loaded), *_encoders(loaded)]
    parts.append("## Options of training")
    for method in loaded.methods.values():
        if method.training is not None:
            parts.append(f"### bench train {method.name}")
            parts.append(_options(method.name, method.training.Options))
    return "\n\n".join(part for part in parts if part)


def _methods(loaded: Registry) -> Iterator[str]:
    yield "## Methods"
    yield _table(
        ("name", "family", "trains on", "after"),
        [
            (f"`{m.name}`", m.family, ", ".join(f"`{n}`" for n in m.trains_on), m.citation)
            for m in loaded.methods.values()
        ],
    )
    for method in loaded.methods.values():
        if rows := _options(method.name, method.Options):
            yield f"### Options of {method.name}"
            yield rows


def _metrics(loaded: Registry) -> Iterator[str]:
    yield "## Metrics"
    yield _table(
        ("id", "axis", "better", "unit", "by default", "training loss of", "caveat", "after"),
        [
            (
                f"`{metric.id}`",
                metric.axis,
                metric.direction,
                metric.unit,
                "yes" if metric.by_default else "no",
                ", ".join(metric.training_loss_of),
                metric.caveat,
                metric.citation,
            )
            for metric in loaded.metrics.values()
        ],
    )


def _datasets(loaded: Registry) -> Iterator[str]:
    yield "## Datasets"
    for dataset in loaded.datasets.values():
        yield f"### {dataset.name}"
        yield (dataset.__doc__ or "").strip().splitlines()[0]
        yield _options(dataset.name, dataset.Options)


def _encoders(loaded: Registry) -> Iterator[str]:
    yield "## Encoders"
    yield _table(
        ("name", "judge", "taps", "weights from", "licence", "after"),
        [
            (
                f"`{encoder.name}`",
                "yes" if encoder.judge else "no",
                ", ".join(f"`{tap}`" for tap in encoder.taps),
                encoder.weights.source,
                encoder.weights.licence,
                encoder.citation,
            )
            for encoder in loaded.encoders.values()
        ],
    )


def protocol(name: str) -> str:
    """What one protocol does, what was published beside it, and what is not reproduced."""
    preset = protocols.named(name)
    counts = [
        f"{count} {role}"
        for count, role in ((preset.contents, "contents"), (preset.styles, "styles"))
        if count is not None
    ]
    rows = [
        ("paper", preset.paper),
        ("pictures", f"dataset `{preset.dataset}`" + "".join(f", {text}" for text in counts)),
        ("sizes", ", ".join(f"{size} px" for size in preset.sizes)),
        ("squares", f"{_SQUARES[preset.square]}, {preset.filter}"),
        ("metrics", ", ".join(f"`{id_}`" for id_ in preset.metrics)),
        ("aggregation", "the mean over all pairs; FID and ArtFID of all pictures at once"),
    ]
    parts = [
        f"```sh\n{preset.command} --method metastyle\n```",
        _table(("what", "in this protocol"), rows),
        "Arguments that are given go before the protocol's, and the table then says in what the "
        "run differs from it. A metric whose weights are missing is `skipped`, and its footnote "
        "names the file.",
        "## Published figures",
        "Not measured here." if preset.published else "None could be read where this was written.",
    ]
    for figures in preset.published:
        lines = [
            (method, *("-" if number is None else f"{number:g}" for number in numbers))
            for method, numbers in figures.rows.items()
        ]
        parts += [f"From: {figures.source}.", _table(("method", *figures.columns), lines)]
    parts += ["## Not reproduced", "\n".join(f"- {text}" for text in preset.not_reproduced)]
    return "\n\n".join(parts)


_SQUARES = {"crop": "the centred square is cut out", "squash": "squashed, whatever the aspect"}


def _options(owner: str, cls: type[Any]) -> str:
    rows = [
        (f"`{owner}.{row['name']}`", row["type"], row["default"], row["range"], row["help"])
        for row in options.describe(cls)
    ]
    return _table(("option", "type", "default", "range", "what it is"), rows) if rows else ""


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
