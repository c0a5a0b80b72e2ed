"""What stands in fenced blocks of Markdown: files, and commands as a shell would read them."""

import argparse
import re
import shlex

from helpers.checkout import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```([\w-]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)

FOREIGN = {
    "pip": "installs packages",
    "uv": "installs packages",
    "tox": "makes environments; each is a job of CI",
    "pytest": "runs this suite, or that of a new package (tests/plugins/test_scaffold.py)",
    "cd": "goes with one of these",
    "tools/gpu_report.sh": "half an hour on a GPU (tests/tools/test_gpu_report.py)",
}
"""Commands that are not bench's, and why no test of the pages runs them."""

NOT_RUN = {
    "^bench study": "trains several networks (tests/study)",
    "^bench report --runs ablations/": "of the runs of such a study (tests/study)",
    "^bench vote": "serves until Ctrl-C (tests/vote)",
    "^bench demo": "takes a minute (tests/commands/test_demo.py)",
    "^bench export": "exports for half a minute (tests/commands/test_export.py)",
    "^bench gate": "runs two revisions for half a minute (tests/compare)",
    "^bench weights fetch": "downloads (tests/weights/test_downloads.py)",
    "^bench run .*--runtime": "exports for half a minute (tests/run/test_runtime_rows.py)",
    "^bench run .*--on ": "starts workers on other machines (tests/run/test_distribution.py)",
    "^bench run .*--protocol": "needs the pictures of a paper (tests/test_protocols.py)",
    "^bench run .*--metric clip-style": "needs weights (tests/metrics/test_embeddings.py)",
    "^bench run .*--method (microast|styleid-diffusion)": (
        "needs weights to download (tests/project/test_published.py)"
    ),
    "vgg1[69](?!-)": "needs torchvision's weights, to download (tests/test_perceptual.py)",
    "--recipe paper": "has torchvision's VGG16 as its loss network (tests/commands/test_train.py)",
}
"""Commands of bench, as patterns, that are parsed, their names looked up, and not run, and why."""


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page):
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def files(page):
    """The whole files on a page: blocks that begin with `# name.py`."""
    titles = (re.match(r"# (\w+\.py)\n", block) for _, block in blocks(page))
    return {found[1]: found.string for found in titles if found}


def commands(page):
    """Every command on a page, split into words; comments and shell variables left out."""
    found = []
    for language, block in blocks(page):
        if language not in ("", "sh"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words[:1] == ["torchrun"]:  # starts the command after its own arguments
                    words = words[words.index("-m") + 1 :]
                # README's blocks also hold a listing of folders
                if words and (language == "sh" or words[0] in ("bench", *FOREIGN)):
                    found.append(words)
    return found


def parse(words):
    """As `bench` would; wrong usage raises with the parser's message."""
    from bench.cli import parser

    try:
        return parser().parse_args(words[1:])
    except SystemExit as error:
        raise AssertionError(f"{shlex.join(words)} is not understood") from error


def check_names(words):
    """The plugins and options that a command names are there, and the values fit."""
    from bench import options
    from bench.plugins import registry

    args = argparse.Namespace(
        **{"method": [], "metric": [], "option": [], "plugin": [], "dataset": None}
        | vars(parse(words))
    )
    targets = [target for target in getattr(args, "target", ()) if target.endswith(".py")]
    loaded = registry.load([*args.plugin, *targets])
    loaded.require()
    rows = {}
    for text in [args.method] if isinstance(args.method, str) else args.method or []:
        alias, equals, behind = text.partition("=")
        rows[alias] = loaded.method(behind if equals else alias)
    for metric in args.metric:
        loaded.metric(metric)
    if args.dataset:
        loaded.dataset(args.dataset)
    for owner, values in options.parse_pairs(args.option).items():
        cls = rows.get(owner) or loaded.datasets.get(owner) or loaded.method(owner)
        chosen = cls.training.Options if words[1] == "train" else cls.Options
        options.build(chosen, values, owner)
