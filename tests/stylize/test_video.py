"""Videos and animated GIFs: colours, times and sizes of frames, there and back."""

import struct
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.errors import BenchError
from bench.stylize import video
from bench.stylize.video import Clip, Frame

COLOURS = [(200, 30, 40), (20, 160, 60), (30, 60, 200), (240, 220, 20), (128, 128, 128)]
STYLIZE = ["stylize", "--quiet", "--device", "cpu", "--method", "identity", "--style", "good.png"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_PLUGINS", "0")
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 48), "red").save("good.png")


def write(name, rate=Fraction(25), size=(66, 50)):
    """Five frames of one colour each."""
    clip = Clip(Path(name), rate, 1 / rate, None)
    with video.writer(clip.path, clip) as take:
        for index, colour in enumerate(COLOURS):
            take(Frame(Image.new("RGB", size, colour), index / rate, 1 / rate))
    return clip.path


def middle(frames):
    return np.array([frame.picture.getpixel((20, 20)) for frame in frames]).tolist()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v", ".webm", ".mkv"])
def test_videos_keep_colour_rate_and_size(suffix):
    pytest.importorskip("av")
    rate = Fraction(30000, 1001)
    file = write(f"clip{suffix}", rate)
    assert video.is_clip(file)
    clip = video.open_clip(file)
    assert (clip.rate, clip.count) == (rate, 5)
    frames = list(video.frames(clip))
    assert np.abs(np.array(middle(frames)) - COLOURS).max() <= 4
    assert [frame.picture.size for frame in frames] == [(66, 50)] * 5
    tick = 0.0006 if suffix in (".webm", ".mkv") else 1e-9  # Matroska counts milliseconds
    assert [float(frame.start) for frame in frames] == pytest.approx(
        [index / rate for index in range(5)], abs=tick
    )
    assert list(Path().glob(".*")) == []


def test_an_odd_side_loses_a_pixel():
    pytest.importorskip("av")
    frames = video.frames(video.open_clip(write("clip.mp4", size=(67, 51))))
    assert next(frames).picture.size == (66, 50)


def test_a_frame_rate_that_varies_is_kept():
    pytest.importorskip("av")
    starts = [Fraction(n, 100) for n in (0, 4, 20, 22)]
    clip = Clip(Path("clip.mp4"), Fraction(15), Fraction(1, 100), None)
    with video.writer(clip.path, clip) as take:
        for start in starts:
            take(Frame(Image.new("RGB", (32, 32)), start, Fraction(1, 100)))
    assert [frame.start for frame in video.frames(video.open_clip(clip.path))] == starts


def gif(name, lengths=(50, 200, 100), mode="RGB"):
    pages = [Image.new(mode, (40, 30), colour) for colour in COLOURS[: len(lengths)]]
    pages[0].save(name, save_all=True, append_images=pages[1:], duration=list(lengths), loop=0)
    return Path(name)


def test_gifs_keep_colours_and_times():
    clip = video.open_clip(gif("a.gif"))
    assert (clip.count, clip.rate) == (3, Fraction(3000, 350))
    frames = list(video.frames(clip))
    assert middle(frames) == [list(colour) for colour in COLOURS[:3]]
    assert [(float(f.start), float(f.length)) for f in frames] == [
        (0, 0.05),
        (0.05, 0.2),
        (0.25, 0.1),
    ]
    with video.writer(Path("b.gif"), clip) as take:
        for frame in frames:
            take(frame)
    again = list(video.frames(video.open_clip(Path("b.gif"))))
    assert middle(again) == middle(frames)
    assert [(f.start, f.length) for f in again] == [(f.start, f.length) for f in frames]


def test_transparency_is_laid_over_white():
    page = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    dot = page.copy()
    dot.paste((200, 30, 40, 255), (0, 0, 10, 10))
    page.save("a.gif", save_all=True, append_images=[dot], duration=100, disposal=2)
    frames = list(video.frames(video.open_clip(Path("a.gif"))))
    assert middle(frames) == [[255, 255, 255]] * 2
    assert frames[1].picture.getpixel((5, 5)) == (200, 30, 40)


