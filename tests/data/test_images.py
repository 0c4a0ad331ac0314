import io
import multiprocessing

import numpy as np
import pytest
from PIL import Image, ImageOps

from trmml.data import BrokenImageError, decode_image, image_size


@pytest.fixture
def pixels():
    rows, columns = np.mgrid[0:24, 0:40]
    return np.stack([rows * 10, columns * 6, rows + columns], -1).astype(np.uint8)


def decoded(path, **options):
    image = decode_image(path, **options)
    assert image.mode == "RGB"
    return np.asarray(image)


def test_png_pixels_are_exact(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(decoded(tmp_path / "a.png"), pixels)


def test_the_content_decides_not_the_extension(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(decoded(tmp_path / "a.jpg"), pixels)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_is_repeated(mode, pixels, tmp_path):
    image = Image.fromarray(pixels).convert(mode)
    image.save(tmp_path / "a.png")
    grey = np.asarray(image).astype(np.uint8) * (255 if mode == "1" else 1)
    assert np.array_equal(decoded(tmp_path / "a.png"), np.stack([grey] * 3, -1))


def test_a_palette_is_looked_up(pixels, tmp_path):
    image = Image.fromarray(pixels).quantize(16)
    image.save(tmp_path / "a.png")
    assert np.array_equal(decoded(tmp_path / "a.png"), np.asarray(image.convert("RGB")))
    assert len(np.unique(decoded(tmp_path / "a.png").reshape(-1, 3), axis=0)) <= 16


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_sixteen_bits_keep_the_upper_eight(dtype, tmp_path):
    levels = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    kind = "I;16" if dtype == "<u2" else "I;16B"
    image = Image.frombytes(kind, (32, 32), levels.astype(dtype).tobytes())
    image.save(tmp_path / "a.tif")
    assert np.array_equal(decoded(tmp_path / "a.tif")[..., 1], levels >> 8)


def test_sixteen_bit_png(tmp_path):
    levels = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert np.array_equal(decoded(tmp_path / "a.png")[..., 2], levels >> 8)


def test_cmyk(pixels, tmp_path):
    image = Image.fromarray(pixels).convert("CMYK")
    image.save(tmp_path / "a.tif")
    assert np.array_equal(decoded(tmp_path / "a.tif"), pixels)
    image.save(tmp_path / "a.jpg", quality=100)
    assert np.abs(decoded(tmp_path / "a.jpg").astype(int) - pixels).mean() < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "RGB"])
def test_transparent_parts_become_white(mode, tmp_path):
    if mode in ("P", "RGB"):
        image = Image.new(mode, (8, 8), 0)
        image.save(tmp_path / "a.png", transparency=0 if mode == "P" else (0, 0, 0))
    else:
        image = Image.new("RGBA", (8, 8), (0, 0, 0, 0)).convert(mode)
        image.save(tmp_path / "a.tif" if mode == "PA" else tmp_path / "a.png")
    path = next(tmp_path.iterdir())
    assert (decoded(path) == 255).all()


def test_half_transparent_is_blended(tmp_path):
    Image.new("RGBA", (4, 4), (0, 100, 200, 128)).save(tmp_path / "a.png")
    assert decoded(tmp_path / "a.png")[0, 0].tolist() == pytest.approx([127, 177, 227], abs=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation, pixels, tmp_path):
    upright = Image.fromarray(pixels)
    stored = {
        1: lambda x: x,
        2: np.fliplr,
        3: lambda x: np.rot90(x, 2),
        4: np.flipud,
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: np.rot90(x, 2).transpose(1, 0, 2),
        8: lambda x: np.rot90(x, 3),
    }[orientation](pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decoded(tmp_path / "a.png"), np.asarray(upright))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_damaged_metadata_does_not_spoil_the_pixels(kind, pixels, tmp_path):
    image = Image.fromarray(pixels)
    image.save(tmp_path / "sound", format=kind)
    for damage in (
        b"",
        b"Exif\x00\x00",
        b"Exif\x00\x00garbage garbage",
        b"Exif\x00\x00MM\x00\x2a\xff",
    ):
        image.save(tmp_path / "damaged", format=kind, exif=damage)
        assert np.array_equal(decoded(tmp_path / "damaged"), decoded(tmp_path / "sound"))


