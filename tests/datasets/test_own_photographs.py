"""Photographs of one's own: the folder that ships for lesson 10, and folders of other kinds."""

from __future__ import annotations

import csv
import hashlib

import image_folders
import numpy as np
import pytest
from heic_pictures import HEIC
from PIL import Image

from course_staff.drawing import garden_walk as drawn
from course_utils import datasets, quality, settings
from course_utils.exceptions import InvalidInput, MissingData

FOLDER = settings.shipped_data() / "garden_walk"
PLANTS = r"(plant\d+)"


def rows():
    with (FOLDER / "photographs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the folder that ships -----------------------------------------------------------------------


def test_the_table_lists_every_file_with_its_checksum():
    table = {row["path"]: row for row in rows()}
    files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*.jpg")}
    assert set(table) == set(files)
    for name, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == table[name]["sha256"], name
        assert name.split("/")[0] == table[name]["class"]
        assert table[name]["plant"] in name
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) <= 400_000


def test_the_problems_are_those_that_were_planted():
    found = {row["path"]: row["problem"] for row in rows() if row["problem"]}
    assert found == {
        "daisy/plant05_1 sent.jpg": "near duplicate of daisy/plant05_1.jpg",
        "roses/plant25_2.jpg": "wrong label",
        "tulips/plant29_1.jpg": "cut off",
    }
    wrong = [row["path"] for row in rows() if row["class"] != row["true_class"]]
    assert wrong == ["roses/plant25_2.jpg"]
    report = quality.report(datasets.photographs(FOLDER, PLANTS))
    assert report["unreadable files"].files == ("tulips/plant29_1.jpg",)
    assert "daisy/plant05_1 sent.jpg" in report["near duplicates"].files


@pytest.mark.slow
def test_the_folder_can_be_drawn_again(tmp_path):
    made = drawn.generate(tmp_path / "new")
    for row in rows():
        new, old = (folder / row["path"] for folder in (made, FOLDER))
        assert new.is_file(), row["path"]
        if row["problem"] != "cut off":
            with Image.open(new) as one, Image.open(old) as other:
                assert one.size == other.size
                difference = np.asarray(one, float) - np.asarray(other, float)
                assert np.abs(difference).mean() < 3.0, row["path"]


def test_photographs_of_a_plant_differ_and_stay_in_one_split():
    photos = datasets.photographs(FOLDER, PLANTS)
    photos = photos.without(quality.report(photos).removable)
    data = photos.load(image_size=32)
    plants = {split: set(photos.groups_of(data.ids(split))) for split in datasets.SPLITS}
    assert not plants["train"] & plants["test"]
    assert not plants["train"] & plants["validation"]
    assert not plants["validation"] & plants["test"]
    assert sum(len(data.ids(split)) for split in datasets.SPLITS) == len(photos)
    pixels = data.images("train").astype(float)
    names = photos.groups_of(data.ids("train"))
    same = [k for k in range(len(names) - 1) if names[k] == names[k + 1]]
    assert same
    assert min(np.abs(pixels[k] - pixels[k + 1]).mean() for k in same) > 4


def test_the_table_gives_the_same_splits_as_the_folder():
    of_folder = datasets.photographs(FOLDER, PLANTS)
    of_table = datasets.photographs(FOLDER / "photographs.csv", "plant")
    assert of_table.ids == of_folder.ids
    gone = quality.report(of_table).removable
    assert gone == quality.report(of_folder).removable
    one, other = (photos.without(gone).load(16) for photos in (of_folder, of_table))
    for split in datasets.SPLITS:
        assert one.ids(split) == other.ids(split)
        assert (one.images(split) == other.images(split)).all()


# --- folders of one's own ------------------------------------------------------------------------


def test_a_relative_path_is_found_in_the_course_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert len(datasets.photographs(' "data/garden_walk" ')) == 96
    image_folders.tree(tmp_path / "data" / "garden_walk", {"a": 5, "b": 6})
    assert len(datasets.photographs("data/garden_walk")) == 11  # the nearer one


