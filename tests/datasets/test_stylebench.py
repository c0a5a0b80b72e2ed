"""Styles of several pictures: from the folder to the method, the metrics and the table's note."""

import numpy as np
import pytest
from bench.datasets.stylebench import Options, StyleBench
from PIL import Image

from bench import results
from bench.cli import main
from bench.errors import BenchError
from bench.report import assembly, rows
from bench.run.inputs import read_cell

PLUGIN = '''
from bench import Method, Metric, SetMetric, SetScore, hookimpl

class All(Method):
    """Paints the mean colour of all of a style's pictures."""
    name = "takes-all"
    family = "arbitrary"
    citation = "none"
    several = True
    def adapt(self, style): self.color = style.mean((0, 2, 3)).view(1, 3, 1, 1)
    def stylize(self, content): return self.color.expand_as(content).clone()

class First(All):
    """The same of the first one."""
    name = "takes-one"
    several = False

class Shade(Metric):
    """How much lighter or darker than the style."""
    name = "shade"
    axis = "style"
    citation = "none"
    def score(self, stylized, content, style):
        return abs(stylized.mean() - style.mean()).item()

class Shades(SetMetric):
    """The mean shade of the styles."""
    name = "shades"
    axis = "style"
    citation = "none"
    def score_set(self, pictures):
        found = [style.mean().item() for _, _, style in pictures]
        return SetScore(sum(found) / len(found))

@hookimpl
def bench_methods(): return [All, First]
@hookimpl
def bench_metrics(): return [Shade(), Shades()]
'''


def paint(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 40), (shade, shade, shade)).save(path)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two contents; a style of two pictures, and one of a single file."""
    tmp_path = tmp_path_factory.mktemp("stylebench")
    for n, name in enumerate(("a.png", "b.png")):
        noise = np.random.default_rng(n).integers(0, 256, (40, 48, 3), np.uint8)
        paint(tmp_path / "content" / name, 0)
        Image.fromarray(noise).save(tmp_path / "content" / name)
    paint(tmp_path / "style" / "ink" / "1.png", 51)
    paint(tmp_path / "style" / "ink" / "2.png", 153)
    paint(tmp_path / "style" / "wool.png", 204)
    return tmp_path


def test_a_folder_is_a_style_of_all_its_pictures(root):
    dataset = StyleBench(Options(root=str(root)))
    ink, wool = dataset.styles()
    assert [p.name for p in ink.references] == ["ink", "ink 2"]
    assert [p.path.name for p in ink.references] == ["1.png", "2.png"]
    assert (wool.name, wool.more) == ("wool", ())
    assert [p.name for p in dataset.contents()] == ["a", "b"]
    before = dataset.fingerprint()
    paint(root / "style" / "ink" / "2.png", 154)
    assert StyleBench(Options(root=str(root))).fingerprint() != before
    paint(root / "style" / "ink" / "2.png", 153)


def test_styles_have_names_of_their_own(tmp_path):
    for name in ("v1.1/a.png", "v1.2/a.png", "oil/a.png", "oil.png"):
        paint(tmp_path / "style" / name, 9)
    names = [style.name for style in StyleBench(Options(root=str(tmp_path))).styles()]
    assert sorted(names) == ["oil", "oil-2", "v1.1", "v1.2"]


def test_errors_say_what_is_expected(tmp_path):
    with pytest.raises(BenchError, match=r"stylebench\.root is not set: .*ROOT/content"):
        StyleBench().contents()
    with pytest.raises(BenchError, match=r"style is not there; expected are ROOT/content"):
        StyleBench(Options(root=str(tmp_path))).styles()


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("several")
    (tmp_path / "several.py").write_text(PLUGIN)
    words = ["run", "--dataset", "stylebench", "--option", f"stylebench.root={root}"]
    words += ["--method", "takes-all", "--method", "takes-one", "--metric", "shade"]
    words += ["--metric", "shades", "--plugin", str(tmp_path / "several.py")]
    words += ["--profile", "smoke", "--styles", "2", "--contents", "2", "--size", "32", "--quiet"]
    words += ["--device", "cpu", "--precision", "float32"]
    assert main([*words, "--runs", str(tmp_path / "runs")]) == 0
    return results.latest(tmp_path / "runs")


def test_a_method_gets_all_or_the_first_and_the_metrics_look_at_all(run):
    frames = results.load([run])
    found = frames.scores.set_index(["method", "style", "content"])["value"]
    # ink: 51 and 153 of 255, mean 102; the one who takes the first is right about that alone
    assert found["takes-all", "ink", "a"] == pytest.approx(51 / 255, abs=0.003)
    assert found["takes-one", "ink", "b"] == pytest.approx((0 + 102) / 2 / 255, abs=0.003)
    assert found["takes-all", "wool", "a"] == pytest.approx(0, abs=0.003)
    pictures = {"takes-all": 102, "takes-one": 51}
    for name, shade in pictures.items():
        cell = read_cell(run, name, "ink", 32)
        image = Image.open(run / cell.contents[0].image)
        assert image.getpixel((0, 0))[0] == pytest.approx(shade, abs=1)


def test_a_set_has_each_of_a_styles_pictures_in_turn(run):
    sets = results.load([run]).sets
    mean = sets[sets["method"] == "takes-all"]["value"].item()
    assert mean == pytest.approx((51 + 153 + 204 + 204) / 4 / 255, abs=0.003)


def test_the_table_says_who_takes_the_first_alone(run):
    (group,) = rows.groups(results.load([run]), all_metrics=True)
    first_alone = {row.method: assembly.FIRST in row.notes for row in group.rows}
    assert first_alone["takes-one"]
    assert not first_alone["takes-all"]
