"""Every kind of picture file, to the pixel values worked out by hand, and every refusal."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bench import images
from bench.contract import Picture
from bench.errors import BenchError


def checker(first, second, dtype=np.uint8, side=16):
    """A picture whose left half is `first`, whose right half is `second`."""
    first, second = np.asarray(first, dtype), np.asarray(second, dtype)
    pixels = np.empty((side, side, *first.shape), dtype)
    pixels[:, : side // 2], pixels[:, side // 2 :] = first, second
    return pixels


def halves(image):
    """The colours of the left and the right half; each must be even."""
    pixels = np.asarray(image)
    assert pixels.dtype == np.uint8
    assert image.mode == "RGB"
    left, right = pixels[:, : pixels.shape[1] // 2], pixels[:, pixels.shape[1] // 2 :]
    assert (left == left[0, 0]).all()
    assert (right == right[0, 0]).all()
    return tuple(map(int, left[0, 0])), tuple(map(int, right[0, 0]))


def stored(mode, pixels):
    return Image.frombytes(mode, pixels.shape[1::-1], pixels.tobytes())


def paletted(transparent):
    image = stored("P", checker(0, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    if transparent:
        image.info["transparency"] = 1
    return image


RED, GREY = (255, 0, 0), (100, 100, 100)
LOSSLESS = {
    "rgb.png": (Image.fromarray(checker((1, 2, 3), RED)), ((1, 2, 3), RED)),
    "rgb.bmp": (Image.fromarray(checker((1, 2, 3), RED)), ((1, 2, 3), RED)),
    "rgb.tiff": (Image.fromarray(checker((1, 2, 3), RED)), ((1, 2, 3), RED)),
    "upper.PNG": (Image.fromarray(checker((1, 2, 3), RED)), ((1, 2, 3), RED)),
    "grey.png": (Image.fromarray(checker(0, 100)), ((0, 0, 0), GREY)),
    "one-bit.png": (
        Image.fromarray(checker(0, 255)).convert("1"),
        ((0, 0, 0), (255, 255, 255)),
    ),
    # 255 (1 - c): cyan takes red away
    "cmyk.tiff": (
        stored("CMYK", checker((0, 255, 255, 0), (0, 0, 0, 255))),
        (RED, (0, 0, 0)),
    ),
    "palette.png": (paletted(False), ((10, 20, 30), (200, 100, 50))),
    "palette.gif": (paletted(False), ((10, 20, 30), (200, 100, 50))),
    "palette-transparent.png": (paletted(True), ((10, 20, 30), (255, 255, 255))),
    # 255 - 51 (255 - 100) / 255 = 224, a fifth of the way from white
    "grey-alpha.png": (
        stored("LA", checker((100, 255), (100, 51))),
        (GREY, (224, 224, 224)),
    ),
    # red at 51/255 = 0.2 over white: 255, 255 · 0.8 = 204
    "alpha.png": (
        Image.fromarray(checker((0, 0, 255, 255), (255, 0, 0, 51))),
        ((0, 0, 255), (255, 204, 204)),
    ),
    # v / 257: 25700 is 100, 65535 is 255
    "sixteen-bit.png": (
        Image.fromarray(checker(25700, 65535, np.uint16)),
        (GREY, (255, 255, 255)),
    ),
    "sixteen-bit.tiff": (
        Image.fromarray(checker(128, 129, np.uint16)),  # 0.498 and 0.502
        ((0, 0, 0), (1, 1, 1)),
    ),
    "thirty-two-bit.tiff": (
        Image.fromarray(checker(25700, 65535, np.int32)),
        (GREY, (255, 255, 255)),
    ),
    "thirty-two-bit-wide.tiff": (
        Image.fromarray(checker(-70000, 70000, np.int32)),
        ((0, 0, 0), (255, 255, 255)),
    ),
    "float.tiff": (
        Image.fromarray(checker(0.2, 1.0, np.float32)),
        ((51, 51, 51), (255, 255, 255)),
    ),
    "float-255.tiff": (
        Image.fromarray(checker(100.0, 200.4, np.float32)),
        (GREY, (200, 200, 200)),
    ),
    "float-wide.tiff": (
        Image.fromarray(checker(-1.0, 1.0, np.float32)),
        ((0, 0, 0), (255, 255, 255)),
    ),
    "float-even.tiff": (Image.fromarray(checker(-1.0, -1.0, np.float32)), ((0, 0, 0), (0, 0, 0))),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_picture_kinds(tmp_path, name):
    image, expected = LOSSLESS[name]
    image.save(tmp_path / name)
    assert halves(images.open_picture(tmp_path / name)) == expected


def test_webp_lossless(tmp_path):
    Image.fromarray(checker((1, 2, 3), RED)).save(tmp_path / "a.webp", lossless=True)
    assert halves(images.open_picture(tmp_path / "a.webp")) == ((1, 2, 3), RED)


def test_big_endian_sixteen_bit(tmp_path):
    stored("I;16B", checker(25700, 65535, ">u2")).save(tmp_path / "a.tiff")
    assert halves(images.open_picture(tmp_path / "a.tiff")) == (GREY, (255, 255, 255))


@pytest.mark.parametrize(("mode", "colour"), [("RGB", RED), ("L", 100), ("CMYK", (0, 255, 255, 0))])
def test_jpeg_modes(tmp_path, mode, colour):
    Image.new(mode, (32, 16), colour).save(tmp_path / "a.jpg", quality=100)
    expected = GREY if mode == "L" else RED
    pixels = np.asarray(images.open_picture(tmp_path / "a.jpg")).astype(int)
    assert pixels.shape == (16, 32, 3)
    assert np.abs(pixels - expected).max() <= 2


def test_lab(tmp_path):
    """Stored are 255/100 L*, a* + 128, b* + 128, under D50.

    128 is L* 50.2, so Y = (66.2 / 116)^3 = 0.186 and 255 (1.055 Y^(1/2.4) - 0.055) = 119.4;
    sRGB red is L* 54.3, a* 80.8, b* 69.9, here rounded to whole numbers.
    """
    Image.new("LAB", (16, 16), (128, 128, 128)).save(tmp_path / "grey.tiff")
    pixels = np.asarray(images.open_picture(tmp_path / "grey.tiff")).astype(int)
    assert np.abs(pixels - 119).max() <= 1
    Image.new("LAB", (16, 16), (138, 209, 198)).save(tmp_path / "red.tiff")
    pixels = np.asarray(images.open_picture(tmp_path / "red.tiff")).astype(int)
    assert np.abs(pixels - RED).max() <= 8


def test_first_frame_of_an_animation(tmp_path):
    first, second = (Image.new("RGB", (16, 16), colour) for colour in (RED, (0, 0, 255)))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert halves(images.open_picture(tmp_path / "a.gif")) == (RED, RED)


# EXIF orientation: where row 0 and column 0 of the stored picture are, seen upright (EXIF 2.3)
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],  # top, right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.transpose(1, 0, 2),  # left, top
    6: lambda a: a[::-1].transpose(1, 0, 2),  # right, top
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),  # right, bottom
    8: lambda a: a[:, ::-1].transpose(1, 0, 2),  # left, bottom
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_exif_orientation(tmp_path, orientation, suffix):
    stored = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", exif=exif)
    upright = np.asarray(images.open_picture(tmp_path / f"a.{suffix}"))
    np.testing.assert_array_equal(upright, UPRIGHT[orientation](stored))


def test_exif_orientation_by_hand(tmp_path):
    """Orientation 6, a phone held upright: the stored left edge is seen at the top."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(checker(RED, (0, 0, 255), side=16)).save(tmp_path / "a.png", exif=exif)
    pixels = np.asarray(images.open_picture(tmp_path / "a.png"))
    assert (pixels[:8] == RED).all()
    assert (pixels[8:] == (0, 0, 255)).all()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width, height):
    """A PNG of a few bytes that promises a huge picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def noise_file(kind, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def small(width, height):
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def tiff(image):
    stream = io.BytesIO()
    image.save(stream, "TIFF")
    return stream.getvalue()


REFUSED = {
    "empty.jpg": (b"", "is empty"),
    "text.jpg": (b"not a picture at all\n" * 9, "not a picture that can be read: JPEG, PNG"),
    "vector.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "not a picture"),
    "bomb-100.png": (bomb(12000, 10000), "too large (12000×10000 px): at most 100 megapixels"),
    "bomb-2500.png": (bomb(50000, 50000), "too large: at most 100 megapixels"),
    "tiny.png": (small(15, 400), "too small (15×400 px): at least 16 px"),
    "nan.tiff": (tiff(Image.new("F", (16, 16), float("nan"))), "not finite"),
} | {
    f"cut-{share}.{kind.lower()}": (noise_file(kind)[: int(share * 0.01 * 12000)], "damaged or cut")
    for kind, share in (("PNG", 50), ("TIFF", 50), ("BMP", 50), ("WEBP", 10), ("GIF", 20))
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_files(tmp_path, name):
    data, reason = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BenchError) as caught:
        images.open_picture(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / name))
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_cut_jpeg(tmp_path, share):
    data = noise_file("JPEG")
    (tmp_path / "cut.jpg").write_bytes(data[: int(share * len(data))])
    with pytest.raises(BenchError, match=r"cut\.jpg is (damaged or cut short|not a picture)"):
        images.open_picture(tmp_path / "cut.jpg")


def test_broken_stream(tmp_path):
    data = bytearray(noise_file("PNG"))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    (tmp_path / "broken.png").write_bytes(data)
    with pytest.raises(BenchError, match=r"broken\.png is damaged or cut short: \S"):
        images.open_picture(tmp_path / "broken.png")


def test_refused_paths(tmp_path):
    with pytest.raises(BenchError, match=r"none\.png is not there"):
        images.open_picture(tmp_path / "none.png")
    with pytest.raises(BenchError, match="is a folder"):
        images.open_picture(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "none.png")
    with pytest.raises(BenchError, match=r"link\.png is not there"):
        images.open_picture(tmp_path / "link.png")
    with pytest.raises(BenchError, match="cannot be opened"):
        images.open_picture(tmp_path / ("x" * 300))
    with pytest.raises(BenchError, match="cannot be opened"):
        images.open_picture("a\0b.png")
    with pytest.raises(BenchError, match="is not a regular file"):
        images.open_picture("/dev/null")


def test_garbage_exif_is_no_reason_to_refuse(tmp_path):
    image = Image.fromarray(checker(RED, RED))
    image.save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff\x01\x12")
    assert halves(images.open_picture(tmp_path / "a.png")) == (RED, RED)


def test_at_least_decodes_large_jpegs_smaller(tmp_path):
    Image.new("RGB", (800, 480), GREY).save(tmp_path / "a.jpg")
    assert images.open_picture(tmp_path / "a.jpg").size == (800, 480)
    assert images.open_picture(tmp_path / "a.jpg", at_least=100).size == (200, 120)


def test_to_tensor_and_back():
    pixels = np.arange(768, dtype=np.uint8).reshape(16, 16, 3)  # every value, thrice
    tensor = images.to_tensor(Image.fromarray(pixels))
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor[0, 1, 0, 0] == torch.tensor(1 / 255)
    assert tensor[0, :, 2, 5].mul(255).round().tolist() == [111, 112, 113]
    np.testing.assert_array_equal(np.asarray(images.to_image(tensor)), pixels)


def test_to_image_rounds_and_clamps():
    values = torch.tensor([-0.5, 0.4 / 255, 0.6 / 255, 1.4 / 255, 254.6 / 255, 7.0])
    picture = values.view(1, 1, 1, 6).expand(1, 3, 1, 6)
    assert np.asarray(images.to_image(picture))[0, :, 0].tolist() == [0, 0, 1, 1, 255, 255]
    assert np.asarray(images.to_image(picture[0].bfloat16())).shape == (1, 6, 3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_to_image_refuses_what_is_no_number(value):
    with pytest.raises(BenchError, match="diverged"):
        images.to_image(torch.full((1, 3, 4, 4), value))


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 3, 4, 4)])
def test_to_image_refuses_other_shapes(shape):
    with pytest.raises((ValueError, RuntimeError), match="shape"):
        images.to_image(torch.zeros(shape))


def thirds(path, width, height):
    """Red, green and blue from left to right (or top to bottom), green being the central square."""
    pixels = np.zeros((height, width, 3), np.uint8)
    long = max(width, height)
    for n in range(3):
        part = slice(n * long // 3, (n + 1) * long // 3)
        pixels[(slice(None), part) if width > height else (part, slice(None))] = np.eye(3)[n] * 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("width", "height"), [(96, 32), (32, 96)])
def test_load_crops_the_centre(tmp_path, width, height):
    path = thirds(tmp_path / "a.png", width, height)
    square = images.load(path, 32)
    assert square.shape == (1, 3, 32, 32)
    assert square.mean((0, 2, 3)).tolist() == [0, 1, 0]
    assert images.load(path, 16).shape == (1, 3, 16, 16)
    assert images.load(path, 48).shape == (1, 3, 48, 48)


def test_load_keeps_the_aspect(tmp_path):
    path = thirds(tmp_path / "a.png", 96, 32)
    assert images.load(path, 16, crop=False).shape == (1, 3, 16, 48)
    assert images.load(path).shape == (1, 3, 32, 96)
    assert images.load(path, 32, crop=False).equal(images.load(path))
    assert images.load(str(path)).equal(images.load(path))


def test_load_is_antialiased(tmp_path):
    """One-pixel stripes become even grey, where nearest or plain bilinear sampling alias."""
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    Image.fromarray(stripes).save(tmp_path / "a.png")
    middle = images.load(tmp_path / "a.png", 16)[..., 2:-2, 2:-2]
    assert (middle - 0.5).abs().max() < 0.02


def test_load_refuses_a_result_too_large(tmp_path):
    Image.new("RGB", (16, 4000)).save(tmp_path / "ribbon.png")
    assert images.load(tmp_path / "ribbon.png", 1024).shape == (1, 3, 1024, 1024)
    with pytest.raises(BenchError, match=r"ribbon\.png would be 1024×256000 px at size 1024"):
        images.load(tmp_path / "ribbon.png", 1024, crop=False)


def test_load_takes_a_picture():
    picture = Picture("grey", lambda: Image.new("RGB", (20, 20), GREY))
    assert images.load(picture, 16).mul(255).round().unique().tolist() == [100]


@pytest.mark.parametrize("name", ["a.png", "deep/er/a.PNG"])
def test_save_and_decode(tmp_path, name):
    picture = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    images.save(picture, tmp_path / name)
    again = images.decode(tmp_path / name)
    assert again.shape == picture.shape
    assert (again - picture).abs().max() <= 0.5 / 255 + 1e-6
    assert images.decode(images.encode_png(picture)).equal(again)
    assert [file.name for file in (tmp_path / name).parent.iterdir()] == [Path(name).name]


def test_save_jpeg(tmp_path):
    images.save(torch.full((1, 3, 16, 16), 0.4), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "JPEG"
    assert (images.load(tmp_path / "a.jpg") - 0.4).abs().max() < 0.01


def test_save_refusals(tmp_path):
    picture = torch.zeros(1, 3, 16, 16)
    for name in ("a.webp", "a", "a.png.txt"):
        with pytest.raises(BenchError, match=r"use \.png or \.jpg"):
            images.save(picture, tmp_path / name)
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match=r"a\.png cannot be written \("):
        images.save(picture, tmp_path / "file" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BenchError, match=r"folder\.png cannot be written \("):
        images.save(picture, tmp_path / "folder.png")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    images.save(torch.zeros(1, 3, 16, 16), tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(BenchError):
        images.save(torch.full((1, 3, 16, 16), float("nan")), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before


def test_decode_names_bytes_too():
    with pytest.raises(BenchError, match="the picture is not a picture that can be read"):
        images.decode(b"no")


def test_array_reduces_and_never_enlarges(tmp_path):
    Image.new("RGB", (300, 200), GREY).save(tmp_path / "a.jpg")
    reduced = images.array(tmp_path / "a.jpg", 50)
    assert reduced.shape == (50, 75, 3)
    assert reduced.dtype == np.uint8
    assert np.abs(reduced.astype(int) - 100).max() <= 1
    assert images.array(tmp_path / "a.jpg", 400).shape == (200, 300, 3)


def test_array_reports_what_it_leaves_out(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    reasons = []
    assert images.array(tmp_path / "bad.png", 50, reasons.append) is None
    assert images.array(tmp_path / "bad.png", 50) is None
    assert reasons == [f"{tmp_path / 'bad.png'} is empty: replace the file"]


def refuse():
    raise BenchError("bad.png is empty")


def test_photographs():
    bad = Picture("bad", refuse)
    good = Picture("good", lambda: Image.new("RGB", (60, 40), RED))
    reasons = []
    store = images.photographs([bad, good], 20, reasons.append)
    assert (store.names, reasons) == (["good"], ["bad.png is empty"])
    assert store.picture(0).shape == (3, 20, 30)
    assert store.picture(0).float().mean((1, 2)).tolist() == [255, 0, 0]
    with pytest.raises(BenchError, match=r"none of the 1 photographs .* bad\.png is empty"):
        images.photographs([bad], 20)
    with pytest.raises(BenchError, match="none of the 0 photographs"):
        images.photographs([], 20)


def test_a_png_with_a_profile_of_megabytes_is_whole(tmp_path):
    photo = Image.effect_noise((40, 30), 50).convert("RGB")
    photo.save(tmp_path / "profile.png", icc_profile=bytes(1_500_000))
    about = PngInfo()
    about.add_itxt("XML:com.adobe.xmp", "x" * 1_500_000, zip=True)
    photo.save(tmp_path / "description.png", pnginfo=about)
    for name in ("profile.png", "description.png"):
        assert images.open_picture(tmp_path / name).tobytes() == photo.tobytes()


def tiff(pixels, photometric):
    """The bytes of an uncompressed grey TIFF (TIFF 6.0, section 4), little-endian."""
    height, width = pixels.shape
    depth = 8 * pixels.itemsize
    tags = [(256, width), (257, height), (258, depth), (259, 1), (262, photometric), (273, 8),
            (277, 1), (278, height), (279, pixels.nbytes)]  # fmt: skip
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + pixels.nbytes) + pixels.tobytes() + directory + bytes(4)


@pytest.mark.parametrize(("dtype", "most"), [("<u1", 255), ("<u2", 65535)])
@pytest.mark.parametrize("photometric", [0, 1])
def test_a_tiff_whose_white_is_zero_is_no_negative(dtype, most, photometric, tmp_path):
    ramp = np.linspace(0, most, 32 * 32).astype(dtype).reshape(32, 32)
    (tmp_path / "a.tif").write_bytes(tiff(ramp, photometric))
    read = np.asarray(images.open_picture(tmp_path / "a.tif"))[..., 0].astype(int)
    grey = ramp.astype(float) / most * 255
    assert np.abs(read - (grey if photometric else 255 - grey)).max() <= 1
