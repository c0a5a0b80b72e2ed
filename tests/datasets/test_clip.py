"""The clip: a camera over a photograph, or the user's own."""

import pytest
from PIL import Image

from bench.errors import BenchError


def test_the_users_own_clip_has_frames_in_order_and_no_known_motion(tmp_path):
    from bench.datasets.clip import Clip, Options

    shades = [Image.new("RGB", (64, 48), (40 * n, 40 * n, 40 * n)) for n in range(5)]
    shades[0].save(tmp_path / "own.gif", save_all=True, append_images=shades[1:], duration=40)
    clip = Clip(Options(video=str(tmp_path / "own.gif"), frames=4))
    frames = clip.contents()
    assert [f.name for f in frames] == [f"frame-{n:03}" for n in range(4)]
    assert [f.read().getpixel((0, 0))[0] for f in frames] == [0, 40, 80, 120]
    assert all(f.view is None for f in frames)
    assert len({f.fingerprint for f in frames}) == 4
    with pytest.raises(BenchError, match=r"clip\.video: .*no\.mp4 is not there"):
        Clip(Options(video=str(tmp_path / "no.mp4"))).contents()


def test_the_camera_never_leaves_a_photograph():
    from bench.datasets.clip import PERIOD, camera

    for number in range(PERIOD):
        a, b, c, d, e, f = camera(number)
        assert abs(a) + abs(b) + abs(c) <= 1
        assert abs(d) + abs(e) + abs(f) <= 1


def test_the_clip_is_of_an_evaluated_photograph():
    from bench.datasets.clip import Clip, Options

    with pytest.raises(BenchError, match=r"photograph in clip\.photograph"):
        Clip(Options(photograph="rocket")).contents()  # methods adapt on that one
    first, second = (Clip(Options(photograph=name)) for name in ("coffee", "astronaut"))
    assert first.fingerprint() != second.fingerprint()
