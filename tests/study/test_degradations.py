"""Pictures made worse in known ways, by hand."""

import pytest
import torch
from helpers.degraded import picture

from bench import results
from bench.errors import BenchError
from bench.study import degradations


def case(side=40):
    return degradations.Case(*(picture(side, seed) for seed in range(5)))


def test_blends_go_from_the_content_to_the_good_one():
    pictures = case()
    expected = 0.75 * pictures.content + 0.25 * pictures.good
    torch.testing.assert_close(degradations.DEGRADATIONS["blend-25"](pictures), expected)


def test_colors_only_has_the_styles_values_in_the_contents_order():
    pictures = case(4)
    found = degradations.colors_only(pictures)
    for channel in range(3):
        content, style, other = (
            p[0, channel].flatten() for p in (pictures.content, pictures.style, found)
        )
        assert torch.equal(other.sort().values, style.sort().values)
        assert torch.equal(other.argsort(), content.argsort())


def test_colors_of_a_style_of_another_size_come_at_even_ranks():
    content = torch.tensor([0.1, 0.9, 0.5, 0.3]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    style = torch.arange(8.0).view(1, 1, 2, 4).expand(1, 3, 2, 4)
    pictures = degradations.Case(content, content, style, content, content)
    assert degradations.colors_only(pictures)[0, 0].flatten().tolist() == [0, 6, 4, 2]


def test_shuffled_pixels_stay_whole():
    pictures = case()
    found = degradations.shuffled(pictures)
    before, after = ({tuple(p.tolist()) for p in x[0].flatten(1).T} for x in (pictures.good, found))
    assert before == after
    assert not torch.equal(found, pictures.good)


def test_shuffled_tiles_are_the_pictures_and_its_edges_stay():
    pictures = case(40)  # two by two tiles and a margin of eight
    found = degradations.shuffled_tiles(pictures)

    def tiles(p):
        return {p[0, :, y : y + 16, x : x + 16].numpy().tobytes() for y in (0, 16) for x in (0, 16)}

    assert tiles(found) == tiles(pictures.good)
    assert torch.equal(found[:, :, 32:], pictures.good[:, :, 32:])
    assert torch.equal(found[:, :, :, 32:], pictures.good[:, :, :, 32:])
    assert not torch.equal(found, pictures.good)


def test_a_hatch_has_its_amplitude_its_period_and_the_diagonals():
    grey = torch.full((1, 3, 96, 100), 0.5)
    flat = degradations.Case(*(grey,) * 5)
    for amplitude in (4, 8, 16):
        waves = degradations.DEGRADATIONS[f"hatched-{amplitude}"](flat) - grey
        assert waves.square().mean().sqrt().item() == pytest.approx(amplitude / 255, rel=0.01)
    spectrum = torch.fft.rfft2(waves[0, 0, :96, :96]).abs().flatten()
    strongest = [divmod(int(place), 96 // 2 + 1) for place in spectrum.topk(2).indices]
    # lines 3 px apart are 96 / (3 √2) = 22.6 periods across, and as many down or up
    assert sorted(strongest) == [(23, 23), (96 - 23, 23)]


def test_a_hatch_is_cut_off_at_the_ends_of_the_range():
    black = torch.zeros(1, 3, 32, 32)
    found = degradations.hatched(degradations.Case(*(black,) * 5), 16)
    assert found.min() == 0
    assert found.max() == pytest.approx(2 * 16 / 255)


def test_degradations_are_written_by_name(stylized, tmp_path):
    folders = degradations.write(stylized, "good", tmp_path / "out")
    assert [folder.name for folder in folders] == ["good", *degradations.DEGRADATIONS]
    for folder in folders:
        assert len(list(folder.glob("?_stylized_?.png"))) == 4
    wrong = (tmp_path / "out" / "wrong-style" / "x_stylized_a.png").read_bytes()
    assert wrong == (tmp_path / "out" / "good" / "x_stylized_b.png").read_bytes()
    with pytest.raises(BenchError, match="is there already"):
        degradations.write(stylized, "good", tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sizes": [64, 128]}, "must be of one size"),
        ({"styles": ["a"]}, "at least two contents and two styles"),
        ({"contents": ["x", "z"]}, "no picture of good in style a"),
    ],
)
def test_a_run_that_does_not_do_is_refused(stylized, tmp_path, change, says):
    path = stylized / "run.json"
    results.write_json(path, {**results.read_json(path), **change})
    with pytest.raises(BenchError, match=says):
        degradations.write(stylized, "good", tmp_path / "out")
    with pytest.raises(BenchError, match="did you mean good"):
        degradations.write(stylized, "god", tmp_path / "out")


@pytest.mark.parametrize("name", ["../../gone", "..", "a\\b", "/gone"])
@pytest.mark.parametrize("kind", ["contents", "styles", "methods"])
def test_no_name_of_a_record_leads_out_of_the_folder(stylized, tmp_path, kind, name):
    path = stylized / "run.json"
    record = results.read_json(path)
    if kind == "methods":
        record[kind][name] = record[kind]["good"]
    else:
        record[kind] = [*record[kind], name]
    results.write_json(path, record)
    with pytest.raises(BenchError, match="cannot be a file's name"):
        degradations.write(stylized, "good", tmp_path / "out")
