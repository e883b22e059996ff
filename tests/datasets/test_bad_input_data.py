"""Bad data and bad arguments: one clear sentence, and no data is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from image_folders import pixels, save, tree
from PIL import Image

from course_utils import datasets, settings
from course_utils.datasets import (
    _cache,
    _image_dataset,
    cifar10,
    decoding,
    folder,
    registry,
    tf_flowers,
)
from course_utils.datasets._options import check_options
from course_utils.exceptions import CourseError, InvalidInput, MissingData

SIZE = 8


@pytest.fixture
def root(tmp_path) -> Path:
    return tree(tmp_path / "my photos", {"cat": 6, "dog": 6})


@pytest.fixture
def data(root):
    return datasets.from_directory(root, image_size=SIZE)


def sentence_of(error: CourseError) -> str:
    """Check that the message is one plain sentence, and return it."""
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 600
    text.encode("utf-8")
    assert "Traceback" not in text
    assert error._render_traceback_() == [f"{type(error).__name__}: {text}"]
    return text


# --- the folder ----------------------------------------------------------------------------


def shorten(path: Path, share: float = 0.5) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def only_one(root):
    for path in sorted((root / "dog").iterdir())[1:]:
        path.unlink()


def only_copies(root):
    for path in sorted((root / "dog").iterdir())[1:]:
        shutil.copy(root / "dog/000.jpg", path)


def into_splits(*splits):
    def change(root):
        for split in splits:
            shutil.copytree(root, root.parent / "new" / split)
        shutil.rmtree(root)
        (root.parent / "new").rename(root)

    return change


CLASSES = ("cat", "dog")


def move_down(root, name):
    root.rename(root.with_name("inner"))
    root.mkdir()
    root.with_name("inner").rename(root / name)


def both(*changes):
    def change(root):
        for one in changes:
            one(root)

    return change


FOLDERS = {
    "empty folder": (
        lambda root: (shutil.rmtree(root), root.mkdir()),
        InvalidInput,
        r"my photos holds no images; a folder is needed that holds one folder of images",
    ),
    "missing folder": (
        lambda root: root.rename(root.with_name("my photo")),
        MissingData,
        r"There is no folder .*my photos \(did you mean 'my photo'\?\)",
    ),
    "file instead of a folder": (
        lambda root: (shutil.rmtree(root), root.write_text("x")),
        InvalidInput,
        r"my photos is a file, but a folder is needed",
    ),
    "no image in a class": (
        lambda root: [path.unlink() for path in (root / "dog").iterdir()],
        InvalidInput,
        r"The class 'dog' in .* has no image that can be used; add images or remove the folder",
    ),
    "one image in a class": (
        only_one,
        InvalidInput,
        r"Class 'dog' has 1 image, but at least 3 different ones are needed, one for each of train",
    ),
    "only copies in a class": (
        only_copies,
        InvalidInput,
        r"Class 'dog' has 6 images, 1 without copies here or in other classes, but",
    ),
    "a single class": (
        lambda root: shutil.rmtree(root / "dog"),
        InvalidInput,
        r"holds one class only \(cat\), but at least two are needed",
    ),
    "the folder above": (
        into_splits("photos"),
        InvalidInput,
        r"holds one class only \(photos\), .*\(did you mean .*photos/photos\?\)",
    ),
    "two folders above": (
        both(into_splits("photos"), lambda root: move_down(root, "archive")),
        InvalidInput,
        r"holds one class only \(archive\), .*\(did you mean .*my photos/archive/photos\?\)",
    ),
    "one class instead of all": (
        lambda root: (root.rename(root.with_name("x")), root.symlink_to(root.parent / "x/cat")),
        InvalidInput,
        r"lie outside class folders .*; if all of them are of one class, give the folder .*x\.",
    ),
    "archives instead of classes": (
        lambda root: [(shutil.rmtree(root / c), (root / f"{c}.zip").touch()) for c in CLASSES],
        InvalidInput,
        r"holds no images \(unpack cat.zip first, if they are in it\)",
    ),
    "a class that is still packed": (
        lambda root: (shutil.rmtree(root / "dog"), (root / "dog.zip").write_bytes(b"PK")),
        InvalidInput,
        r"one class only \(cat\), .*\(unpack dog.zip first",
    ),
    "splits with years": (
        lambda root: [(root / one).rename(root / f"{new}2017") for one, new in
                      zip(CLASSES, ("train", "val"), strict=True)],
        InvalidInput,
        r"train2017, .*val2017 are splits and no classes",
    ),
    "zeros after a broken copy": (
        lambda root: (root / "cat/000.jpg").write_bytes(bytes(3000)),
        InvalidInput,
        r"it holds zeros only, as after a copy or a download that was broken off",
    ),
    "a pointer of Git LFS": (
        lambda root: (root / "cat/000.jpg").write_text("version https://git-lfs.github.com/spec"),
        InvalidInput,
        r"it is a pointer of Git LFS; run 'git lfs pull'",
    ),
    "no class folders": (
        lambda root: [
            save(root / "a.jpg"),
            *(shutil.rmtree(root / one) for one in ("cat", "dog")),
        ],
        InvalidInput,
        r"lie outside class folders \(a.jpg, for example\); put those of each class into a folder",
    ),
    "no image": (
        lambda root: (root / "cat/000.jpg").write_text("once upon a time"),
        InvalidInput,
        r"1 file in .*my photos cannot be used: cat/000.jpg is no image that can be read",
    ),
    "a web page": (
        lambda root: (root / "cat/000.jpg").write_text("<!doctype html><html>404</html>"),
        InvalidInput,
        r"cat/000.jpg is no image that can be read \(it looks like a web page or SVG\)",
    ),
    "an iPhone photograph": (
        lambda root: (root / "cat/new.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100)),
        InvalidInput,
        r"cat/new.heic is no image that can be read \(it is HEIC .*; save it as JPEG\)",
    ),
    "0 bytes": (
        lambda root: (root / "dog/003.jpg").write_bytes(b""),
        InvalidInput,
        r"dog/003.jpg is empty \(0 bytes\)\. Repair or remove it, or give unreadable=\"skip\"",
    ),
    "truncated JPEG": (
        lambda root: shorten(root / "dog/003.jpg"),
        InvalidInput,
        r"dog/003.jpg is cut off \(truncated\)",
    ),
    "truncated PNG": (
        lambda root: shorten(save(root / "dog/x.png")),
        InvalidInput,
        r"dog/x.png is (cut off|damaged)",
    ),
    "damaged PNG": (
        lambda root: save(root / "dog/x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50)),
        InvalidInput,
        r"dog/x.png is (damaged|no image)",
    ),
    "too many pixels": (
        lambda root: Image.new("1", (20_000, 20_000)).save(root / "cat/poster.png"),
        InvalidInput,
        r"cat/poster.png has too many pixels",
    ),
    "many broken files": (
        lambda root: [(root / f"cat/{i}.jpg").write_bytes(b"") for i in range(9)],
        InvalidInput,
        r"9 files in .* cannot be used: cat/0.jpg is empty .*; and 4 more\. Repair or remove them",
    ),
    "a link that leads nowhere": (
        lambda root: (root / "cat/x.jpg").symlink_to("/no/such/file.jpg"),
        InvalidInput,
        r"cat/x.jpg is a link that leads nowhere",
    ),
    "a folder called like an image": (
        lambda root: [(root / "cat/x.jpg").mkdir(), (root / "dog/000.jpg").write_bytes(b"")],
        InvalidInput,
        r"dog/000.jpg is empty",
    ),
    "a split that leaves a class out": (
        both(into_splits("train", "val", "test"), lambda root: shutil.rmtree(root / "val/dog")),
        InvalidInput,
        r"The validation split in .* has no image of class 'dog', which other splits have",
    ),
    "a class that is not in training": (
        both(into_splits("train", "test"), lambda root: tree(root, {"test/bird": 2})),
        InvalidInput,
        r"The train split in .* has no image of class 'bird'",
    ),
    "two folders for one split": (
        into_splits("train", "val", "validation"),
        InvalidInput,
        r"the folders val and validation both stand for the validation split; merge them",
    ),
    "no training": (
        into_splits("val", "test"),
        InvalidInput,
        r"has the splits test, val but no folder train",
    ),
    "something beside the splits": (
        both(into_splits("train", "test"), lambda root: tree(root, {"unsorted": 2})),
        InvalidInput,
        r"can be read in two ways: test, train hold folders, .* but unsorted beside it is no split",
    ),
    "too few for validation": (
        both(into_splits("train", "test"), lambda root: [
            path.unlink() for path in sorted((root / "train/cat").iterdir())[1:]
        ]),
        InvalidInput,
        r"Class 'cat' has 1 image, but at least 2 different ones are needed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_folders(root, case):
    change, kind, pattern = FOLDERS[case]
    change(root)
    with pytest.raises(kind, match=pattern) as caught:
        datasets.from_directory(root, image_size=SIZE)
    assert type(caught.value) is kind
    sentence_of(caught.value)


UNUSUAL = {
    "a pipe": (lambda root: os.mkfifo(root / "cat/x.jpg"), ""),
    "links to folders above": (
        lambda root: [(root / "a").symlink_to(root), (root / "cat/b").symlink_to(root.parent)],
        "",
    ),
    "a link that leads nowhere": (
        lambda root: (root / "bird").symlink_to("/no/such/folder"),
        "bird (a link that leads nowhere)",
    ),
    "a class in two spellings": (
        lambda root: (root / "dog").rename(root / "Cat "),
        "The classes 'Cat ' and 'cat' have nearly the same name",
    ),
    "a copied class": (
        lambda root: (root / "dog").rename(root / "cat - Copy (2)"),
        "The classes 'cat' and 'cat - Copy (2)' have nearly the same name",
    ),
    "classes inside the parts of a cross-validation": (
        lambda root: tree(root, {f"{f}/{c}": 3 for f in CLASSES for c in ("red", "blue")}),
        "cat, dog are taken as classes, and each of them holds the folders blue, red; if the inner",
    ),
    "splits inside the classes": (
        lambda root: tree(root, {f"{f}/{c}": 3 for f in CLASSES for c in ("train", "test")}),
        "each of them holds the folders test, train; to keep these splits, put a folder of each",
    ),
    "splits named after the dataset": (
        both(into_splits("my_train_7", "my_test_7"), lambda root: move_down(root, "x")),
        "The images are taken from x, the folder inside my photos.",
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="pipes and links")
@pytest.mark.parametrize("case", UNUSUAL)
def test_unusual_folders_are_loaded_with_a_remark(root, case, capsys):
    change, remark = UNUSUAL[case]
    change(root)
    data = datasets.from_directory(root, image_size=SIZE)
    assert len(data.class_names) == 2
    if "after the dataset" in case:
        assert [len(data.ids(split)) for split in datasets.SPLITS] == [10, 2, 12]
    printed = capsys.readouterr().out
    assert remark in printed
    assert remark or printed.count("\n") == 1


def test_names_cannot_write_to_the_terminal(tmp_path, capsys):
    root = tree(tmp_path / "x", {"\x1b[31mred": 4, "a\nb": 4, "\u202ecab": 4})
    data = datasets.from_directory(root, image_size=SIZE)
    assert data.class_names == ("\\u202ecab", "\\x1b[31mred", "a b")
    (root / "a\nb/\x1b[2J.jpg").touch()
    with pytest.raises(InvalidInput, match=r"a\\nb/\\x1b\[2J.jpg is empty") as caught:
        datasets.from_directory(root, image_size=SIZE)
    sentence_of(caught.value)


@pytest.mark.parametrize("text", ['"{}"', " {} ", "'{}' ", "file://{}"])
def test_paths_copied_from_a_file_manager(root, text):
    assert folder.scan(text.format(root).replace("file://", root.as_uri()[:7])).root == root


@pytest.mark.skipif(os.name == "nt", reason="paths of Windows elsewhere")
@pytest.mark.parametrize("path", [r"C:\Users\Ada\photos", "D:/photos"])
def test_a_path_of_windows_elsewhere(path):
    with pytest.raises(MissingData, match="this is a path of Windows; in WSL"):
        datasets.from_directory(path)


@pytest.mark.parametrize("path", [None, 3, "", "  ", "a\0b", b"bytes", ["x"]])
def test_what_is_no_path(path):
    with pytest.raises(InvalidInput, match="The path of a folder is needed") as caught:
        datasets.from_directory(path)
    sentence_of(caught.value)


def test_an_archive_instead_of_a_folder(tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match=r"is a file, .*\(unpack the archive first\)"):
        datasets.from_directory(tmp_path / "photos.zip")


def test_a_refused_folder_is_not_cached(root):
    (root / "cat/000.jpg").write_bytes(b"")
    with pytest.raises(InvalidInput):
        datasets.from_directory(root, image_size=SIZE)
    assert list(_cache.decoded_root().iterdir()) == []


def test_passing_over_files_may_leave_too_few(root):
    for path in (root / "cat").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InvalidInput, match="'cat' in .* has no image that can be used"):
        datasets.from_directory(root, image_size=SIZE, unreadable="skip")
    for path in (root / "dog").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InvalidInput, match="has no image that can be used"):
        datasets.from_directory(root, image_size=SIZE, unreadable="skip")


def test_a_file_that_disappears_between_listing_and_reading(root, capsys):
    listing = folder.scan(root)
    (root / "cat/002.jpg").unlink()
    with pytest.raises(InvalidInput, match="cat/002.jpg has disappeared since") as caught:
        folder.load_folder(listing, check_options(SIZE))
    sentence_of(caught.value)
    data = folder.load_folder(listing, check_options(SIZE, unreadable="skip"))
    assert data.describe().loc["cat", "total"] == 5
    assert list(_cache.decoded_root().iterdir()) == []  # it may be readable the next time
    assert sum(len(y) for _, y in data.train) == len(data.ids("train"))


# --- rights, disk and memory ---------------------------------------------------------------


@pytest.fixture
def ordinary_user(monkeypatch):
    """Return a world-readable folder, and run the test with the rights of an ordinary user."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    root = tree(place / "my photos", {"cat": 6, "dog": 6})
    work = place / "work"
    work.mkdir()
    work.chmod(0o777)
    monkeypatch.setenv("COURSE_WORK", str(work))
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield root
    finally:
        if was_root:
            os.seteuid(0)
        for path in [place, *place.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(place)


def as_owner(change):
    user = os.geteuid()
    if os.getuid() == 0:
        os.seteuid(0)
    try:
        change()
    finally:
        if os.getuid() == 0:
            os.seteuid(user)


@pytest.mark.parametrize("where", ["", "cat"])
def test_a_folder_without_permission(ordinary_user, where):
    as_owner(lambda: (ordinary_user / where).chmod(0))
    with pytest.raises(InvalidInput, match=r"may not be read \(no permission\)") as caught:
        datasets.from_directory(ordinary_user, image_size=SIZE)
    sentence_of(caught.value)


def test_a_file_without_permission(ordinary_user):
    as_owner(lambda: (ordinary_user / "cat/000.jpg").chmod(0))
    with pytest.raises(InvalidInput, match=r"cat/000.jpg may not be read \(no permission\)"):
        datasets.from_directory(ordinary_user, image_size=SIZE)


def test_read_only_images_are_no_trouble(ordinary_user):
    as_owner(lambda: [one.chmod(0o555) for one in (ordinary_user, ordinary_user / "cat")])
    assert datasets.from_directory(ordinary_user, image_size=SIZE).num_classes == 2


def test_a_read_only_work_folder(ordinary_user, capsys):
    as_owner(lambda: settings.work_root().chmod(0o555))
    data = datasets.from_directory(ordinary_user, image_size=SIZE)
    said = capsys.readouterr().out.splitlines()
    assert "are kept in memory only, since" in said[0]
    assert "(Permission denied)" in said[0]
    assert sum(len(y) for _, y in data.train) == len(data.ids("train"))


def test_a_work_folder_that_is_a_file(root, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "file"))
    data = datasets.from_directory(root, image_size=SIZE)
    assert "kept in memory only" in capsys.readouterr().out
    images = np.concatenate([x.numpy() for x, _ in data.ordered("train")])
    np.testing.assert_array_equal(images, data.images("train"))