def test_a_still_gif_is_a_picture():
    Image.new("P", (40, 30)).save("still.gif")
    assert not video.is_clip(Path("still.gif"))
    assert not video.is_clip(Path("good.png"))
    Path("bad.gif").write_bytes(b"rubbish")
    assert not video.is_clip(Path("bad.gif"))


def test_what_is_finished_is_kept():
    source = video.open_clip(gif("a.gif"))

    def interrupted(name, after):
        with video.writer(Path(name), source) as take:
            for number, frame in enumerate(video.frames(source)):
                if number == after:
                    raise KeyboardInterrupt
                take(frame)

    names = ["b.gif"]
    try:
        import av  # noqa: F401

        names.append("b.mp4")
    except ImportError:
        pass
    for name in names:
        with pytest.raises(KeyboardInterrupt):
            interrupted(name, 2)
        assert len(list(video.frames(video.open_clip(Path(name))))) == 2
        with pytest.raises(KeyboardInterrupt):
            interrupted(f"no-{name}", 0)
    assert list(Path().glob("no-*")) == list(Path().glob(".*")) == []


def test_without_pyav_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BenchError, match=r"which needs av: pip install 'metastyle-bench\[video\]'"):
        video.open_clip(Path("clip.mp4"))
    with pytest.raises(BenchError, match="needs av"):
        video.check_writable(Path("out.webm"))
    video.check_writable(Path("out.gif"))


def test_stylize_writes_a_video_of_the_same_rate(capsys):
    pytest.importorskip("av")
    write("clip.mp4", Fraction(24))
    assert main([*STYLIZE, "clip.mp4", "--size", "32", "-o", "new/out.webm"]) == 0
    clip = video.open_clip(Path("new/out.webm"))
    assert clip.rate == 24
    frames = list(video.frames(clip))
    assert [frame.picture.size for frame in frames] == [(42, 32)] * 5
    assert np.abs(np.array(middle(frames)) - COLOURS).max() <= 6


def test_stylize_takes_pictures_frames_and_animations_together():
    gif("a.gif")
    Path("frames").mkdir()
    for number in (2, 10, 1):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(f"frames/{number:04}.jpg")
    assert main([*STYLIZE, "frames", "a.gif", "good.png", "-o", "out"]) == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "0001.png",
        "0002.png",
        "0010.png",
        "a.gif",
        "good.png",
    ]
    assert video.open_clip(Path("out/a.gif")).count == 3
    assert main([*STYLIZE, "a.gif", "-o", "first.png"]) == 0
    with Image.open("first.png") as first:
        assert first.getpixel((20, 20)) == COLOURS[0]


def test_a_folder_of_results_is_flat_and_videos_in_a_folder_are_named(capsys):
    for place in ("in/b", "in/a"):
        Path(place).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(f"{place}/x.png")
    Path("in/b/clip.mp4").write_bytes(b"")
    assert main([*STYLIZE, "in", "-o", "out"]) == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["x-2.png", "x.png"]
    note, line = capsys.readouterr().err.splitlines()
    assert note == "bench: in: left out 1 .mp4"
    assert "videos in in are passed over, name each: in/b/clip.mp4" in line


