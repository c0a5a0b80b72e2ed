"""How a command of the pages is made small and run, and which are not run, and why."""

import re
import shlex

from helpers.doc_blocks import NOT_RUN, ROOT

SMALL = (
    (r"([\w-]+\.steps)=\d+", r"\1=2"),
    (r"(\w+)@\d+", r"\1@2"),
    (r"0,10,50(,200)?", "0,1,2"),
    (r"1,4,16,64", "1,2"),
)
"""What is made smaller in a command's words before it is run."""

MACHINE = ("--quiet", "--device", "cpu", "--precision", "float32")
BUDGET = {
    "score": ("--metric", "ssim", *MACHINE),
    "run": ("--profile", "smoke", *MACHINE),
    "adapt": ("--style-size", "64", *MACHINE),
    "stylize": ("--style-size", "64", *MACHINE),
    "train": MACHINE,
    "merge": ("--no-pictures",),
}
"""What goes at the end of a command before it is run; the last of two values counts."""

TINY = {
    "metastyle": ("steps=2", "batch=1", "size=32", "inference=plain"),
    "gatys": ("steps=2",),
    "johnson": ("steps=2", "batch=1", "size=32"),
}
FEW = {"run": {"metastyle": ("inference=plain",)}, "adapt": TINY, "stylize": TINY}
"""Options of methods that no profile sets: the first run elsewhere compiles and compares."""
TRAINED = {
    "metastyle": ("batch=1", "size=32", "style_size=32", "styles=1", "warm_steps=1"),
    "ghiasi": ("batch=2", "size=32", "style_size=32"),
}


def reason(words):
    """Why the command is not run; None where it is."""
    line = shlex.join(words)
    return next((why for pattern, why in NOT_RUN.items() if re.search(pattern, line)), None)


def small(words):
    """The command with tiny pictures and budgets, on the CPU."""
    command = words[1]
    words = [word.replace("$STYLES", str(ROOT / "datasets/pictures/style")) for word in words]
    for pattern, by in SMALL:
        words = [re.sub(f"^{pattern}$", by, word) for word in words]
    if command in BUDGET:
        for flag in ("--device", "--profile", "--styles", "--contents"):
            words = without(words, flag)
    if command == "train":
        words = [*without(words, "--minutes"), "--steps", "2" if "--resume" in words else "1"]
        for option in TRAINED[words[2]]:
            words += ["--option", f"{words[2]}.{option}"]
    if "--resume" not in words or command == "train":
        words = [*words, *BUDGET.get(command, ())]
    if command == "run" and "--resume" not in words:
        words += ["--styles", "1", "--contents", "1"]
    sizes = [index + 1 for index, word in enumerate(words) if word == "--size"]
    for turn, index in enumerate(sizes):
        words[index] = str(64 + 16 * turn)
    if command == "run" and not {"--content", "--style", "--dataset", "--resume"} & set(words):
        words += ["--dataset", "synthetic"]
    if command == "run" and not {"--metric", "--resume"} & set(words):
        words += ["--metric", "gram/1@vgg16-bsds", "--metric", "content/1@vgg16-bsds"]
    method = words[words.index("--method") + 1] if "--method" in words else "metastyle"
    if "--resume" in words:
        return words
    if command in FEW and method in FEW[command] and "--weights" not in words:
        for option in FEW[command][method]:
            words += ["--option", f"{method}.{option}"]
    return words


def without(words, flag):
    """The words without a flag and its values."""
    kept = list(words)
    while flag in kept:
        del kept[kept.index(flag) : kept.index(flag) + 2]
    return kept
