import json
import subprocess
import sys
import textwrap

import pytest

from bench.errors import BenchError
from bench.plugins.listing import SECTIONS, describe
from bench.plugins.registry import load

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


@pytest.fixture(autouse=True)
def _no_installed_plugins(monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")


@pytest.fixture
def plugin(tmp_path):
    def write(text, file="mine.py"):
        path = tmp_path / file
        path.write_text(textwrap.dedent(text))
        return str(path)

    return write


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lay a distribution with entry points on sys.path, as pip would."""
    monkeypatch.delenv("BENCH_PLUGINS")
    monkeypatch.syspath_prepend(tmp_path)

    def lay(name, points, **modules):
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(text))
            monkeypatch.delitem(sys.modules, module, raising=False)
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = "\n".join(f"{point} = {value}" for point, value in points.items())
        (info / "entry_points.txt").write_text(f"[bench]\n{lines}\n")

    return lay


def one_broken(registry):
    (broken,) = registry.broken
    assert "\n" not in broken.cause
    return broken


def test_every_built_in_plugin_works_and_comes_from_its_file():
    registry = load()
    assert registry.broken == []
    assert {"identity", "style-copy"} <= set(registry.methods)
    identity = registry.origin("methods", "identity")
    assert (identity.name, identity.source) == ("methods.identity", "built-in")
    assert identity.file.name == "identity.py"
    assert identity.hooks == ("bench_methods",)
    assert identity.provides == {"methods": ("identity",)}
    assert registry.encoder("efficientnet-lite0").taps[0] == "stem"
    assert not any("._" in info.name for info in registry.plugins)


def test_names_belong_to_what_is_under_them():
    registry = load()
    for kind in ("methods", "datasets", "encoders"):
        table = getattr(registry, kind)
        assert list(table) == sorted(table)
        assert all(thing.name == name for name, thing in table.items())
    assert all(metric.id == name for name, metric in registry.metrics.items())


def test_a_file_given_by_the_user(plugin, tmp_path):
    path = plugin(MINE.format(name="mine"))
    before = list(sys.path)
    registry = load([path])
    assert registry.method("mine").name == "mine"
    assert registry.origin("methods", "mine").source == f"file {path}"
    assert sys.path == before
    registry.require()


def test_a_module_given_by_the_user(plugin, tmp_path, monkeypatch):
    plugin(MINE.format(name="mine"), "given_module.py")
    monkeypatch.syspath_prepend(tmp_path)
    registry = load(["given_module"])
    assert registry.origin("methods", "mine").source == "module given_module"


def test_a_file_may_hold_dataclasses_with_postponed_annotations(plugin):
    text = MINE.replace("class Mine(Method):", "class Mine(Method):\n    Options = Knobs")
    head = """
    from __future__ import annotations
    from dataclasses import dataclass
    from bench import option

    @dataclass(frozen=True)
    class Knobs:
        steps: int = option(7, "how many")
    """
    registry = load([plugin(textwrap.dedent(head) + text.format(name="mine"))])
    assert "mine.steps" in describe(registry, "options")


def test_the_same_file_is_loaded_once(plugin):
    path = plugin(MINE.format(name="mine"))
    registry = load([path, path])
    assert [info.name for info in registry.plugins].count("mine") == 1
    assert registry.broken == []


def test_a_built_in_file_named_by_the_user_is_the_built_in():
    file = load().origin("methods", "identity").file
    assert load([str(file)]).broken == []


def test_two_files_of_one_name_are_two_plugins(plugin, tmp_path):
    (tmp_path / "other").mkdir()
    paths = [
        plugin(MINE.format(name="first")),
        plugin(MINE.format(name="second"), "other/mine.py"),
    ]
    assert {"first", "second"} <= set(load(paths).methods)


def test_strangers_are_listed_after_built_ins_in_alphabetical_order(plugin):
    names = ["zz", "aa", "mm"]
    paths = [plugin(MINE.format(name=f"{name}-method"), f"{name}.py") for name in names]
    registry = load(paths)
    assert list(registry.methods)[-3:] == ["aa-method", "mm-method", "zz-method"]
    assert [info.name for info in registry.plugins][-3:] == ["aa", "mm", "zz"]
    assert registry.plugins[0].source == "built-in"


FAULTS = {
    "syntax": ("def broken(:\n", "SyntaxError"),
    "missing import": ("import no_such_package\n", "No module named 'no_such_package'"),
    "exit": ("raise SystemExit('goodbye')\n", "SystemExit: goodbye"),
    "quiet exit": ("import sys\nsys.exit()\n", "SystemExit"),
    "many lines": ("raise ValueError('first\\nsecond')\n", "ValueError: first ("),
    "no hook": ("x = 1\n", "@hookimpl"),
    "bare hook": ("def bench_methods():\n    return []\n", "mark bench_methods with @hookimpl"),
    "misspelt": (
        "from bench import hookimpl\n@hookimpl\ndef bench_method():\n    return []\n",
        "unknown hook 'bench_method'; did you mean bench_methods",
    ),
    "argument": (
        "from bench import hookimpl\n@hookimpl\ndef bench_methods(config):\n    return []\n",
        "config",
    ),
    "raises": (
        "from bench import hookimpl\n@hookimpl\ndef bench_methods():\n    return 1 / 0\n",
        "ZeroDivisionError: division by zero",
    ),
    "nothing": (
        "from bench import hookimpl\n@hookimpl\ndef bench_methods():\n    pass\n",
        "bench_methods returned nothing",
    ),
    "class for list": (MINE.format(name="mine").replace("[Mine]", "Mine"), "return a list"),
    "text for list": (MINE.format(name="mine").replace("[Mine]", "'mine'"), "return a list"),
    "object of a method": (
        MINE.format(name="mine").replace("[Mine]", "[Mine()]"),
        "bench_methods makes an object: return the class itself, [Mine] and not [Mine()]",
    ),
    "object of a dataset": (
        """
        from bench import Dataset, hookimpl

        class Mine(Dataset):
            name = "mine"
            def contents(self):
                return []
            def styles(self):
                return []

        @hookimpl
        def bench_datasets():
            return [Mine()]
        """,
        "Mine() is an object: return the class itself, [Mine]",
    ),
    "object for class": (MINE.format(name="mine").replace("[Mine]", "[3]"), "no subclass of"),
    "foreign class": (MINE.format(name="mine").replace("[Mine]", "[dict]"), "no subclass of"),
    "abstract": (MINE.format(name="mine").replace("stylize", "stylise"), "write its stylize"),
    "no name": (MINE.format(name="mine").replace("name =", "title ="), "Mine.name = None"),
    "space": (MINE.format(name="my own"), "Mine.name = 'my own'"),
    "slash": (MINE.format(name="my/own"), "Mine.name = 'my/own'"),
    "empty name": (MINE.format(name=""), "Mine.name = ''"),
    "no family": (MINE.format(name="mine").replace("family =", "kin ="), "Mine.family = None"),
    "odd family": (MINE.format(name="mine").replace('"arbitrary"', '"odd"'), "choose one of"),
    "weights": (
        MINE.format(name="mine").replace("    family", "    weights = ('a.pth',)\n    family"),
        "weights must be",
    ),
    "options": (
        MINE.format(name="mine").replace("    family", "    Options = dict\n    family"),
        "Mine.Options must be a dataclass",
    ),
    "duplicate": (MINE.format(name="identity"), "'identity' is already there"),
    "twice": (MINE.format(name="mine").replace("[Mine]", "[Mine, Mine]"), "'mine' twice"),
    "metric class": (
        """
        from bench import Metric, hookimpl

        class M(Metric):
            name, axis = "m", "style"
            def score(self, stylized, content, style):
                return 0.0

        @hookimpl
        def bench_metrics():
            return [M]
        """,
        "return objects",
    ),
    "metric axis": (
        """
        from bench import Metric, hookimpl

        class M(Metric):
            name = "m"
            def score(self, stylized, content, style):
                return 0.0

        @hookimpl
        def bench_metrics():
            return [M()]
        """,
        "M.axis = None",
    ),
    "encoder weights": (
        """
        from bench import Encoder, hookimpl

        class E(Encoder):
            name, taps, content_tap = "e", ("a",), "a"
            def build(self):
                raise NotImplementedError

        @hookimpl
        def bench_encoders():
            return [E()]
        """,
        "weights must be a bench.Weights",
    ),
    "encoder tap": (
        """
        from bench import Encoder, Weights, hookimpl

        class E(Encoder):
            name, taps, content_tap = "e", ("a",), "b"
            weights = Weights("e.pth", None, "nowhere", "MIT")
            def build(self):
                raise NotImplementedError

        @hookimpl
        def bench_encoders():
            return [E()]
        """,
        "E.content_tap = 'b': choose one of a",
    ),
    "dataset": (
        """
        from bench import Dataset, hookimpl

        class D(Dataset):
            name = "d"
            def contents(self):
                return []

        @hookimpl
        def bench_datasets():
            return [D]
        """,
        "D is abstract: write its styles",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_plugin_is_listed_with_its_cause_and_hurts_nobody(fault, plugin):
    text, cause = FAULTS[fault]
    bad = plugin(text, "bad.py")
    good = plugin(MINE.format(name="good"), "good.py")
    registry = load([bad, good])
    broken = one_broken(registry)
    assert (broken.name, broken.source) == ("bad", f"file {bad}")
    assert cause in broken.cause
    assert "good" in registry.methods
    assert set(registry.methods) == {*load().methods, "good"}
    with pytest.raises(BenchError, match=r"^plugin bad \(file .*bad\.py\) is broken: "):
        registry.require()


@pytest.mark.parametrize("fault", ["syntax", "missing import", "exit", "raises"])
def test_the_cause_says_where(fault, plugin):
    path = plugin(FAULTS[fault][0])
    line = {"raises": 4}.get(fault, 1)
    file = "mine.py" if fault == "exit" else path
    assert one_broken(load([path])).cause.endswith(f"({file}:{line})")


def test_ctrl_c_is_no_fault_of_a_plugin(plugin):
    with pytest.raises(KeyboardInterrupt):
        load([plugin("raise KeyboardInterrupt\n")])


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ("nowhere/mine.py", "no such file"),
        ("no_such_module", "no module named no_such_module: install it"),
        ("email.no_such_module", "no module named email.no_such_module"),
    ],
)
def test_what_is_not_there(given, cause):
    assert cause in one_broken(load([given])).cause


def test_a_folder_and_a_file_of_another_kind_are_refused(plugin, tmp_path):
    assert "is a folder" in one_broken(load([str(tmp_path)])).cause
    assert "not a Python file" in one_broken(load([plugin("", "mine.txt")])).cause


def test_a_plugin_that_fails_leaves_no_module_behind(plugin):
    load([plugin("raise ValueError\n", "leftover.py")])
    assert not any("leftover" in name for name in sys.modules)


def test_the_later_of_two_plugins_with_one_name_is_refused(plugin):
    first, second = (plugin(MINE.format(name="mine"), f"{n}.py") for n in ("zfirst", "asecond"))
    registry = load([first, second])
    assert registry.origin("methods", "mine").name == "zfirst"
    broken = one_broken(registry)
    assert broken.name == "asecond"
    assert "from zfirst" in broken.cause


def test_a_plugin_is_taken_whole_or_not_at_all(plugin):
    text = MINE.format(name="mine") + textwrap.dedent(
        """
        @hookimpl
        def bench_metrics():
            raise RuntimeError("no metrics today")
        """
    )
    registry = load([plugin(text)])
    assert "mine" not in registry.methods
    assert "no metrics today" in one_broken(registry).cause


def test_installed_plugins(install):
    install("stranger", {"mine": "stranger_code"}, stranger_code=MINE.format(name="mine"))
    registry = load()
    assert registry.broken == []
    info = registry.origin("methods", "mine")
    assert (info.name, info.source) == ("mine", "entry point stranger 1.2")
    assert info.file.name == "stranger_code.py"


def test_entry_points_are_loaded_one_by_one(install):
    install(
        "stranger",
        {"bad": "bad_code", "gone": "gone_code", "mine": "good_code", "object": "good_code:Mine"},
        bad_code="import no_such_package\n",
        good_code=MINE.format(name="mine"),
    )
    registry = load()
    assert "mine" in registry.methods
    causes = {broken.name: broken.cause for broken in registry.broken}
    assert set(causes) == {"bad", "gone", "object"}
    assert "no_such_package" in causes["bad"]
    assert "gone_code" in causes["gone"]
    assert "has no hook" in causes["object"]
    registry.require()  # nobody asked for these by name


def test_installed_plugins_can_be_switched_off(install, monkeypatch):
    install("stranger", {"mine": "stranger_code"}, stranger_code=MINE.format(name="mine"))
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    assert "mine" not in load().methods


def test_an_installed_plugin_given_again_by_module_or_file_is_the_same(install, tmp_path):
    install("stranger", {"mine": "stranger_code"}, stranger_code=MINE.format(name="mine"))
    registry = load(["stranger_code", str(tmp_path / "stranger_code.py")])
    assert registry.broken == []
    assert registry.origin("methods", "mine").source == "entry point stranger 1.2"


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("method", "identiy", "unknown method 'identiy'; did you mean identity?"),
        ("encoder", "efficientnet_lite", "did you mean efficientnet-lite0"),
        ("dataset", "zzzz", "unknown dataset 'zzzz'; known: "),
        ("method", "mine", "(for your own: --plugin FILE)"),
        ("metric", "zzzz", "unknown metric 'zzzz'; known: "),
    ],
)
def test_an_unknown_name(kind, name, message):
    with pytest.raises(BenchError) as caught:
        getattr(load(), kind)(name)
    assert message in str(caught.value)


def test_a_metric_by_id_or_by_name(plugin):
    text = """
    from bench import Metric, hookimpl

    class M(Metric):
        name, axis = "stranger", "style"
        def __init__(self, encoder=None):
            self.encoder = encoder
        def score(self, stylized, content, style):
            return 0.0

    @hookimpl
    def bench_metrics():
        return [M(), M("vgg16")]
    """
    registry = load([plugin(text)])
    assert [m.id for m in registry.metric("stranger")] == ["stranger/1", "stranger/1@vgg16"]
    assert [m.id for m in registry.metric("stranger/1@vgg16")] == ["stranger/1@vgg16"]
    with pytest.raises(BenchError, match=r"did you mean .*stranger/1@vgg16"):
        registry.metric("stranger/2@vgg16")


def test_a_name_of_a_broken_plugin_says_so(install):
    install("stranger", {"my-method": "bad_code"}, bad_code="import no_such_package\n")
    registry = load()
    with pytest.raises(BenchError, match=r"'my_method'; plugin my-method .* is broken: .*no_such"):
        registry.method("my_method")
    with pytest.raises(BenchError, match=r"unknown method 'other'; known: "):
        registry.method("other")


def test_an_unknown_name_beside_a_broken_plugin_that_was_asked_for(plugin):
    registry = load([plugin("import no_such_package\n", "helper.py")])
    with pytest.raises(BenchError, match=r"unknown method 'mine'; plugin helper .*no_such"):
        registry.method("mine")


def test_listing_has_every_section_and_every_fault(plugin):
    registry = load([plugin(MINE.format(name="mine")), "nowhere.py"])
    text = describe(registry)
    for section in SECTIONS:
        assert any(line.startswith(section) for line in text.splitlines())
    assert "no such file" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_listing_as_json(plugin):
    path = plugin(MINE.format(name="mine"))
    listed = json.loads(describe(load([path]), format="json"))
    assert tuple(listed) == SECTIONS
    (row,) = [row for row in listed["methods"] if row["name"] == "mine"]
    assert row["family"] == "arbitrary"
    assert row["source"] == f"file {path}"
    assert listed["broken"] == []


def test_listing_one_section_and_an_unknown_one():
    registry = load()
    assert describe(registry, "encoders").startswith("encoders\n")
    assert describe(registry, "broken") == "broken: none"
    with pytest.raises(BenchError, match="did you mean methods"):
        describe(registry, "method")


def test_listing_says_which_weights_are_missing(monkeypatch):
    registry = load()
    encoder = registry.encoder("efficientnet-lite0")
    monkeypatch.setattr(type(encoder), "folders", lambda self: ())
    monkeypatch.setenv("BENCH_WEIGHTS", "/nowhere")
    (row,) = [
        row
        for row in json.loads(describe(registry, "encoders", "json"))["encoders"]
        if row["name"] == encoder.name
    ]
    assert row["weights"] == f"missing ({encoder.weights.source})"


def test_listing_finds_weights_that_another_package_brings(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_WEIGHTS", "/nowhere")
    registry = load()
    method = registry.method("magenta-ghiasi")
    monkeypatch.setattr(method, "folders", classmethod(lambda cls: (tmp_path,)))

    def listed():
        rows = json.loads(describe(registry, "methods", "json"))["methods"]
        return next(row["weights"] for row in rows if row["name"] == method.name)

    assert all(text.startswith("missing (") for text in listed())
    for item in method.weights:
        (tmp_path / item.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / item.file).write_bytes(b"")
    assert listed() == ["present"] * len(method.weights)


def test_the_registry_itself_imports_no_torch():
    code = "import sys; from bench.plugins import listing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