def test_each_photograph_has_a_file(tmp_path):
    image_folders.tree(tmp_path / "mugs", {"red": 6, "blue": 5})
    photos = datasets.photographs(tmp_path / "mugs").without(["blue/000.jpg"])
    assert photos.path_of("red/003.jpg") == tmp_path / "mugs" / "red" / "003.jpg"
    assert [photos.path_of(name).is_file() for name in photos.ids] == [True] * 10
    with pytest.raises(InvalidInput, match="no photograph 'blue/000.jpg'"):
        photos.path_of("blue/000.jpg")


def test_it_says_how_many_photographs_there_are(tmp_path):
    image_folders.tree(tmp_path / "mugs", {"red": 6, "blue": 5})
    assert repr(datasets.photographs(tmp_path / "mugs")) == "mugs: 11 photographs (blue 5, red 6)"
    photos = datasets.photographs(tmp_path / "mugs", r"/(00[01])\.")
    assert repr(photos) == "mugs: 11 photographs (blue 5, red 6), 9 groups (2 in several classes)"
    assert photos.groups_of(["red/000.jpg", "blue/000.jpg", "red/004.jpg"]) == [
        "of 000",
        "of 000",
        "alone red/004.jpg",
    ]
    assert datasets.photographs(tmp_path / "mugs").groups_of(["red/000.jpg"]) == ["red/000.jpg"]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"red": 10, "blue": 3}, "'blue' has 3"),
        ({"red": 2, "blue": 3}, "'blue' has 3, 'red' has 2"),
    ],
)
def test_too_few_photographs_get_one_sentence(tmp_path, counts, says):
    photos = datasets.photographs(image_folders.tree(tmp_path / "mugs", counts))
    with pytest.raises(InvalidInput) as caught:
        photos.load(16)
    text = str(caught.value)
    assert says in text
    assert text.startswith("Each class needs at least 4 photographs")
    assert "move the class out of mugs." in text


def test_twenty_photographs_are_enough(tmp_path):
    for name, counts in {"even": (10, 10), "uneven": (15, 5)}.items():
        folder = image_folders.tree(tmp_path / name, dict(zip("ab", counts, strict=True)))
        data = datasets.photographs(folder).load(16)
        assert (data.describe()[["train", "validation", "test"]].loc[["a", "b"]] >= 1).all().all()
        assert data.describe().loc["b", "train"] >= 3


def test_a_class_without_readable_photographs_is_named_after_the_report(tmp_path):
    image_folders.tree(tmp_path / "mugs", {"red": 6, "blue": 6})
    for path in (tmp_path / "mugs" / "blue").iterdir():
        path.write_bytes(path.read_bytes()[:60])
    photos = datasets.photographs(tmp_path / "mugs")
    with pytest.raises(InvalidInput, match="'blue' has 0"):
        photos.without(quality.report(photos).removable).load(16)


def test_heic_and_gray_photographs_become_three_channels(tmp_path):
    for name in ("cup", "plate"):
        (tmp_path / "kitchen" / name).mkdir(parents=True)
        for k in range(4):
            array = image_folders.pixels(f"{name}{k}", channels=1)[..., 0]
            Image.fromarray(array).save(tmp_path / "kitchen" / name / f"{k}.png")
        kind = "plain" if name == "cup" else "gray"
        (tmp_path / "kitchen" / name / "IMG_0001.HEIC").write_bytes(HEIC[kind])
    photos = datasets.photographs(tmp_path / "kitchen")
    assert quality.report(photos)["unreadable files"].verdict == "ok"
    data = photos.load(24)
    assert data.input_shape == (24, 24, 3)
    gray = [name for name in data.ids("train") if name.endswith(".png")]
    image = data.images("train", gray)[0]
    assert (image[..., 0] == image[..., 2]).all()


