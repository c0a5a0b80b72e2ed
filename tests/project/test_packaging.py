import ast
import importlib
import importlib.metadata
import importlib.util
import re
import subprocess
import sys

import pytest
from helpers.checkout import ROOT
from helpers.whole import WHOLE, is_whole

import bench
from bench import hooks
from bench.plugins.registry import KINDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
FOLDERS = ("methods", "metrics", "datasets")


def folder_of(package):
    return SETUPTOOLS["package-dir"].get(package, package.replace(".", "/"))


def imported(file):
    """Names of the modules that a file imports anywhere, relative ones with their dots."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_plugin_folders_are_installed_below_bench(folder):
    assert SETUPTOOLS["package-dir"][f"bench.{folder}"] == folder
    assert f"bench.{folder}" in SETUPTOOLS["packages"]
    spec = importlib.util.find_spec(f"bench.{folder}")
    assert spec is not None
    assert (ROOT / folder / "__init__.py").is_file()


@pytest.mark.parametrize("folder", [".", "bench", *FOLDERS])
def test_no_package_is_missing_from_the_wheel(folder):
    """A folder with Python files that is not in `packages` works when editable, and only then."""
    below = {path.parent for path in (ROOT / folder).glob("*/**/*.py")}
    if folder == ".":
        assert set(SETUPTOOLS["package-dir"].values()) == {"bench", *FOLDERS}
    else:
        packages = {".".join(path.relative_to(ROOT).parts) for path in below}
        assert packages <= set(SETUPTOOLS["packages"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_plugins_import_siblings_relatively_and_otherwise_only_the_core(folder):
    for file in (ROOT / folder).glob("*.py"):
        for name in imported(file):
            parts = name.split(".")
            assert parts[0] not in FOLDERS, f"{file.name} imports {name}"
            assert parts[:2] not in [["bench", other] for other in FOLDERS], f"{file.name}: {name}"
            assert not name.startswith(".."), f"{file.name} imports {name}"


def test_the_core_names_plugins_only_as_strings():
    for file in (ROOT / "bench").rglob("*.py"):
        for name in imported(file):
            parts = name.split(".")
            assert parts[:2] not in [["bench", folder] for folder in FOLDERS], f"{file}: {name}"
            assert parts[0] not in FOLDERS, f"{file.name} imports {name}"


def test_every_data_file_of_the_packages_is_package_data():
    packaged = {
        path
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in (ROOT / folder_of(package)).glob(pattern)
    }
    listed = subprocess.run(
        ["git", "ls-files", "-z", "bench", *FOLDERS], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("no git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name and name[-3:] != ".py"]
    assert ROOT / "bench" / "py.typed" in files
    assert [file for file in files if file not in packaged] == []


def test_rooms_of_tests_are_packages_and_tests_itself_is_none():
    """Modules of one name have tests of one name, and the checkout is not on the path."""
    bench_, tests = ROOT / "bench", ROOT / "tests"
    rooms = {file.parent.relative_to(bench_) for file in bench_.rglob("*/__init__.py")}
    packages = {file.parent for file in tests.rglob("__init__.py")}
    assert packages == {tests / room for room in (*rooms, *FOLDERS)}
    loose = [file for file in tests.rglob("*.py") if file.parent not in packages]
    names = [file.name for file in loose if file.name != "conftest.py"]
    assert len(names) == len(set(names))


def test_version_is_the_installed_one_and_is_in_the_changelog_form():
    assert importlib.metadata.version("metastyle-bench") == bench.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(bench.__version__)}\] - \d{{4}}-\d\d-\d\d", headings[1])
    kinds = set(re.findall(r"^### (.*)$", changelog, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_licence_names_the_authors():
    assert PROJECT["project"]["license"] == "MIT"
    assert "The metastyle-bench authors" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_every_hook_has_a_kind_and_a_docstring_that_says_what_takes_its_names():
    specs = {name for name in vars(hooks) if name.startswith("bench_")}
    assert specs == set(KINDS)
    for name in specs:
        assert "takes" in getattr(hooks, name).__doc__


@pytest.mark.parametrize(
    "module", ["bench", "bench.contract", "bench.hooks", "bench.options", "bench.plugins.registry"]
)
def test_light_modules_import_neither_torch_nor_pandas(module):
    code = f"import sys, {module}; print(*{{'torch', 'pandas', 'scipy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_fast_leaves_out_what_is_listed_and_nothing_else():
    tests = ROOT / "tests"
    assert [name for name in WHOLE if not (tests / name).exists()] == []
    assert is_whole(tests / "study/test_studies.py")
    assert is_whole(tests / "project/test_docs.py")
    assert not is_whole(tests / "project/test_packaging.py")


def test_tox_has_the_environments_that_ci_runs():
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    jobs = re.search(r"env: \[(.+)\]", workflow)
    assert jobs
    for name in jobs[1].split(", "):
        assert name == "py" or f"[testenv:{name}]" in tox
    run = re.search(r"tox\" run -e (\S+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert run
    assert set(run[1].split(",")) <= set(jobs[1].split(", "))


NAME = re.compile(r"(?<![\w./-])bench(?:\.[A-Za-z_]\w*)+")


def is_there(dotted):
    """Whether a dotted name is a module, or something in one; of a class its fields too."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for name in parts[count:]:
            if name in getattr(found, "__annotations__", {}):
                return True
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


