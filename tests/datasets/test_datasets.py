"""Loading folders of images: pixels, splits and order."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from image_folders import pixels, save, tree
from PIL import Image

from course_utils import datasets, settings
from course_utils.datasets import _cache, _splits, decoding, display, folder
from course_utils.exceptions import InvalidInput

SIZE = 24


@pytest.fixture
def flowers(tmp_path) -> Path:
    return tree(tmp_path / "my flowers", {"rose": 20, "daisy": 30, "tulip": 10})


@pytest.fixture
def data(flowers):
    return datasets.from_directory(flowers, image_size=SIZE, batch_size=8)


def everything(batches):
    images, labels = zip(*((x.numpy(), y.numpy()) for x, y in batches), strict=True)
    return np.concatenate(images), np.concatenate(labels)


# --- importing -----------------------------------------------------------------------------


def test_importing_the_room_does_not_import_tensorflow():
    code = "import sys, course_utils.datasets; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- pixels and labels ---------------------------------------------------------------------


def test_a_folder_becomes_three_splits_of_batches(data, flowers):
    assert data.name == "my flowers"
    assert data.class_names == ("daisy", "rose", "tulip")
    assert data.num_classes == 3
    assert data.input_shape == (SIZE, SIZE, 3)
    for split, number in {"train": 48, "validation": 6, "test": 6}.items():
        batches = getattr(data, split)
        assert int(batches.cardinality()) == -(-number // 8)
        images, labels = everything(batches)
        assert images.shape == (number, SIZE, SIZE, 3)
        assert images.dtype == np.float32
        assert labels.dtype == np.int32
        assert images.min() >= 0
        assert 100 < images.max() <= 255


def test_pixels_and_labels_belong_to_their_ids(data, flowers):
    for split in datasets.SPLITS:
        ids, labels, images = data.ids(split), data.labels(split), data.images(split)
        assert images.dtype == np.uint8
        assert images.shape == (len(ids), SIZE, SIZE, 3)
        for id_, label, image in zip(ids, labels, images, strict=True):
            assert id_.split("/")[0] == data.class_names[label]
            with Image.open(flowers / id_) as picture:
                expected = picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
            np.testing.assert_array_equal(image, np.asarray(expected))


@pytest.mark.parametrize("split", datasets.SPLITS)
def test_ordered_batches_come_in_the_order_of_the_ids(data, split):
    images, labels = everything(data.ordered(split))
    np.testing.assert_array_equal(images, data.images(split).astype(np.float32))
    np.testing.assert_array_equal(labels, data.labels(split))


def test_batches_hold_what_keras_reads_from_the_same_files(data, flowers):
    # An independent reader; the sizes agree, so that no image is resized.
    import keras

    for path in flowers.glob("*/*.jpg"):
        save(path.with_suffix(".png"), seed=str(path), height=SIZE, width=SIZE)
        path.unlink()
    ours = datasets.from_directory(flowers, image_size=SIZE)
    theirs = keras.utils.image_dataset_from_directory(
        flowers, image_size=(SIZE, SIZE), shuffle=False, batch_size=100, verbose=False
    )
    images, labels = everything(theirs)
    by_id = {}
    for split in datasets.SPLITS:
        rows = zip(ours.ids(split), ours.images(split), ours.labels(split), strict=True)
        by_id |= {id_: (image, label) for id_, image, label in rows}
    paths = [Path(path).relative_to(flowers).as_posix() for path in theirs.file_paths]
    assert tuple(theirs.class_names) == ours.class_names
    np.testing.assert_array_equal(np.stack([by_id[one][0] for one in paths]), images)
    np.testing.assert_array_equal([by_id[one][1] for one in paths], labels)


def test_the_images_cannot_be_changed_by_mistake(data):
    with pytest.raises(ValueError, match="read-only"):
        data.images("test")[0, 0, 0, 0] = 1
    labels = data.labels("test")
    labels[:] = 0
    assert set(data.labels("test")) == {0, 1, 2}
    with pytest.raises(AttributeError):
        data.name = "other"


def test_some_images_by_their_ids(data):
    ids = data.ids("validation")[2::-1]
    np.testing.assert_array_equal(data.images("validation", ids), data.images("validation")[2::-1])


def test_describe_counts_the_files(data, flowers):
    table = data.describe()
    assert list(table.columns) == ["train", "validation", "test", "total"]
    assert list(table.index) == ["daisy", "rose", "tulip", "total"]
    assert table.loc["daisy"].tolist() == [24, 3, 3, 30]
    assert table.loc["total"].tolist() == [48, 6, 6, 60]
    assert isinstance(table, pd.DataFrame)


def test_it_shows_itself_in_words(data):
    assert repr(data).startswith("my flowers: 60 images of 3 classes, 24×24×3\n")
    assert "<td>48</td>" in data._repr_html_()


def test_names_cannot_smuggle_html_into_a_notebook(tmp_path):
    tree(tmp_path / "x", {"<b>bold": 4, "plain": 4})
    assert "<b>bold" not in datasets.from_directory(tmp_path / "x", image_size=8)._repr_html_()


# --- order ---------------------------------------------------------------------------------


def labels_of(batches):
    return np.concatenate([y.numpy() for _, y in batches]).tolist()


def test_training_images_come_in_a_new_order_each_epoch(data):
    first, second = labels_of(data.train), labels_of(data.train)
    assert first != second
    assert sorted(first) == sorted(second) == sorted(data.labels("train").tolist())


def test_the_same_seed_gives_the_same_orders_whatever_else_was_drawn(flowers):
    import keras

    orders = []
    for other in (1, 2):
        keras.utils.set_random_seed(other)
        again = datasets.from_directory(flowers, image_size=SIZE, batch_size=8, seed=7)
        orders.append([labels_of(again.train) for _ in range(2)])
    assert orders[0] == orders[1]
    other_seed = datasets.from_directory(flowers, image_size=SIZE, batch_size=8, seed=8)
    assert labels_of(other_seed.train) != orders[0][0]


def test_an_interrupted_training_can_go_on_with_the_order_of_its_epoch(data):
    whole = data.shuffled()
    orders = [labels_of(whole) for _ in range(4)]
    rest = data.shuffled(first_epoch=2)
    assert [labels_of(rest) for _ in range(2)] == orders[2:]


def test_validation_and_test_are_never_shuffled(data):
    for split in ("validation", "test"):
        assert labels_of(getattr(data, split)) == data.labels(split).tolist()
        assert labels_of(getattr(data, split)) == data.labels(split).tolist()


def test_keras_trains_on_it_and_knows_the_number_of_steps(data):
    import keras

    model = keras.Sequential(
        [keras.Input(data.input_shape), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="sgd", loss=loss)
    history = model.fit(data.train, validation_data=data.validation, epochs=2, verbose=0)
    assert history.params["steps"] == 6
    assert len(history.history["val_loss"]) == 2


# --- splits --------------------------------------------------------------------------------


def test_a_division_is_disjoint_complete_and_by_class(data, flowers):
    sets = [set(data.ids(split)) for split in datasets.SPLITS]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 60
    for split in ("validation", "test"):
        assert np.bincount(data.labels(split)).tolist() == [3, 2, 1]


def test_the_same_seed_gives_the_same_division_in_any_order_of_listing():
    ids = [f"{name}/{i}.jpg" for name in "ab" for i in range(50)]
    labels = np.repeat([0, 1], 50)
    shares = {"test": 0.1, "validation": 0.2}
    straight = _splits.carve(ids, labels, ids, ("a", "b"), shares, 3)
    turn = np.random.default_rng(0).permutation(100)
    turned_ids = [ids[i] for i in turn]
    turned = _splits.carve(turned_ids, labels[turn], turned_ids, ("a", "b"), shares, 3)
    for split in datasets.SPLITS:
        assert {ids[i] for i in straight[split]} == {turned_ids[i] for i in turned[split]}
    other = _splits.carve(ids, labels, ids, ("a", "b"), shares, 4)
    assert set(other["test"]) != set(straight["test"])


def test_another_class_does_not_change_how_a_class_is_divided(tmp_path):
    root = tree(tmp_path / "x", {"a": 20, "b": 20})
    before = datasets.from_directory(root, image_size=8).ids("test")
    tree(root, {"c": 20})
    after = datasets.from_directory(root, image_size=8).ids("test")
    assert [one for one in after if one[0] != "c"] == list(before)


@pytest.mark.parametrize("seed", range(8))
def test_copies_of_an_image_stay_in_one_split(tmp_path, seed):
    root = tree(tmp_path / "x", {"a": 12, "b": 12})
    for i in range(8):
        shutil.copy(root / f"a/{i:03d}.jpg", root / f"a/copy {i}.jpg")
    shutil.copy(root / "a/009.jpg", root / "b/of another class.jpg")
    data = datasets.from_directory(root, image_size=8, seed=seed, validation=0.25, test=0.25)
    splits_of: dict[bytes, set[str]] = {}
    for split in datasets.SPLITS:
        for id_ in data.ids(split):
            splits_of.setdefault((root / id_).read_bytes(), set()).add(split)
    assert max(len(one) for one in splits_of.values()) == 1
    assert data.describe().loc["a", "test"] in (4, 5)


def test_one_line_says_what_was_divided(flowers, capsys):
    datasets.from_directory(flowers, image_size=SIZE)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "my flowers: of 60 images, 6 for validation and 6 for test were taken at random, class by "
        "class (seed 42); 48 are left for training."
    ]


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "VAL"])
def test_split_folders_are_kept_as_they_are(tmp_path, name, capsys):
    counts = {f"train/{c}": 6 for c in "ab"} | {f"{name}/{c}": 3 for c in "ab"}
    root = tree(tmp_path / "x", counts | {f"test/{c}": 2 for c in "ab"})
    data = datasets.from_directory(root, image_size=8)
    assert data.describe().loc["total"].tolist() == [12, 6, 4, 22]
    assert all(id_.startswith(f"{name}/") for id_ in data.ids("validation"))
    assert capsys.readouterr().out == ""


def test_a_missing_split_is_taken_from_training(tmp_path, capsys):
    counts = {f"{s}/{c}": n for s, n in {"train": 20, "test": 4}.items() for c in "ab"}
    data = datasets.from_directory(tree(tmp_path / "x", counts), image_size=8)
    assert data.describe().loc["total"].tolist() == [36, 4, 8, 48]
    assert all(id_.startswith("train/") for id_ in data.ids("validation"))
    assert "4 for validation were taken at random" in capsys.readouterr().out


def test_a_test_folder_without_classes_is_said_not_used(tmp_path, capsys):
    root = tree(tmp_path / "x", {"train/a": 10, "train/b": 10, "test": 3})
    data = datasets.from_directory(root, image_size=8)
    assert data.describe().loc["total"].tolist() == [16, 2, 2, 20]
    assert "3 images lie outside class folders" in capsys.readouterr().out


def test_classes_may_be_called_like_splits_and_it_is_said(tmp_path, capsys):
    root = tree(tmp_path / "x", {"train": 8, "bus": 8, "test": 8})
    assert datasets.from_directory(root, image_size=8).class_names == ("bus", "test", "train")
    assert "test, train are taken as classes, beside bus; if they are" in capsys.readouterr().out
    root = tree(tmp_path / "y", {"train": 8, "test": 8})
    with pytest.raises(InvalidInput, match="y/test, y/train are splits and no classes"):
        datasets.from_directory(root, image_size=8)
    root = tree(tmp_path / "z", {"pass": 8, "fail": 8, "test/2024": 4, "test/2025": 4})
    assert datasets.from_directory(root, image_size=8).class_names == ("fail", "pass", "test")
    root = tree(tmp_path / "w", {f"{s}/{c}": 5 for s in ("train", "test") for c in ("test", "x")})
    assert datasets.from_directory(root, image_size=8).class_names == ("test", "x")


# --- listing -------------------------------------------------------------------------------


def test_nested_files_count_and_others_are_passed_over(tmp_path):
    root = tree(tmp_path / "x", {"a": 4, "a/inner/deep": 2, "b": 5, ".git": 2, "__MACOSX/a": 2})
    for other in ("a/notes.txt", "a/Thumbs.db", "b/labels.csv", "README.md"):
        (root / other).write_text("no image")
    (root / "a/.hidden.jpg").write_text("no image")
    listing = folder.scan(root)
    assert listing.class_names == ("a", "b")
    assert len(listing.images) == 11
    assert "a/inner/deep/001.jpg" in [one.file.id for one in listing.images]


def test_links_are_followed_once(tmp_path):
    root = tree(tmp_path / "x", {"a": 4})
    elsewhere = tree(tmp_path / "elsewhere", {"b": 3})
    (root / "b").symlink_to(elsewhere / "b")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a")
    ids = [one.file.id for one in folder.scan(root).images]
    assert [one for one in ids if one.startswith("b/")] == ["b/000.jpg", "b/001.jpg", "b/002.jpg"]
    assert len([one for one in ids if one.startswith("a/") and one.count("/") == 1]) == 4


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_with_spaces_and_accents(tmp_path, form):
    names = [unicodedata.normalize(form, one) for one in ("Gänseblümchen (weiß)", "élan vital")]
    data = datasets.from_directory(tree(tmp_path / "Müll 1", dict.fromkeys(names, 5)), image_size=8)
    assert data.class_names == ("Gänseblümchen (weiß)", "élan vital")
    for id_ in data.ids("train"):
        assert (tmp_path / "Müll 1" / id_).is_file()


def test_a_name_that_is_no_text(tmp_path):
    root = tree(tmp_path / "x", {"a": 5, "b": 5})
    with open(os.fsencode(root / "a") + b"/\xff\xfe.jpg", "wb") as file:
        file.write((root / "a/000.jpg").read_bytes() + b"x")
    with open(os.fsencode(root / "b") + b"/\xff.jpg", "wb") as file:
        file.write(b"no image")
    with pytest.raises(InvalidInput, match=r"b/\\udcff.jpg is no image"):
        datasets.from_directory(root, image_size=8)
    os.remove(os.fsencode(root / "b") + b"/\xff.jpg")
    data = datasets.from_directory(root, image_size=8)
    assert data.describe().loc["total", "total"] == 11
    assert len(data.fingerprint) == 32


# --- decoding ------------------------------------------------------------------------------


def decode(path: Path, size=(24, 32), channels=3) -> np.ndarray:
    return decoding.to_array(path.read_bytes(), size, channels)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".webp", ".gif", ".ppm", ".JPG"])
def test_formats(tmp_path, ending):
    image = pixels(1)
    path = tmp_path / f"x{ending}"
    options = {"lossless": True} if ending == ".webp" else {}
    Image.fromarray(image).save(path, **options)
    close = 12 if ending in (".gif", ".JPG") else 0
    assert np.abs(decode(path).astype(int) - image).mean() <= close


def test_photographs_are_turned_upright(tmp_path):
    image = pixels(2)
    for orientation, turned in {
        3: image[::-1, ::-1],
        6: np.rot90(image, 1),
        8: np.rot90(image, 3),
    }.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(turned).save(tmp_path / "x.png", exif=exif)
        np.testing.assert_array_equal(decode(tmp_path / "x.png"), image)


def test_sixteen_bits_become_eight(tmp_path):
    deep = np.linspace(0, 65535, 24 * 32).astype(np.uint16).reshape(24, 32)
    Image.fromarray(deep).save(tmp_path / "x.png")
    Image.fromarray(deep).save(tmp_path / "x.tif")
    for name in ("x.png", "x.tif"):
        gray = decode(tmp_path / name, channels=1)[..., 0]
        np.testing.assert_allclose(gray, deep / 257, atol=0.51)
        assert (decode(tmp_path / name)[..., 0] == gray).all()


def test_transparent_parts_are_white(tmp_path):
    image = np.dstack([pixels(3), np.full((24, 32), 255, np.uint8)])
    image[:12, :, 3] = 0
    image[12:14, :, 3] = 128
    Image.fromarray(image).save(tmp_path / "x.png")
    got = decode(tmp_path / "x.png").astype(int)
    assert (got[:12] == 255).all()
    np.testing.assert_array_equal(got[14:], image[14:, :, :3])
    half = image[12:14, :, :3] * (128 / 255) + 255 * (127 / 255)
    np.testing.assert_allclose(got[12:14], half, atol=1)
    palette = Image.fromarray(image[..., :3]).quantize(16)
    palette.save(tmp_path / "p.png", transparency=palette.getpixel((0, 0)))
    assert (decode(tmp_path / "p.png")[0, 0] == 255).all()


def test_cmyk_gray_and_one_bit(tmp_path):
    image = pixels(4)
    Image.fromarray(image).convert("CMYK").save(tmp_path / "c.jpg", quality=100)
    assert np.abs(decode(tmp_path / "c.jpg").astype(int) - image).mean() < 4
    Image.fromarray(image).convert("L").save(tmp_path / "l.png")
    gray = decode(tmp_path / "l.png")
    assert (gray[..., 0] == gray[..., 1]).all()
    Image.fromarray(image).convert("1").save(tmp_path / "b.png")
    assert set(np.unique(decode(tmp_path / "b.png"))) == {0, 255}


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.fromarray(np.full((24, 32, 3), value, np.uint8)) for value in (200, 20)]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert abs(int(decode(tmp_path / "x.gif")[0, 0, 0]) - 200) < 3


def test_large_photographs_are_shrunk_without_aliasing(tmp_path):
    # A fine checkerboard must become gray, with and without the fast JPEG decoding.
    board = np.kron(np.indices((400, 400)).sum(0) % 2, np.ones((1, 1))) * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "x.png")
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "x.jpg", quality=95)
    for name in ("x.png", "x.jpg"):
        small = decode(tmp_path / name, size=(16, 16))
        assert np.abs(small.astype(float) - 127.5).max() < 8, name
    noise = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    big = Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC)
    big.save(tmp_path / "y.jpg", quality=95)
    for size in ((24, 32), (100, 90), (300, 400), (700, 900)):
        with Image.open(tmp_path / "y.jpg") as picture:
            slow = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(decode(tmp_path / "y.jpg", size=size) - slow).mean() < 1.5, size


def test_grayscale_has_one_channel(flowers):
    data = datasets.from_directory(flowers, image_size=(16, 20), color_mode="grayscale")
    assert data.input_shape == (16, 20, 1)
    images, _ = everything(data.test)
    assert images.shape == (6, 16, 20, 1)
    with Image.open(flowers / data.ids("test")[0]) as picture:
        gray = picture.convert("L").resize((20, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(images[0, ..., 0], np.asarray(gray))


def test_unreadable_files_can_be_passed_over(flowers, capsys):
    (flowers / "rose/000.jpg").write_bytes(b"")
    (flowers / "tulip/003.jpg").write_bytes((flowers / "tulip/003.jpg").read_bytes()[:200])
    for _ in range(2):  # the second time from the cache
        data = datasets.from_directory(flowers, image_size=SIZE, unreadable="skip")
        assert data.describe()["total"].tolist() == [30, 19, 9, 58]
        said = capsys.readouterr().out
        assert "without 2 unreadable files" in said
        assert "rose/000.jpg is empty (0 bytes)" in said
        assert "tulip/003.jpg is cut off (truncated)" in said
    every = [id_ for split in datasets.SPLITS for id_ in data.ids(split)]
    assert "rose/000.jpg" not in every


# --- smaller and corrected datasets ---------------------------------------------------------


def test_without(data):
    gone = [data.ids("train")[3], data.ids("test")[0]]
    less = data.without(gone)
    assert not set(gone) & {id_ for split in datasets.SPLITS for id_ in less.ids(split)}
    assert less.describe().loc["total"].tolist() == [47, 6, 5, 58]
    np.testing.assert_array_equal(less.images("train"), np.delete(data.images("train"), 3, axis=0))
    assert data.describe().loc["total", "total"] == 60
    assert less.fingerprint != data.fingerprint
    assert len(labels_of(less.train)) == 47


def test_with_labels(data):
    id_ = data.ids("train")[0]
    new = data.with_labels({id_: "tulip"})
    assert new.labels("train")[0] == 2
    assert data.with_labels({id_: 2}).fingerprint == new.fingerprint != data.fingerprint
    assert (new.labels("train")[1:] == data.labels("train")[1:]).all()


def test_subset(data):
    small = data.subset(["tulip", "daisy"], per_class=2)
    assert small.class_names == ("tulip", "daisy")
    assert small.describe().loc["total"].tolist() == [4, 3, 3, 10]
    for split in datasets.SPLITS:
        for id_, label in zip(small.ids(split), small.labels(split), strict=True):
            assert id_.split("/")[0] == small.class_names[label]
    larger = data.subset(["tulip", "daisy"], per_class=3)
    assert set(small.ids("train")) < set(larger.ids("train"))
    only_train = data.subset(per_class={"train": 1})
    assert only_train.describe().loc["total"].tolist() == [3, 6, 6, 15]
    assert data.subset(per_class=2, seed=1).ids("train") != data.subset(per_class=2).ids("train")


def test_the_fingerprint_follows_content_division_and_size(flowers):
    def load(**changes):
        arguments = {"image_size": SIZE, "batch_size": 8, "seed": 1} | changes
        return datasets.from_directory(flowers, **arguments).fingerprint

    first = load()
    assert load() == first
    for changes in (
        {"seed": 2},
        {"image_size": 25},
        {"batch_size": 9},
        {"color_mode": "grayscale"},
    ):
        assert load(**changes) != first
    os.utime(flowers / "rose/000.jpg", (1, 1))  # a new date alone is not a change
    assert load() == first
    save(flowers / "rose/000.jpg", seed="other")
    assert load() != first


# --- the cache -----------------------------------------------------------------------------


def entries() -> list[Path]:
    return sorted(_cache.decoded_root().glob("[!.]*"))


def test_files_are_decoded_once(flowers, monkeypatch):
    first = datasets.from_directory(flowers, image_size=SIZE)
    monkeypatch.setattr(decoding, "decode_file", None)  # would fail if called
    monkeypatch.setattr(decoding, "decode_all", None)
    again = datasets.from_directory(flowers, image_size=SIZE)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.images("test"), first.images("test"))
    assert len(entries()) == 1


def test_a_changed_folder_or_another_size_has_an_entry_of_its_own(flowers):
    datasets.from_directory(flowers, image_size=SIZE)
    datasets.from_directory(flowers, image_size=SIZE + 1)
    datasets.from_directory(flowers, image_size=SIZE, color_mode="grayscale")
    save(flowers / "rose/new.jpg")
    data = datasets.from_directory(flowers, image_size=SIZE)
    assert len(entries()) == 4
    assert data.describe().loc["rose", "total"] == 21


def test_a_replaced_file_is_seen_even_with_its_old_date_and_size(tmp_path):
    root = tree(tmp_path / "x", {"a": 4, "b": 4}, ending=".bmp")
    path = root / "a/000.bmp"
    datasets.from_directory(root, image_size=8)
    before = path.stat()
    save(path, seed="other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    data = datasets.from_directory(root, image_size=8)
    split = next(split for split in datasets.SPLITS if "a/000.bmp" in data.ids(split))
    np.testing.assert_array_equal(data.images(split, ["a/000.bmp"])[0], decode(path, size=(8, 8)))


def cut(entry):
    path = entry / "images.npy"
    path.write_bytes(path.read_bytes()[:-100])


def flip(entry):
    content = bytearray((entry / "images.npy").read_bytes())
    content[5000] ^= 1
    (entry / "images.npy").write_bytes(content)


def older(entry):
    about = json.loads((entry / "about.json").read_text())
    (entry / "about.json").write_text(json.dumps(about | {"format": 0}))


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        flip,
        older,
        lambda entry: (entry / "about.json").write_text("{"),
        lambda entry: (entry / "about.json").unlink(),
        lambda entry: (entry / "images.npy").unlink(),
        lambda entry: (entry / "images.npy").write_bytes(b""),
        lambda entry: np.save(entry / "images.npy", np.zeros((60, 3, 3, 3), np.uint8)),
    ],
    ids=["cut", "flipped bit", "older", "bad json", "no json", "no images", "empty", "other shape"],
)
def test_a_damaged_entry_is_built_again(flowers, damage):
    good = datasets.from_directory(flowers, image_size=SIZE).images("train").copy()
    (entry,) = entries()
    damage(entry)
    _cache._verified.clear()  # as a new process
    again = datasets.from_directory(flowers, image_size=SIZE)
    np.testing.assert_array_equal(again.images("train"), good)
    assert entries() == [entry]
    assert not list(_cache.decoded_root().glob(".*"))


def test_two_processes_build_the_same_entry_at_once(flowers):
    code = (
        "import sys; from course_utils import datasets; "
        f"print(datasets.from_directory({str(flowers)!r}, image_size=64).fingerprint)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    lines = {process.communicate()[0].splitlines()[-1] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(lines) == 1
    assert len(entries()) == 1
    assert not list(_cache.decoded_root().glob(".*"))


def test_the_longest_unused_entries_make_room(flowers, monkeypatch):
    for size in (20, 21, 22):
        datasets.from_directory(flowers, image_size=size)
    by_size = {np.load(one / "images.npy", mmap_mode="r").shape[1]: one for one in entries()}
    for age, size in enumerate((22, 20, 21)):  # 22 is the oldest
        os.utime(by_size[size] / "about.json", (1000 + age, 1000 + age))
    datasets.from_directory(flowers, image_size=20)  # is used, so it is the most recent now
    monkeypatch.setattr(_cache, "LARGEST_CACHE", 60 * 3 * (20**2 + 23**2) + 1000)
    datasets.from_directory(flowers, image_size=23)
    left = {np.load(one / "images.npy", mmap_mode="r").shape[1] for one in entries()}
    assert left == {20, 23}


def test_what_a_killed_process_left_is_cleared_later(flowers):
    left = _cache.decoded_root() / ".building-abc"
    left.mkdir(parents=True)
    os.utime(left, (1000, 1000))
    datasets.from_directory(flowers, image_size=20)
    assert not left.exists()


def test_the_cache_is_not_beside_the_images(flowers):
    before = sorted(flowers.rglob("*"))
    datasets.from_directory(flowers, image_size=20)
    assert sorted(flowers.rglob("*")) == before
    assert settings.cache_root() in entries()[0].parents


def test_ids_of_another_split_are_refused_from_an_iterator_too(tmp_path):
    data = datasets.from_directory(tree(tmp_path, {"a": 6, "b": 6}), image_size=4)
    for ids in (data.ids("test"), iter(data.ids("test"))):
        with pytest.raises(InvalidInput, match="is in the test split, not in train"):
            data.images("train", ids)
    np.testing.assert_array_equal(data.images("test", iter(data.ids("test"))), data.images("test"))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_the_address_of_an_image_keeps_its_pixels(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    kind, _, data = display.image_address(image).partition(";base64,")
    assert kind == "data:image/png"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    np.testing.assert_array_equal(shown, display.displayable(image))


@pytest.mark.parametrize(("size", "shown"), [((300, 90), (100, 30)), ((50, 20), (50, 20))])
def test_the_address_of_an_image_can_be_that_of_a_smaller_one(size, shown):
    address = display.image_address(np.zeros((*size, 3)), quality=85, most=100)
    kind, _, data = address.partition(";base64,")
    assert kind == "data:image/jpeg"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == shown[::-1]