def test_a_disk_that_fills_up_while_the_cache_is_written(root):
    # A limit on the file size simulates a full disk; the error is of the same type.
    code = (
        "import resource, sys; from course_utils import datasets;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "data = datasets.from_directory(sys.argv[1], image_size=64);"
        "print(data.images('train').shape)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "kept in memory only" in ran.stdout
    assert "(8, 64, 64, 3)" in ran.stdout
    assert list(_cache.decoded_root().iterdir()) == []


def test_a_full_disk_is_not_filled_further(root, monkeypatch, capsys):
    monkeypatch.setattr(_cache, "_SPARE_DISK", 10**18)
    datasets.from_directory(root, image_size=SIZE)
    assert "(too little space left on the disk)" in capsys.readouterr().out
    assert list(_cache.decoded_root().iterdir()) == []


def test_neither_disk_nor_memory(root, tmp_path, monkeypatch):
    monkeypatch.setattr(_cache, "_available_memory", lambda: 100)
    monkeypatch.setattr(_cache, "_SPARE_DISK", 10**18)
    with pytest.raises(InvalidInput, match=r"take 0.0 GB, too much for the free memory, and") as e:
        datasets.from_directory(root, image_size=SIZE)
    assert "choose a smaller image_size" in sentence_of(e.value)


def test_more_images_than_memory_go_straight_to_disk(root, monkeypatch):
    expected = datasets.from_directory(root, image_size=SIZE)
    shutil.rmtree(_cache.decoded_root())
    monkeypatch.setattr(_cache, "_available_memory", lambda: 100)
    data = datasets.from_directory(root, image_size=SIZE)
    assert data.fingerprint == expected.fingerprint
    assert sum(len(y) for _, y in data.train) == len(data.ids("train"))


def test_memory_that_tensorflow_cannot_share_is_copied():
    # TensorFlow 2.21 crashes the process when it computes with unaligned memory.
    import tensorflow as tf

    buffer = np.arange(64 + 2 * 4 * 4 * 3, dtype=np.uint8)
    start = -buffer.ctypes.data % 64
    for offset in (0, 1):
        images = buffer[start + offset :][: 2 * 4 * 4 * 3].reshape(2, 4, 4, 3)
        store = _image_dataset.PixelStore(images, ("a", "b"))
        np.testing.assert_array_equal(tf.cast(store.tensor, tf.float32).numpy(), images)


# --- many ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_fifty_thousand_files_in_one_folder(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "one.bmp")
    header = (tmp_path / "one.bmp").read_bytes()[:-4]
    for name, number in {"many": 50_000, "few": 10}.items():
        shift = number  # no image is in both classes
        (tmp_path / "x" / name).mkdir(parents=True)
        for i in range(number):
            with open(tmp_path / "x" / name / f"{i}.bmp", "wb") as file:
                file.write(header + (i + shift).to_bytes(3, "little") + b"\0")
    start = time.perf_counter()
    listing = folder.scan(tmp_path / "x")
    seconds = time.perf_counter() - start
    assert len(listing.images) == 50_010
    assert seconds < 15
    data = folder.load_folder(listing, check_options(1))
    assert data.describe().loc["many"].tolist() == [40_000, 5_000, 5_000, 50_000]


def test_three_hundred_classes(tmp_path):
    root = tree(tmp_path / "x", {f"class {i:03d}": 3 for i in range(300)}, ending=".bmp")
    data = datasets.from_directory(root, image_size=2)
    assert data.num_classes == 300
    assert data.describe().loc["total"].tolist() == [300, 300, 300, 900]
    assert "and 288 more" in repr(data)


# --- arguments -----------------------------------------------------------------------------

ARGUMENTS = {
    "image_size 0": ({"image_size": 0}, r"image_size is 0, but it must be one whole number or"),
    "image_size in words": ({"image_size": "big"}, r"image_size is 'big'"),
    "image_size of three": ({"image_size": (8, 8, 3)}, r"image_size is \(8, 8, 3\)"),
    "image_size with a fraction": ({"image_size": 12.5}, r"image_size is 12.5"),
    "image_size too large": ({"image_size": 5000}, r"between 1 and 4096 pixels"),
    "image_size True": ({"image_size": True}, r"image_size is True"),
    "batch_size 0": ({"batch_size": 0}, r"batch_size is 0, but it must be a whole number"),
    "batch_size None": ({"batch_size": None}, r"batch_size is None"),
    "seed below 0": ({"seed": -1}, r"seed is -1, but it must be a whole number of at least 0"),
    "seed in words": ({"seed": "x"}, r"seed is 'x'"),
    "color_mode": ({"color_mode": "gray"}, r"'rgb' or 'grayscale' \(did you mean 'grayscale'\?\)"),
    "unreadable": ({"unreadable": "ignore"}, r"unreadable is 'ignore', but it must be 'raise' or"),
    "validation 0": ({"validation": 0}, r"validation is 0, but it must be a share of the images"),
    "test in per cent": ({"test": 10}, r"test is 10, but it must be a share .* above 0 and at"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(root, case):
    arguments, pattern = ARGUMENTS[case]
    with pytest.raises(InvalidInput, match=pattern) as caught:
        datasets.from_directory(root, **arguments)
    sentence_of(caught.value)
    shared = {"image_size", "batch_size", "seed"}
    if arguments.keys() <= shared:
        with pytest.raises(InvalidInput, match=pattern):
            datasets.load("paper_flowers", **arguments)


ASKED = {
    "split val": (lambda d: d.ids("val"), r"no split 'val'; .*\(did you mean 'validation'\?\)"),
    "split Train": (lambda d: d.labels("Train"), r"\(did you mean 'train'\?\)"),
    "split None": (lambda d: d.images(None), r"There is no split None"),
    "split of ordered": (lambda d: d.ordered("all"), r"There is no split 'all'"),
    "unknown id": (
        lambda d: d.without(["cat/00.jpg"]),
        r"my photos has no image with the id 'cat/00.jpg' \(did you mean 'cat/00\d.jpg'\?\)",
    ),
    "id of another split": (
        lambda d: d.images("train", [d.ids("test")[0]]),
        r"is in the test split, not in train",
    ),
    "nothing left of a class": (
        lambda d: d.without([one for one in d.ids("train") if one.startswith("cat")]),
        r"the train split has none of cat any more",
    ),
    "nothing left of a split": (
        lambda d: d.without(d.ids("test")),
        r"the test split has none of cat, dog any more",
    ),
    "unknown class": (
        lambda d: d.subset(["cats", "dog"]),
        r"has no class 'cats'; its classes are cat, dog \(did you mean 'cat'\?\)",
    ),
    "no class": (lambda d: d.subset([]), r"must name at least one class, each once"),
    "a class twice": (lambda d: d.subset(["cat", "cat"]), r"must name at least one class, each"),
    "no images per class": (lambda d: d.subset(per_class=0), r"per_class is 0"),
    "per_class of val": (lambda d: d.subset(per_class={"val": 2}), r"There is no split 'val'"),
    "label out of range": (
        lambda d: d.with_labels({d.ids("train")[0]: 2}),
        r"has no class 2; its classes are cat, dog",
    ),
    "label unknown": (
        lambda d: d.with_labels({d.ids("train")[0]: "Cat"}),
        r"has no class 'Cat'; .*\(did you mean 'cat'\?\)",
    ),
    "label for an unknown id": (
        lambda d: d.with_labels({"x": "cat"}),
        r"has no image with the id 'x'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ASKED)
def test_questions_to_a_dataset(data, case):
    ask, pattern = ASKED[case]
    with pytest.raises(InvalidInput, match=pattern) as caught:
        ask(data)
    sentence_of(caught.value)


# --- datasets by name ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("tf_flower", "tf_flowers"), ("Cifar", "cifar10"), ("paperflowers", "paper_flowers")],
)
def test_an_unknown_name(monkeypatch, name, nearest):
    for ask in (datasets.load, datasets.download, datasets.image_folder):
        with pytest.raises(InvalidInput, match=rf"\(did you mean '{nearest}'\?\)") as caught:
            ask(name)
        sentence_of(caught.value)
    monkeypatch.setenv("COURSE_DATASET", name)
    with pytest.raises(InvalidInput, match=rf"\(did you mean '{nearest}'\?\)"):
        datasets.load()


@pytest.mark.parametrize("name", [3, "", ("a", "b"), "photos/mine"])
def test_what_is_no_name(name):
    with pytest.raises(InvalidInput, match="There is no dataset called .*from_directory"):
        datasets.load(name)


def test_a_dataset_without_files():
    with pytest.raises(InvalidInput, match="cifar10 has no folder of image files; paper_flowers"):
        datasets.image_folder("cifar10")


def test_half_a_set_is_not_a_set(nothing_here, tmp_path, monkeypatch, capsys):
    tree(tmp_path / "half/flower_photos", dict.fromkeys(tf_flowers.CLASS_NAMES, 3))
    tree(tmp_path / "half/clothing-dataset-small", {"train/hat": 3})
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "half"))
    with pytest.raises(MissingData, match="holds 15 photographs, not the 3,670 of the whole set"):
        datasets.load("tf_flowers")
    with pytest.raises(MissingData, match="does not hold exactly the files of the whole set"):
        datasets.load("clothing")
    assert datasets.load(image_size=SIZE).name == "paper_flowers"
    assert "Using paper_flowers" in capsys.readouterr().out
    here = datasets.available().set_index("name")["here"]
    assert list(here.index[here]) == ["paper_flowers"]


@pytest.mark.parametrize("text", ["~nobody/data", "x" * 300, __file__])
def test_course_data_that_cannot_be_a_folder(monkeypatch, text):
    monkeypatch.setenv("COURSE_DATA", text)
    with pytest.raises(MissingData, match="there is no such folder that may be read") as caught:
        settings.data_root()
    sentence_of(caught.value)


def test_names_that_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "~copy.png")
    assert datasets.decode("~copy.png").shape == (24, 32, 3)
    assert registry.own_folder("~nobody") is None


def test_course_data_names_no_folder(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/no/such/folder")
    with pytest.raises(MissingData, match="COURSE_DATA is '/no/such/folder', but there is no"):
        datasets.load("tf_flowers")


def test_a_damaged_archive_of_cifar10(nothing_here, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    path = tmp_path / "cifar10-jpeg.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(MissingData, match="is damaged or is not the archive of CIFAR-10") as caught:
        datasets.load("cifar10")
    sentence_of(caught.value)
    Image.fromarray(pixels(1, 32, 32)).save(tmp_path / "0000.jpg")
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "0000.jpg", "cifar10/train/cat/0000.jpg")
    with pytest.raises(MissingData, match="holds 1 images, not the 60,000 of CIFAR-10"):
        datasets.load("cifar10")
    shorten(path)
    with pytest.raises(MissingData, match="is damaged or is not the archive"):
        datasets.load("cifar10")
    assert not list(_cache.decoded_root().iterdir())


def test_a_damaged_copy_of_keras(nothing_here, tmp_path):
    folder_ = cifar10._keras_folders()[0]
    folder_.mkdir(parents=True)
    for name in cifar10._BATCHES:
        (folder_ / name).write_bytes(b"cos\nsystem\n(S'echo unsafe'\ntR.")
    with pytest.raises(MissingData, match=r"data_batch_1 is damaged \(its checksum differs\)") as e:
        datasets.load("cifar10")
    sentence_of(e.value)


def test_images_that_do_not_fit_into_memory(data, monkeypatch):
    import dataclasses

    import psutil

    large = dataclasses.replace(data, image_size=(64, 64))
    assert large.images("train").shape[1:] == (64, 64, 3)
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=1000))
    with pytest.raises(InvalidInput, match=r"take them batch by batch from ordered\('train'\)"):
        large.images("train")


def test_decoding_knows_each_kind_of_damage():
    for content in (b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"%PDF-1.4", b"PK\3\4", bytes(20)):
        with pytest.raises(decoding.Unreadable):
            decoding.to_array(content, (8, 8), 3)