@pytest.mark.parametrize("folder", ["bench", *FOLDERS, "docs", "examples", "tools", "README.md"])
def test_what_texts_name_is_there(folder):
    """A module that has moved is named in docstrings, pages and templates too."""
    place = ROOT / folder
    kinds = {".py", ".md", ".jinja", ".ipynb"}
    files = [place] if place.is_file() else [f for f in place.rglob("*") if f.suffix in kinds]
    assert files
    old = {"worker.py"}  # it runs older versions, and names their modules
    named = {
        (name, str(file.relative_to(ROOT)))
        for file in files
        if file.name not in old
        for name in NAME.findall(file.read_text(encoding="utf-8"))
    }
    assert [(name, file) for name, file in sorted(named) if not is_there(name)] == []


def requirement(text):
    """A requirement's name and its range, without the marker."""
    name, range_ = re.fullmatch(r"([\w.-]+)(?:\[.*?\])?([^;]*).*", text).groups()
    return name, range_.strip()


def install_table(heading):
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]
    return [[cell.strip("` ") for cell in row] for row in rows]


def test_every_dependency_has_a_range_and_a_reason():
    """One without an upper end says why it is open."""
    listed = {
        name: (range_.replace(" ", ""), why)
        for name, range_, why in install_table("What it rests on")
    }
    required = dict(requirement(text) for text in PROJECT["project"]["dependencies"])
    assert {name: range_ for name, (range_, _) in listed.items()} == required
    for name, range_ in required.items():
        assert range_.startswith(">="), name
        reason = listed[name][1]
        assert (
            "<" in range_ or "Open above" in reason or "its bound is" in reason or "numpy" in name
        )
    assert all(why for _, why in listed.values())


def test_every_extra_is_in_one_table_and_its_packages_have_ranges_with_both_ends():
    extras = PROJECT["project"]["optional-dependencies"]
    assert [row[0] for row in install_table("Extras")] == list(extras)
    for extra, texts in extras.items():
        for name, range_ in map(requirement, texts):
            own = name == PROJECT["project"]["name"]
            assert own or re.fullmatch(r">=[\w.]+,<[\w.]+", range_), f"{extra}: {name}{range_}"


def test_every_file_of_weights_has_a_licence_in_the_metadata():
    """By a card of its own or a heading in the notice; both are licence files of the wheel."""
    patterns = PROJECT["project"]["license-files"]
    listed = {path for pattern in patterns for path in ROOT.glob(pattern)}
    notice = (ROOT / "bench" / "weights" / "NOTICE.md").read_text(encoding="utf-8")
    shipped = sorted((ROOT / "bench" / "weights").glob("*.safetensors"))
    assert len(shipped) > 10
    for file in shipped:
        card = file.with_suffix(".md")
        text = card.read_text(encoding="utf-8") if card in listed else ""
        assert "icen" in text or file.name in notice, file.name


def test_what_uvx_looks_for_is_there():
    scripts = PROJECT["project"]["scripts"]
    assert scripts[PROJECT["project"]["name"]] == scripts["bench"]


def test_ci_checks_what_was_installed():
    for file in (".github/workflows/ci.yml", "tools/try_wheel.py"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert "pip check" in text or '"pip", "check"' in text, file
