"""What tests of plugins share."""

MINE = """
from bench import Method, hookimpl

class Mine(Method):
    name = "{name}"
    family = "arbitrary"

    def stylize(self, content):
        return content

@hookimpl
def bench_methods():
    return [Mine]
"""


def one_broken(registry):
    (broken,) = registry.broken
    assert "\n" not in broken.cause
    return broken
