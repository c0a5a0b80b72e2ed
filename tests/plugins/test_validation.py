"""What a plugin says of itself is looked at when it is loaded."""

from bench.plugins import registry


def test_options_that_no_run_could_record_are_refused_when_the_plugin_is_loaded(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("""
from dataclasses import dataclass
from bench import Method, hookimpl, option

@dataclass(frozen=True)
class Options:
    layers: tuple[str, ...] = option(("a",), "layers")

class Mine(Method):
    name, family, Options = "mine", "arbitrary", Options
    def stylize(self, content): return content

@hookimpl
def bench_methods(): return [Mine]
""")
    (broken,) = registry.load([str(file)]).broken
    assert broken.cause == (
        "option layers of mine is tuple[str, ...], which no command line gives and no run records: "
        "use int, float, bool, str, a Literal of these, or one of them | None"
    )
    file.write_text(file.read_text().replace("tuple[str, ...]", "int").replace('("a",)', '"a"'))
    assert "mine.layers=a is not a whole number" in registry.load([str(file)]).broken[0].cause
    file.write_text(file.read_text().replace('"a"', "1").replace('"mine"', '"My_Method"'))
    assert "'My_Method': use lower-case" in registry.load([str(file)]).broken[0].cause
