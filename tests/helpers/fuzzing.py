"""What fuzz tests share: how long they go on, and JSON that is not what it should be.

In the ordinary suite a campaign is a few dozen examples, always the same; under `tox -e fuzz` each
goes on for BENCH_FUZZ_SECONDS with ever new ones.
"""

import contextlib
import json
import os
import signal
import sys
import time

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SECONDS = float(os.environ.get("BENCH_FUZZ_SECONDS", "0"))
HANG_SECONDS = 60

# At its first example Hypothesis asks who refers to its source of randomness, which is not found
# once `conftest` has frozen what there is: so the first one is here.
settings(max_examples=1, database=None)(given(st.none())(lambda _: None))()


def campaign(check, strategy, examples, shrink=True):
    """Call `check` with what the strategy draws: `examples` times, and on until time is up.

    How many tries that were is said on standard error, where time counts.
    """
    end = time.monotonic() + SECONDS
    number = tries = 0

    def counted(drawn):
        nonlocal tries
        tries += 1
        check(drawn)

    while not number or time.monotonic() < end:
        tried = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *[Phase.shrink] * shrink],
        )(given(strategy)(_watched(counted)))
        seed(number)(tried)()
        number += 1
    if SECONDS:
        sys.stderr.write(f"\n{tries} tries of {check.__qualname__}\n")


def _watched(check):
    def watched(drawn):
        with no_hang():
            check(drawn)

    return watched


@contextlib.contextmanager
def no_hang():
    """Fail what takes longer than `HANG_SECONDS`; where there are no alarms, the suite's limit."""
    if not SECONDS or not hasattr(signal, "setitimer"):
        yield
        return

    def over(*_):
        raise TimeoutError(f"it hangs: more than {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


DROP = object()
"""Instead of a value: the field is not there at all."""


def deep(levels):
    """A list in a list in a list ..."""
    value = 0
    for _ in range(levels):
        value = [value]
    return value


HOSTILE = (
    DROP, None, True, False, 0, 1, -1, 2, 7, 10**6, 2**31, 2**53 + 1, 2**63, -(2**64), 10**400,
    0.0, -0.0, 0.5, -1.5, 5e-324, 1e-300, 1e9, 1e99, 1e300, -1e308, float("nan"), float("inf"),
    -float("inf"), "", "x", "ok", "core", "..", "../../../etc/passwd", "/dev/zero", "a\0b",
    "\udcff", "\u202e{}%s\x1b[31m", "<script>", "=1+1", "5", "n" * 5000, [], [0], ["x"], [None],
    [[]], {}, {"": None}, {"x": 1}, {"core": {}}, deep(14), deep(400), {"a": {"b": {"c": [1]}}},
)  # fmt: skip


def paths(value, path=()):
    """The place of every value inside a value, its own being ()."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value[:3]) if isinstance(value, list) else inner  # alike from there on
    for key, each in inner:
        yield from paths(each, (*path, key))


def changed(value, path, new):
    """A copy of a value with another one at one place."""
    if not path:
        return None if new is DROP else new
    head, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    if not rest and new is DROP:
        del copy[head]
    else:
        copy[head] = changed(copy[head], rest, new)
    return copy


def text_of(value):
    """JSON as a careless writer leaves it, NaN among it."""
    return json.dumps(value, allow_nan=True)


def values():
    """What may stand where something else should."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    return st.sampled_from(HOSTILE) | st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )


def mutants(documents):
    """Of some documents by name: a name, and its text with up to three values changed.

    Sometimes the text is cut, or is none at all.
    """
    places = {name: list(paths(value)) for name, value in documents.items()}

    @st.composite
    def drawn(draw):
        name = draw(st.sampled_from(sorted(documents)))
        value = documents[name]
        for path in draw(st.lists(st.sampled_from(places[name]), min_size=1, max_size=3)):
            with contextlib.suppress(KeyError, IndexError, TypeError):  # gone by an earlier change
                value = changed(value, path, draw(values()))
        text = text_of(value).encode("utf-8", "surrogatepass")
        if draw(st.integers(0, 19)) == 0:
            text = text[: draw(st.integers(0, len(text)))]
        return name, draw(st.binary(max_size=40)) if draw(st.integers(0, 39)) == 0 else text

    return drawn()
