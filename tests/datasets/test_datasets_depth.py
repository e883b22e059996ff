"""Images of more than 8 bits, HEIC files, and single images from any source."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from heic_pictures import HEIC, QUARTERS, quarters
from image_folders import pixels, tree
from PIL import Image

from course_utils import datasets, evaluation, quality
from course_utils.datasets import _cache
from course_utils.exceptions import InvalidInput, MissingData

SIZE = (6, 7)


def folder_of(root: Path, arrays: list[np.ndarray], ending: str = ".png") -> Path:
    """Write arrays of any type alternately into two classes."""
    for number, array in enumerate(arrays):
        place = root / "ab"[number % 2] / f"{number:02d}{ending}"
        place.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".png":
            cv2.imwrite(str(place), array)
        else:
            Image.fromarray(array).save(place)
    return root


def values(number: int, low: float, high: float, kind: type) -> np.ndarray:
    share = pixels(number, *SIZE, 1)[..., 0] / 255
    share.flat[:2] = 0, 1
    return (low + share * (high - low)).astype(kind)


def loaded(data: datasets.ImageDataset) -> dict[str, np.ndarray]:
    return {
        id_: image
        for split in datasets.SPLITS
        for id_, image in zip(data.ids(split), data.images(split), strict=True)
    }


CASES = {  # reported faults, and what the message must say
    "12 bits in 16": (0, 4095, np.uint16, ".png", r"16-bit values from 0 to 4,095.*\(0, 4095\)"),
    "10 bits in 16": (0, 1000, np.uint16, ".tif", r"16-bit values from 0 to 1,000.*\(0, 1023\)"),
    "a little over 8 bits": (0, 260, np.int32, ".tif", r"32-bit values from 0 to 260.*\(0, 511\)"),
    "floats a little over 1": (0, 1.02, np.float32, ".tif", r"floating-point values from 0 to 1.0"),
    "CT": (-1000, 2000, np.int32, ".tif", r"from -1,000 to 2,000.*\(-1000, 2000\)"),
    "CT as floats": (-1000, 2000, np.float32, ".tif", r"from -1,000 to 2,000.*\(-1000, 2000\)"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_unclear_scale_is_refused_by_loader_report_and_prediction(tmp_path, case):
    low, high, kind, ending, words = CASES[case]
    arrays = [values(number, low, high, kind) for number in range(8)]
    root = folder_of(tmp_path / "x", arrays, ending)
    with pytest.raises(InvalidInput, match=words) as caught:
        datasets.from_directory(root, SIZE)
    assert "8 images in" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(_cache.decoded_root().iterdir()) == []
    row = quality.report(root)["channels and sizes"]
    assert row.verdict == "problem"
    assert "of which the white one is not clear" in row.found
    with pytest.raises(InvalidInput, match="value_range"):
        datasets.decode(root / f"a/00{ending}")


@pytest.mark.parametrize("case", CASES)
def test_a_named_scale_is_the_same_for_all(tmp_path, case):
    low, high, kind, ending, _ = CASES[case]
    arrays = [values(number, low, low + (high - low) / (number + 1), kind) for number in range(8)]
    root = folder_of(tmp_path / "x", arrays, ending)
    data = datasets.from_directory(root, SIZE, value_range=(low, high))
    images = loaded(data)
    for number, array in enumerate(arrays):
        id_ = f"{'ab'[number % 2]}/{number:02d}{ending}"
        right = (array.astype(float) - low) / (high - low) * 255
        np.testing.assert_allclose(images[id_][..., 0], right, atol=0.51)
        alone = datasets.decode(root / id_, value_range=(low, high))
        np.testing.assert_array_equal(alone, images[id_])
    assert quality.report(root, value_range=(low, high))["channels and sizes"].verdict != "problem"


def test_a_dark_picture_among_full_ones_keeps_the_scale(tmp_path):
    arrays = [values(number, 0, 65535, np.uint16) for number in range(7)]
    arrays.append(values(9, 0, 3000, np.uint16))
    images = loaded(datasets.from_directory(folder_of(tmp_path / "x", arrays), SIZE))
    np.testing.assert_allclose(images["b/07.png"][..., 0], arrays[7] / 257, atol=0.51)
    with pytest.raises(InvalidInput, match="16-bit values from 0 to 3,000"):
        datasets.decode(tmp_path / "x/b/07.png")  # the other images are unknown here


def test_another_scale_is_another_entry_of_the_cache(tmp_path):
    root = folder_of(tmp_path / "x", [values(n, 0, 4095, np.uint16) for n in range(8)])
    first = loaded(datasets.from_directory(root, SIZE, value_range=(0, 4095)))
    second = loaded(datasets.from_directory(root, SIZE, value_range=(0, 8190)))
    assert first["a/00.png"].max() == 255
    assert second["a/00.png"].max() == 128


def test_16_bit_color_is_not_cut_to_its_upper_half(tmp_path):
    arrays = [(pixels(n, *SIZE).astype(np.uint16) * 16) for n in range(8)]  # 12 bits
    root = folder_of(tmp_path / "x", arrays)
    with pytest.raises(InvalidInput, match="16-bit values"):
        datasets.from_directory(root, SIZE)
    images = loaded(datasets.from_directory(root, SIZE, value_range=(0, 255 * 16)))
    np.testing.assert_allclose(images["a/00.png"], pixels(0, *SIZE)[..., ::-1], atol=1)


def test_a_graymap_says_its_own_maximum():
    head = b"P5 3 1 4095\n"
    data = head + np.array([0, 2048, 4095], ">u2").tobytes()
    np.testing.assert_allclose(datasets.decode(data, channels=1)[0, :, 0], [0, 128, 255], atol=1)


def test_values_that_are_no_numbers(tmp_path):
    array = np.ones(SIZE, np.float32)
    array[0, 0] = np.nan
    Image.fromarray(array).save(tmp_path / "x.tif")
    with pytest.raises(InvalidInput, match="holds values that are not numbers"):
        datasets.decode(tmp_path / "x.tif", value_range=(0, 1))


@pytest.mark.parametrize("given", [(1, 1), (5, 2), "ab", 3, (0, np.inf), (0, 1, 2), (None, 1)])
def test_ranges_that_are_none(given):
    with pytest.raises(InvalidInput, match="value_range is .* the value that becomes black"):
        datasets.decode(np.zeros((2, 2), np.uint8), value_range=given)


# --- HEIC ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEIC)
def test_heic_is_read_upright_on_white_in_8_bits(name):
    image = datasets.decode(HEIC[name])
    right = np.array(QUARTERS, float)
    if name == "see-through":
        right[0] = 255
    if name == "gray":
        right = np.repeat((right @ [0.299, 0.587, 0.114])[:, None], 3, axis=1)
    assert image.shape == (16, 24, 3)
    np.testing.assert_allclose(quarters(image), right, atol=4)


def test_a_folder_of_iphone_photographs(tmp_path):
    root = tree(tmp_path / "x", {"a": 4, "b": 4})
    for number, name in enumerate(HEIC):
        (root / "ab"[number % 2] / f"IMG_{number}.HEIC").write_bytes(HEIC[name])
    data = datasets.from_directory(root, image_size=(16, 24))
    np.testing.assert_allclose(quarters(loaded(data)["a/IMG_0.HEIC"]), QUARTERS, atol=4)
    assert quality.report(root)["unreadable files"].verdict == "ok"
    (root / "a/IMG_0.HEIC").write_bytes(HEIC["plain"][:300])
    with pytest.raises(InvalidInput, match=r"a/IMG_0.HEIC is (cut off|damaged|no image)"):
        datasets.from_directory(root, image_size=(16, 24))


# --- one image from any source ---------------------------------------------------------------


@pytest.fixture(scope="module")
def photograph() -> bytes:
    """Return a large JPEG that is stored rotated by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(pixels("side", 300, 400)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


SOURCES = {
    "path": lambda data, path: path,
    "text": lambda data, path: str(path),
    "bytes": lambda data, path: data,
    "memory": lambda data, path: memoryview(data),
    "buffer": lambda data, path: io.BytesIO(data),
    "buffer that was read": lambda data, path: io.BytesIO(data).read() and io.BytesIO(data),
    "file": lambda data, path: path.open("rb"),
    "Pillow": lambda data, path: Image.open(path),
    "Pillow from a buffer": lambda data, path: Image.open(io.BytesIO(data)),
    "upload": lambda data, path: {"name": "x.jpg", "content": memoryview(data)},
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_picture_is_the_same_wherever_it_comes_from(tmp_path, photograph, name):
    path = tmp_path / "x.jpg"
    path.write_bytes(photograph)
    source = SOURCES[name](photograph, path)
    got = datasets.decode(source, (32, 24))
    np.testing.assert_array_equal(got, datasets.decode(path, (32, 24)))
    with Image.open(path) as picture:
        upright = picture.transpose(Image.Transpose.ROTATE_270).resize((24, 32), 2)
    assert np.abs(got.astype(int) - np.asarray(upright)).mean() < 2


def test_a_file_object_that_was_read_to_its_end_is_read_from_the_beginning(photograph):
    stream = io.BytesIO(photograph)
    stream.read()
    assert datasets.decode(stream, 8).shape == (8, 8, 3)


@pytest.mark.parametrize("mode", ["P", "CMYK", "RGBA", "LA", "L", "1", "YCbCr", "PA", "La"])
def test_a_picture_in_memory_is_read_as_its_file(tmp_path, mode):
    image = np.dstack([pixels(5, *SIZE), pixels(6, *SIZE, 1)])
    picture = Image.fromarray(image).convert("RGB" if mode in ("P", "CMYK", "YCbCr") else "RGBA")
    picture = picture.convert("LA").convert(mode) if mode in ("La", "PA") else picture.convert(mode)
    got = datasets.decode(picture)
    if mode in ("RGBA", "LA", "PA", "La"):
        layer = picture.convert("LA" if mode == "La" else "RGBA").convert("RGBA")
        color, alpha = np.split(np.asarray(layer).astype(float), [3], axis=2)
        exact = color * alpha / 255 + 255 - alpha
        np.testing.assert_allclose(got, exact, atol=2)
    else:
        np.testing.assert_array_equal(got, np.asarray(picture.convert("RGB")))


def test_arrays(tmp_path):
    image = pixels(1, *SIZE)
    for same in (image, image.astype(np.int64), image.astype(np.float32), image.tolist()):
        np.testing.assert_array_equal(datasets.decode(same), image)
    flat = image[..., 0]
    np.testing.assert_array_equal(datasets.decode(flat, channels=1)[..., 0], flat)
    np.testing.assert_array_equal(datasets.decode(flat[..., None])[..., 2], flat)
    assert datasets.decode(flat > 100).max() == 255
    clear = np.dstack([image, np.zeros(SIZE, np.uint8)])
    assert (datasets.decode(clear) == 255).all()
    deep = np.dstack([image.astype(np.uint16) * 257, np.full(SIZE, 65535, np.uint16)])
    np.testing.assert_array_equal(datasets.decode(deep), image)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "A picture is needed: a path, the bytes of an image file"),
        ({"a": 1}, "A picture is needed"),
        (object(), "A picture is needed"),
        (b"", r"is empty \(0 bytes\)"),
        (b"<html>", "it looks like a web page"),
        (io.StringIO("text"), r"opened as text; open pictures with open\(path, 'rb'\)"),
        (np.zeros((3, 5, 5)), r"must have the shape .* \(3, 5, 5\)"),
        (np.zeros((0, 4, 3)), "no pixels"),
        (np.full((4, 4), 0.5), "between 0 and 1"),
        (np.full((4, 4), np.nan), "not numbers"),
        (np.full((4, 4), 4000.0), "from 4,000 to 4,000, .* value_range"),
        (np.full((4, 4), -5), "from -5 to -5"),
        (np.full((4, 4), 200, np.uint16), r"16-bit values from 200 to 200, .*\(0, 255\)"),
        ([[1, 2], [3]], "A picture is needed"),
    ],
)
def test_what_is_no_picture_gets_one_sentence(given, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        datasets.decode(given)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_wrong_arguments():
    with pytest.raises(MissingData, match="There is no image file nowhere.jpg"):
        datasets.decode("nowhere.jpg")
    with pytest.raises(InvalidInput, match="channels is 4"):
        datasets.decode(np.zeros((2, 2), np.uint8), channels=4)
    with pytest.raises(InvalidInput, match="image_size is 0"):
        datasets.decode(np.zeros((2, 2), np.uint8), 0)


def test_too_many_pixels_are_refused_from_bytes_too():
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    with pytest.raises(InvalidInput, match="has too many pixels"):
        datasets.decode(buffer.getvalue(), 8)


@pytest.fixture(scope="module")
def model():
    import keras

    layers = [keras.Input((16, 24, 3)), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([*layers, keras.layers.Dense(2)])


def test_predict_images_takes_all_of_them_alone_or_in_a_list(tmp_path, photograph, model):
    path = tmp_path / "x.jpg"
    path.write_bytes(photograph)
    right = datasets.decode(path, (16, 24))
    for make in SOURCES.values():
        found = evaluation.predict_images(model, make(photograph, path), "ab")
        np.testing.assert_array_equal(found.images[0], right)
    several = [make(photograph, path) for make in SOURCES.values()]
    found = evaluation.predict_images(model, several, "ab")
    assert len(found) == len(several)
    assert found.ids[:3] == (str(path), str(path), "image 2")
    assert (found.images == right).all()


def test_predict_images_with_a_named_scale(model):
    deep = values(1, 0, 4095, np.uint16)
    with pytest.raises(InvalidInput, match="value_range"):
        evaluation.predict_images(model, deep, "ab")
    found = evaluation.predict_images(model, [deep, deep], "ab", value_range=(0, 4095))
    assert found.images.max() > 240