def test_the_first_frame_of_an_animation_counts(pixels, tmp_path):
    frames = [Image.fromarray(pixels).quantize(8), Image.new("P", (40, 24))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    expected = np.asarray(frames[0].convert("RGB"))
    assert np.array_equal(decoded(tmp_path / "a.gif"), expected)


@pytest.mark.parametrize(("min_side", "size"), [(None, (400, 240)), (240, (400, 240)),
                                                (120, (200, 120)), (61, (200, 120)),
                                                (60, (100, 60)), (1, (50, 30))])  # fmt: skip
def test_jpegs_are_decoded_small_but_never_below_the_side_wanted(min_side, size, pixels, tmp_path):
    Image.fromarray(pixels).resize((400, 240)).save(tmp_path / "a.jpg")
    assert decode_image(tmp_path / "a.jpg", min_side=min_side).size == size


def test_a_small_decoding_shows_the_same_picture(pixels, tmp_path):
    Image.fromarray(pixels).resize((400, 240)).save(tmp_path / "a.jpg", quality=95)
    small = decoded(tmp_path / "a.jpg", min_side=60).astype(int)
    full = np.asarray(decode_image(tmp_path / "a.jpg").resize((100, 60), Image.Resampling.BOX))
    assert np.abs(small - full).mean() < 2


def test_other_formats_ignore_the_side(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(decoded(tmp_path / "a.png", min_side=1), pixels)
    with pytest.raises(ValueError, match="`min_side` must be at least 1, got 0"):
        decode_image(tmp_path / "a.png", min_side=0)


def broken(path, data):
    path.write_bytes(data)
    with pytest.raises(BrokenImageError) as caught:
        decode_image(path)
    assert caught.value.path == path
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


def encoded(pixels, kind):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def test_a_zero_byte_file(tmp_path):
    assert broken(tmp_path / "a.jpg", b"") == "the file is empty (0 bytes)"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_a_truncated_file(kind, tmp_path):
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(noise, kind)
    reason = broken(tmp_path / "a", data[: len(data) // 2])
    assert reason.startswith(("damaged or truncated: ", "not an image"))


@pytest.mark.parametrize("data", [b"<!DOCTYPE html><html>404</html>", b"\x00" * 500, b"x"])
def test_not_an_image(data, tmp_path):
    reason = broken(tmp_path / "a.jpg", data)
    assert reason == "not an image, or in a format that is not known"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM"])
@pytest.mark.filterwarnings("ignore")
def test_damage_of_any_kind_is_a_broken_image_or_none(kind, tmp_path):
    random = np.random.RandomState(0)
    data = encoded(random.randint(0, 256, (24, 20, 3), dtype=np.uint8), kind)
    path, outcomes = tmp_path / "a", set()
    for trial in range(60):
        damaged = bytearray(data)
        for place in random.randint(0, min(len(data), 100), 4):
            damaged[place] = random.randint(256)
        path.write_bytes(damaged[: len(data) - trial % 3 * (len(data) // 4)])
        try:
            outcomes.add(decode_image(path).mode)
        except BrokenImageError as error:
            outcomes.add(type(error))
    assert outcomes <= {"RGB", BrokenImageError}
    assert BrokenImageError in outcomes


def test_a_failing_disk_is_not_called_damage(pixels, tmp_path, monkeypatch):
    Image.fromarray(pixels).save(tmp_path / "a.png")

    def fail(_, formats):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(BrokenImageError, match=r"cannot be read: Input/output error$"):
        decode_image(tmp_path / "a.png")


def test_nothing_there(tmp_path):
    with pytest.raises(BrokenImageError, match=r"a\.jpg: the file does not exist$"):
        decode_image(tmp_path / "a.jpg")
    with pytest.raises(BrokenImageError, match=r"this is a folder, not a file$"):
        decode_image(tmp_path)


@pytest.mark.parametrize(("mode", "reason"), [("F", "floating-point pixels"),
                                              ("I", "32-bit pixels")])  # fmt: skip
def test_pixels_without_a_range(mode, reason, tmp_path):
    Image.fromarray(np.full((4, 4), 1e6, np.float32 if mode == "F" else np.int32)).save(
        tmp_path / "a.tif"
    )
    with pytest.raises(BrokenImageError, match=f"{reason}.*; save it with 8 or 16 bits"):
        decode_image(tmp_path / "a.tif")


def test_a_bomb(tmp_path, monkeypatch):
    Image.new("1", (300, 300)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(BrokenImageError, match="too large to decode safely"):
        decode_image(tmp_path / "a.png")


def test_the_error_travels_between_processes(tmp_path):
    reader, writer = multiprocessing.Pipe()
    writer.send(BrokenImageError(tmp_path / "a.jpg", "empty"))
    received = reader.recv()
    assert (received.path, received.reason) == (tmp_path / "a.jpg", "empty")
    assert isinstance(received, ValueError)


def test_a_size_is_read_from_the_header_alone(tmp_path):
    noise = np.random.RandomState(0).randint(0, 256, (64, 32, 3), dtype=np.uint8)
    data = encoded(noise, "JPEG")
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    assert image_size(tmp_path / "a.jpg") == (32, 64)
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(BrokenImageError, match="empty"):
        image_size(tmp_path / "a.jpg")


def test_an_upright_picture_is_not_turned_again(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    upright = decode_image(tmp_path / "a.jpg")
    assert upright.size == (20, 40)
    assert ImageOps.exif_transpose(upright).size == (20, 40)