def test_what_is_read_is_not_overwritten(capsys):
    gif("a.gif")
    Image.new("RGB", (32, 32)).save("x.png")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    for words in (
        ["x.png", "-o", "x.png"],
        ["x.png", "a.gif", "-o", "."],
        ["x.png", "-o", "good.png"],
    ):
        assert main([*STYLIZE, *words]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "is read and would be lost: name another" in line
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_interrupting_says_what_is_there(monkeypatch, capsys):
    from bench.contract import phases

    whole, calls = phases.stylize, []

    def stylize(method, content):
        calls.append(content)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(method, content)

    monkeypatch.setattr(phases, "stylize", stylize)
    assert main([*STYLIZE, str(gif("a.gif")), "-o", "out.gif"]) == 130
    assert "interrupted; out.gif holds the first 2 frames" in capsys.readouterr().err
    assert video.open_clip(Path("out.gif")).count == 2
    calls.clear()
    for name in "bcd":
        Image.new("RGB", (32, 32)).save(f"{name}.png")
    assert main([*STYLIZE, "b.png", "c.png", "d.png", "-o", "out"]) == 130
    assert "interrupted; 2 of 3 results are in out" in capsys.readouterr().err


WRONG = [
    (["bad.mp4", "-o", "out.mp4"], "bad.mp4 cannot be read as a video"),
    (["no.mp4", "-o", "out.mp4"], "no.mp4 is not there"),
    (["a.gif", "-o", "out.avi"], "out.avi has no suffix of a picture that can be written"),
    (["a.gif", "good.png", "-o", "out.gif"], "-o out.gif: name a folder for 2 pictures"),
    (["good.png", "-o", "out.mp4"], "use .png or .jpg"),
    (["clip.mp4", "-o", "out.png"], "out.png is no name for a video: use one of .mp4"),
]


@pytest.mark.parametrize(("words", "says"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_is_wrong_is_said_in_one_line(words, says, capsys):
    pytest.importorskip("av")
    gif("a.gif")
    Path("bad.mp4").write_bytes(b"no video")
    write("clip.mp4")
    assert main([*STYLIZE, *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not Path(words[-1]).exists()


def encoded(name, size=(180, 144), pix_fmt="yuv420p", codec="libx264", setting=lambda coder: None):
    """Six grey frames, the n-th of 40 n, as PyAV writes them."""
    av = pytest.importorskip("av")
    with av.open(name, "w") as container:
        stream = container.add_stream(codec, 12)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        setting(stream.codec_context)
        for index in range(6):
            pixels = np.full((size[1], size[0], 3), 40 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    return Path(name)


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(64, 45), (256, 144)), (Fraction(45, 64), (180, 205))]
)
def test_pixels_that_are_not_square_become_square(aspect, size, capsys):
    def setting(coder):
        coder.sample_aspect_ratio = aspect

    file = encoded("in.mp4", setting=setting)
    assert {frame.picture.size for frame in video.frames(video.open_clip(file))} == {size}
    assert main([*STYLIZE, str(file), "-o", "out.mp4"]) == 0
    av = pytest.importorskip("av")
    with av.open("out.mp4") as clip:
        stream = clip.streams.video[0]
        assert (stream.width, stream.height) == (size[0], size[1] - size[1] % 2)
        assert (stream.sample_aspect_ratio or 1) == 1


def turned(matrix):
    """A video of 64 x 48, white in its upper left quarter, with this display matrix (a b c d)."""
    av = pytest.importorskip("av")
    with av.open("in.mp4", "w") as container:
        stream = container.add_stream("libx264", 12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:24, :32] = 255
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    file = Path("in.mp4")
    data = bytearray(file.read_bytes())
    at = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2: 16.16 numbers, the last of a row 2.30
    a, b, c, d = (round(65536 * number) for number in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("matrix", "size", "corner"),
    [
        ((1, 0, 0, 1), (64, 48), "upper left"),
        ((0, 1, -1, 0), (48, 64), "upper right"),  # by a quarter, with the clock
        ((-1, 0, 0, -1), (64, 48), "lower right"),
        ((0, -1, 1, 0), (48, 64), "lower left"),
        ((-1, 0, 0, 1), (64, 48), "upper right"),  # as in a mirror
        ((1, 0, 0, -1), (64, 48), "lower left"),
        ((0, 1, 1, 0), (48, 64), "upper left"),
        ((0, -1, -1, 0), (48, 64), "lower right"),
    ],
)
def test_videos_are_shown_as_their_matrix_says(matrix, size, corner):
    [frame, *_] = video.frames(video.open_clip(turned(matrix)))
    assert frame.picture.size == size
    white = {
        f"{high} {wide}"
        for high, y in (("upper", 0.25), ("lower", 0.75))
        for wide, x in (("left", 0.25), ("right", 0.75))
        if frame.picture.getpixel((int(x * size[0]), int(y * size[1])))[0] > 128
    }
    assert white == {corner}


def test_a_video_that_is_turned_by_other_than_quarters_is_refused(capsys):
    file = turned((0.8, 0.6, -0.6, 0.8))
    assert main([*STYLIZE, str(file), "-o", "out.mp4"]) == 1
    assert "in.mp4 is to be shown turned by other than quarters" in capsys.readouterr().err


def test_a_high_dynamic_range_is_refused_in_words(capsys):
    def setting(coder):
        coder.color_trc = 16

    file = encoded("hdr.mp4", setting=setting)
    assert main([*STYLIZE, str(file), "-o", "out.mp4"]) == 1
    assert "hdr.mp4 has a high dynamic range (PQ or HLG)" in capsys.readouterr().err


def test_what_is_transparent_lies_over_white():
    av = pytest.importorskip("av")
    with av.open("a.mov", "w") as container:
        stream = container.add_stream("png", 12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgba"
        pixels = np.zeros((48, 64, 4), np.uint8)
        pixels[:, 32:] = (200, 30, 40, 255)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgba")))
        container.mux(stream.encode())
    (frame,) = video.frames(video.open_clip(Path("a.mov")))
    assert frame.picture.getpixel((10, 10)) == (255, 255, 255)
    assert frame.picture.getpixel((50, 10)) == (200, 30, 40)


def shown_colour(planes, **tags):
    """The colour that a video of one frame is shown in, of these Y, Cb and Cr with these tags."""
    av = pytest.importorskip("av")
    with av.open("a.mp4", "w") as container:
        stream = container.add_stream("libx264", 12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(frame.planes, planes, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
            setattr(frame, name, value)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (read,) = video.frames(video.open_clip(Path("a.mp4")))
    return read.picture.getpixel((10, 10))


@pytest.mark.parametrize(("color_range", "white"), [(1, 255), (2, 235)])
def test_the_colour_range_counts(color_range, white):
    """Luma 235 is white where the range is limited, and light grey where it is full."""
    shown = shown_colour((235, 128, 128), color_range=color_range)
    assert shown == pytest.approx((white,) * 3, abs=1)


@pytest.mark.parametrize(("colorspace", "planes"), [(6, (81, 90, 240)), (1, (63, 102, 240))])
def test_the_colour_matrix_counts(colorspace, planes):
    """Pure red by the matrix of BT.601 (6 in H.273), and by that of BT.709 (1)."""
    shown = shown_colour(planes, colorspace=colorspace, color_range=1)
    assert shown == pytest.approx((255, 0, 0), abs=3)


def test_a_bad_file_in_a_folder_is_left_out_and_said_and_a_named_one_is_an_error(capsys):
    Path("in").mkdir()
    for name in ("a.png", "c.png"):
        Image.new("RGB", (32, 32)).save(f"in/{name}")
    Path("in/b.jpg").write_text("<html>404</html>")
    assert main([*STYLIZE, "in", "-o", "out"]) == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]
    assert "bench: left out in/b.jpg is not a picture that can be read" in capsys.readouterr().err
    assert main([*STYLIZE, "in/b.jpg", "-o", "out"]) == 1
    Path("bad").mkdir()
    Path("bad/b.jpg").write_text("<html>404</html>")
    assert main([*STYLIZE, "bad", "-o", "out"]) == 1
    assert "none of the 1 pictures in bad can be used" in capsys.readouterr().err