def test_splits_of_the_folder_are_kept(tmp_path):
    counts = {f"{split}/{name}": 5 for split in ("train", "test") for name in "ab"}
    data = datasets.photographs(image_folders.tree(tmp_path / "mine", counts)).load(16)
    assert {name.split("/")[0] for name in data.ids("test")} == {"test"}
    assert {name.split("/")[0] for name in data.ids("validation")} == {"train"}


def test_a_table_with_missing_files_goes_on_without_them(tmp_path, capsys):
    image_folders.tree(tmp_path / "mugs", {"all": 12})
    lines = [f"all/{k:03d}.jpg;{'red' if k % 2 else 'blue'};mug{k // 2}" for k in range(12)]
    table = tmp_path / "mugs" / "labels.csv"
    table.write_text("\n".join(["file;class;mug", *lines, "all/999.jpg;red;mug9"]))
    photos = datasets.photographs(table, "mug")
    assert len(photos) == 12
    assert "Going on without 1 missing file" in _messages(photos)
    with pytest.raises(InvalidInput, match="no column 'cup'"):
        datasets.photographs(table, "cup")


def test_the_column_of_the_groups_is_not_that_of_the_classes(tmp_path):
    image_folders.tree(tmp_path / "mugs", {"all": 12})
    lines = [f"all/{k:03d}.jpg;{'rot' if k % 2 else 'blau'};montag{k // 3}" for k in range(12)]
    table = tmp_path / "mugs" / "liste.csv"
    table.write_text("\n".join(["Datei;Klasse;Tag", *lines]))
    photos = datasets.photographs(table, "Tag")
    assert repr(photos) == "liste: 12 photographs (blau 6, rot 6), 4 groups (4 in several classes)"
    data = datasets.from_csv(table, groups="Tag", image_size=8)
    assert data.class_names == ("blau", "rot")
    with pytest.raises(InvalidInput, match="or name that column 'label'"):
        datasets.photographs(table)  # two columns may be the classes
    with pytest.raises(InvalidInput, match="belong to 1 group"):  # a class is a group here
        datasets.from_csv(table, label_column="Tag", groups="Tag", image_size=8)


def test_the_inner_folder_can_be_the_group(tmp_path):
    counts = {f"{name}/ding {k}": 3 for name in ("AUTOS", "Bäume") for k in range(4)}
    image_folders.tree(tmp_path / "mine", counts)
    photos = datasets.photographs(tmp_path / "mine", r"(.+)/")
    assert repr(photos) == "mine: 24 photographs (AUTOS 12, Bäume 12), 8 groups"
    merged = datasets.photographs(tmp_path / "mine", r"/(.+)/")
    assert repr(merged).endswith("4 groups (4 in several classes)")


def _messages(photos):
    return " ".join(photos.listing.notes)


def test_what_is_no_folder_of_photographs_is_refused(tmp_path):
    with pytest.raises(MissingData, match="There is no folder"):
        datasets.photographs(tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="path of a folder of photographs is needed"):
        datasets.photographs("")
    with pytest.raises(InvalidInput, match="one class only"):
        datasets.photographs(image_folders.tree(tmp_path / "one", {"a": 6}))
    with pytest.raises(InvalidInput, match="lie outside class folders"):
        datasets.photographs(image_folders.tree(tmp_path / "flat", {".": 3}))
    workbook = tmp_path / "labels.xlsx"
    workbook.write_bytes(b"PK\x03\x04 a workbook")
    with pytest.raises(InvalidInput, match="save the table as CSV"):
        datasets.photographs(workbook)
    photos = datasets.photographs(FOLDER)
    with pytest.raises(InvalidInput, match=r"no photograph 'plant01_1.jpg'"):
        photos.without(["plant01_1.jpg"])


def test_listing_decodes_nothing(tmp_path):
    folder = image_folders.tree(tmp_path / "mugs", {"a": 5, "b": 5})
    for path in folder.rglob("*.jpg"):
        path.write_bytes(b"no picture")
    assert len(datasets.photographs(folder)) == 10
