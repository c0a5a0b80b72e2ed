"""Warping error: what moves as it should has none, and a flicker is measured at its own size."""

import math

import pytest
import torch
from bench.metrics.warping import WarpingError, camera_flow, dis_flow, warping_error

from bench import results
from bench.cli import main
from bench.contract import Frame
from bench.errors import BenchError, NeedError
from bench.images import load

SIZE = 96
STILL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TURNED = (0.8, -0.1, 0.15, 0.1, 0.8, -0.05)
FLICKERS = '''
from bench import Method, hookimpl

class Flickers(Method):
    """Every other frame is lighter by 0.04 than it should be, the others darker."""
    name = "flickers"
    family = "arbitrary"
    citation = "none"
    def adapt(self, style): self.sign = 1
    def stylize(self, content):
        self.sign = -self.sign
        return content * 0.8 + 0.1 + self.sign * 0.04

@hookimpl
def bench_methods(): return [Flickers]
'''


def painted(view, size=SIZE):
    """What a camera sees of a smooth scene, worked out at every pixel's middle."""
    middles = (2 * torch.arange(size, dtype=torch.float64) + 1) / size - 1
    y, x = torch.meshgrid(middles, middles, indexing="ij")
    a, b, c, d, e, f = view
    across, down = a * x + b * y + c, d * x + e * y + f
    channels = [across, down, across * down]
    return torch.stack([0.5 + 0.3 * torch.sin(2 * c) for c in channels])[None].float()


def frame(view, change=0.0):
    return Frame(painted(view) + change, painted(view), view)


def test_a_clip_that_moves_as_its_camera_has_no_error_and_one_that_moves_otherwise_has():
    metric = WarpingError(1, camera_flow)
    right = metric.score_frames(frame(STILL), frame(TURNED))
    assert right < 5e-4  # bilinear interpolation
    backwards = Frame(painted(TURNED), painted(TURNED), STILL)
    wrong = metric.score_frames(Frame(painted(STILL), painted(STILL), TURNED), backwards)
    assert wrong > 50 * right


@pytest.mark.parametrize("size", [0.01, 0.05])
@pytest.mark.parametrize("view", [STILL, TURNED])
def test_a_flicker_of_known_size_is_measured_as_such(size, view):
    now, before = frame(STILL, size), frame(view, -size)
    measured = WarpingError(1, camera_flow).score_frames(now, before)
    assert measured == pytest.approx(2 * size, rel=0.01)


def test_noise_that_each_frame_has_anew_counts_by_the_root_of_two():
    generator = torch.Generator().manual_seed(0)
    first, second = (0.05 * torch.randn(1, 3, SIZE, SIZE, generator=generator) for _ in range(2))
    measured = WarpingError(1, camera_flow).score_frames(frame(STILL, first), frame(STILL, second))
    assert measured == pytest.approx(0.05 * math.sqrt(2), rel=0.02)


def test_what_has_just_come_into_the_frame_does_not_count():
    panned = (1.0, 0.0, -0.5, 0.0, 1.0, 0.0)  # a quarter of the frame to the left
    stain = torch.zeros(1, 3, SIZE, SIZE)
    stain[..., -SIZE // 4 :] = 0.4
    metric = WarpingError(1, camera_flow)
    assert metric.score_frames(frame(STILL, stain), frame(panned)) < 5e-4
    assert metric.score_frames(frame(STILL), frame(panned, stain)) > 0.1


def test_by_hand():
    """Two pixels of four are seen; they differ by 0.1 and 0.3 in every channel."""
    now = torch.tensor([0.1, 0.3, 0.9, 0.9]).expand(1, 3, 1, 4)
    places = torch.tensor([-0.75, -0.25, 0.25, 0.75])[:, None] * torch.tensor([1.0, 0.0])
    seen = torch.tensor([[[True, True, False, False]]])
    error = warping_error(now, torch.zeros(1, 3, 1, 4), places[None, None], seen)
    assert error == pytest.approx(math.sqrt((0.01 + 0.09) / 2))


def test_two_frames_that_share_nothing_cannot_be_compared():
    away = (1.0, 0.0, 1.9, 0.0, 1.0, 0.0)
    with pytest.raises(BenchError, match="only 4% of the frame was seen"):
        WarpingError(1, camera_flow).score_frames(frame(STILL), frame(away))


def test_an_unknown_motion_needs_an_estimate():
    unknown = Frame(painted(STILL), painted(STILL), None)
    with pytest.raises(NeedError, match="take a -dis metric"):
        WarpingError(1, camera_flow).score_frames(unknown, unknown)


def test_the_estimated_flow_is_near_the_cameras_on_the_clip():
    pytest.importorskip("cv2")
    from bench.datasets.clip import Clip

    now, before = (
        Frame(load(p, 192), load(p, 192), p.view) for p in (Clip().contents()[n] for n in (4, 3))
    )
    (places, _), (found, seen) = camera_flow(now, before), dis_flow(now, before)
    apart = (192 / 2 * (places - found)).norm(dim=-1)[seen]
    assert seen.float().mean() > 0.7
    assert apart.median() < 0.25  # pixels
    true, estimated = (
        WarpingError(1, f).score_frames(now, before) for f in (camera_flow, dis_flow)
    )
    assert estimated == pytest.approx(true, rel=0.3)


def warping(run, distance=1):
    """Each row's mean of the metric in a run."""
    scores = results.load([run]).scores
    wanted = scores[(scores["metric"] == f"warping-{distance}/1") & (scores["status"] == "ok")]
    return wanted.groupby("method")["value"].mean().to_dict()


def run_clip(tmp_path, *words):
    (tmp_path / "flickers.py").write_text(FLICKERS)
    command = ["run", "--dataset", "clip", "--profile", "smoke", "--size", "96", "--quiet"]
    command += ["--device", "cpu", "--precision", "float32", "--metric", "warping-1"]
    command += [
        "--metric",
        "warping-10",
        "--plugin",
        str(tmp_path / "flickers.py"),
        "--runs",
        str(tmp_path / "runs"),
    ]
    assert main([*command, *words]) == 0
    return results.latest(tmp_path / "runs")


def test_on_the_clip_methods_that_stylize_frame_by_frame_are_worse_than_the_content(tmp_path):
    run = run_clip(
        tmp_path, "--method", "flickers", "--method", "adain", "--method", "ghiasi",
        "--option", "clip.frames=4",
    )  # fmt: skip
    record = results.read_run(run)
    assert len(record.contents) == 4, "a profile cuts no clip"
    found = warping(run)
    assert found["adain"] > 1.3 * found["identity"]
    assert found["ghiasi"] > 1.15 * found["identity"]
    flicker = math.sqrt(found["flickers"] ** 2 - (0.8 * found["identity"]) ** 2)
    assert flicker == pytest.approx(2 * 0.04, rel=0.03)
    assert not warping(run, 10), "four frames have no pair ten apart"


def test_where_nothing_moves_it_is_not_computed_unasked_and_says_why(tmp_path):
    words = ["--method", "identity", "--size", "32", "--profile", "smoke", "--quiet"]
    words += ["--device", "cpu", "--precision", "float32"]
    words = ["run", "--dataset", "synthetic", *words, "--runs", str(tmp_path)]
    assert main(words) == 0
    assert "warping-1/1" not in results.read_run(results.latest(tmp_path)).metrics
    assert main([*words, "--metric", "warping-1"]) == 0
    scores = results.load([results.latest(tmp_path)]).scores
    assert set(scores["status"]) == {"skipped"}
    assert "the contents are no clip" in scores["reason"].iloc[0]
