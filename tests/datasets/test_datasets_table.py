"""Labels in a table or in file names, folder layouts of competitions, groups."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from image_folders import photo, save, tree

from course_utils import datasets, quality
from course_utils.datasets import _splits, table
from course_utils.exceptions import CourseError, InvalidInput, MissingData

SIZE = 8


def images(root: Path, names: list[str]) -> Path:
    for name in names:
        save(root / name, seed=name)
    return root


def classes_by_id(data: datasets.ImageDataset) -> dict[str, str]:
    return {
        id_: data.class_names[label]
        for split in datasets.SPLITS
        for id_, label in zip(data.ids(split), data.labels(split), strict=True)
    }


def sentence_of(error: CourseError) -> str:
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    return text


NAMES = [f"{i:03d}.jpg" for i in range(12)]
KINDS = ["cat", "dog"] * 6


@pytest.fixture
def root(tmp_path) -> Path:
    images(tmp_path / "set" / "photos", NAMES)
    return tmp_path / "set"


def write(root: Path, rows: list[str], encoding: str = "utf-8") -> Path:
    (root / "labels.csv").write_bytes("\r\n".join([*rows, ""]).encode(encoding))
    return root / "labels.csv"


# --- tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_and_encodings(root, separator, encoding):
    kinds = ["Gänseblümchen", "weiß, klein"] * 6
    quoted = [f'"{kind}"' for kind in kinds]
    rows = [separator.join(pair) for pair in zip(NAMES, quoted, strict=True)]
    csv = write(root, [separator.join(("Filename", "Label")), *rows], encoding)
    data = datasets.from_csv(csv, root / "photos", image_size=SIZE)
    assert data.class_names == ("Gänseblümchen", "weiß, klein")
    assert classes_by_id(data) == dict(zip(NAMES, kinds, strict=True))
    assert data.name == "labels"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("filename", "label"),
        ("image_id", "class"),
        ("id", "breed"),
        ("Image Path", "Category"),
        ("file", "target"),
        ("IMAGE", "anything else"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".jpg"])
def test_columns_by_their_usual_names_and_ids_without_ending(root, name, label, ending):
    stems = [Path(one).stem + ending for one in NAMES]
    rows = [f"{kind},{stem}" for stem, kind in zip(stems, KINDS, strict=True)]
    data = datasets.from_csv(write(root, [f"{label},{name}", *rows]), image_size=SIZE)
    assert classes_by_id(data) == {
        f"photos/{one}": kind for one, kind in zip(NAMES, KINDS, strict=True)
    }


def test_paths_of_another_machine_and_a_table_without_header(root):
    rows = [rf"C:\data\photos\{name},{kind}" for name, kind in zip(NAMES, KINDS, strict=True)]
    data = datasets.from_csv(write(root, rows), image_size=SIZE)
    assert len(classes_by_id(data)) == 12
    assert data.class_names == ("cat", "dog")


def test_numbers_are_classes_in_rising_order(root):
    rows = [f"{name},{number}.0" for name, number in zip(NAMES, [0, 2, 10] * 4, strict=True)]
    data = datasets.from_csv(write(root, ["id,label", *rows]), image_size=SIZE)
    assert data.class_names == ("0", "2", "10")
    assert classes_by_id(data)["photos/002.jpg"] == "10"


def test_a_split_column_is_kept(root):
    splits = ["train"] * 6 + ["val"] * 2 + ["Test"] * 4
    rows = [",".join(row) for row in zip(NAMES, KINDS, splits, strict=True)]
    data = datasets.from_csv(write(root, ["file,label,split", *rows]), image_size=SIZE)
    assert [len(data.ids(split)) for split in datasets.SPLITS] == [6, 2, 4]
    assert data.ids("validation") == ("photos/006.jpg", "photos/007.jpg")
    csv = write(root, ["file,label,part", *rows[:-1], "011.jpg,dog,submission"])
    with pytest.raises(InvalidInput, match="Line 13 .* has the split 'submission' in column"):
        datasets.from_csv(csv, split_column="part", image_size=SIZE)


def test_what_the_table_does_not_name_is_counted(root, capsys):
    rows = [f"{n},{k}" for n, k in zip(NAMES[:10], KINDS[:9] + [""], strict=True)]
    datasets.from_csv(write(root, ["id,label", *rows]), image_size=SIZE)
    said = capsys.readouterr().out
    assert "1 row of labels.csv has no label and is not used." in said
    assert "3 images without a label in labels.csv are not used: photos/009" in said


def test_missing_files_are_named_or_passed_over(root, capsys):
    rows = [
        f"{n},{k}" for n, k in zip([*NAMES, "x.jpg", "y.jpg"], [*KINDS, "cat", "dog"], strict=True)
    ]
    csv = write(root, ["id,label", *rows])
    with pytest.raises(
        MissingData, match=r"Of 14 files in labels.csv, 2 are not in .*: x.jpg, y.jpg"
    ):
        datasets.from_csv(csv, image_size=SIZE)
    data = datasets.from_csv(csv, image_size=SIZE, unreadable="skip")
    assert len(classes_by_id(data)) == 12
    assert "Going on without 2 missing files: x.jpg, y.jpg." in capsys.readouterr().out
    with pytest.raises(MissingData, match="give the folder with the images= argument"):
        datasets.from_csv(write(root, ["id,label", "x,cat", "y,dog"]), image_size=SIZE)


REFUSED = {
    "two labels": (
        ["id,label", "000,cat", "000,dog"],
        r"gives photos/000.jpg two labels: 'cat' in",
    ),
    "measurements": (
        ["id,label", *(f"{n},{i / 7:.3f}" for i, n in enumerate(NAMES))],
        "holds 12 different values for 12 images .* so it is no class",
    ),
    "one class": (["id,label", "000,cat", "001,cat"], r"one class only \(cat\)"),
    "no label": (
        ["id,label", "000,", "001,"],
        "No row of labels.csv has a label in column 'label'",
    ),
    "which label": (["id,healthy,rust", "000,1,1"], "not clear which column .* is the class"),
    "which file": (["a,label,b", "xyz,cat,w"], "not clear which column .* names the files"),
    "one column": (["id", "000"], "one column only"),
    "JSON": (['{"id": "000", "label": "cat"}'], "is JSON and no table"),
    "web page": (["<!doctype html>", "<p>Sign in"], "is a web page and no table"),
    "Git LFS": (["version https://git-lfs.github.com/spec/v1", "size 1"], "run 'git lfs pull'"),
    "an open quotation mark": (
        ["id,label", '000,"cat', *(f"{n},dog" for n in NAMES[1:])],
        "goes over 12 lines and ends in line 13",
    ),
    "an endless cell": (["id,label", "x" * 200_000], "a cell of more than 100,000 characters"),
    "a typing error in a split": (
        ["id,label,split", "000,cat,train", "001,dog,tst"],
        "Line 3 of labels.csv has the split 'tst'",
    ),
    "splits without training": (
        [
            "id,label,split",
            *(f"{Path(n).stem},{k},test" for n, k in zip(NAMES, KINDS, strict=True)),
        ],
        "Column 'split' of labels.csv has no row for train, but only for test",
    ),
    "header only": (["id,label"], "no row below its header"),
    "empty": ([], "is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tables_that_cannot_be_used(root, case):
    rows, pattern = REFUSED[case]
    with pytest.raises(InvalidInput, match=pattern) as caught:
        datasets.from_csv(write(root, rows), image_size=SIZE)
    sentence_of(caught.value)


LABELED = [f"{Path(name).stem},{kind}" for name, kind in zip(NAMES, KINDS, strict=True)]
READ = {
    "no header, ids without ending": (LABELED, ""),
    "two tables, one below the other": (
        ["id,label", *LABELED[:6], "id,label", *LABELED[6:]], ""),
    "title and comment": (["My photos", "# of 2024", "id,label", *LABELED], ""),
    "spaces": ([row.replace(",", "  ") for row in ["id,label", *LABELED]], ""),
    "addresses": (["id,label", *(f"https://x.org/a%20b/{row.replace(',', '.jpg?w=9,')}" for row in
                                 LABELED)], ""),
    "ids as decimal numbers": (["id,label", *(row.replace(",", ".0,") for row in LABELED)], ""),
    "true and false": (["id,cat,dog", *(f"{row[:3]},{'cat' in row},{'dog' in row}" for row in
                                        LABELED)], ""),
    "a column that may divide": (["id,label,is_valid", *(f"{row},0" for row in LABELED)],
                                 "The column 'is_valid' does not hold train, validation and test"),
    "labels that may be missing": (["id,label", *(f"{row[:4]}nan" if "cat" in row else row for row
                                                  in LABELED)], "The label 'nan' is taken as a"),
    "labels of several classes": (["id;label", *(f"{row[:3]};cat, dog" if row[2] in "147" else
                                                 f"{row[:3]};{row[4:]}" for row in LABELED)],
                                  "The label 'cat, dog' is taken as a class of its own"),
    "labels in two spellings": (["id,label", *(row.replace("cat", "Dog") for row in LABELED)],
                                "The classes 'Dog' and 'dog' have nearly the same name"),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_unusual_tables_are_read_with_a_remark(root, case, capsys):
    rows, remark = READ[case]
    data = datasets.from_csv(write(root, rows), image_size=SIZE)
    assert len(classes_by_id(data)) == 12
    if not remark:
        assert data.class_names == ("cat", "dog")
        assert classes_by_id(data)["photos/000.jpg"] == KINDS[0]
    printed = capsys.readouterr().out
    assert remark in printed
    assert remark or printed.count("\n") == 1


def test_files_with_another_ending_are_named(root):
    rows = [f"{row[:3]}.png{row[3:]}" for row in LABELED]
    with pytest.raises(MissingData, match="there is photos/000.jpg, so correct the endings"):
        datasets.from_csv(write(root, ["id,label", *rows]), image_size=SIZE)


def test_wrong_columns_files_and_workbooks(root, tmp_path):
    csv = write(root, ["id,label", "000,cat"])
    with pytest.raises(InvalidInput, match=r"no such column \(did you mean 'label'\?\)"):
        datasets.from_csv(csv, label_column="lable")
    with pytest.raises(MissingData, match=r"did you mean 'labels.csv'"):
        datasets.from_csv(root / "label.csv")
    (tmp_path / "book.csv").write_bytes(b"PK\3\4")
    with pytest.raises(InvalidInput, match="is a workbook or an archive"):
        datasets.from_csv(tmp_path / "book.csv")
    with pytest.raises(InvalidInput, match="The path of a table is needed"):
        datasets.from_csv(None)


def test_one_name_in_two_folders_is_refused_unless_the_path_says_which(tmp_path):
    root = images(
        tmp_path / "set", ["a/1.jpg", "b/1.jpg", "a/2.jpg", "b/2.jpg", "a/3.jpg", "b/3.jpg"]
    )
    with pytest.raises(InvalidInput, match=r"'1.jpg', which may be a/1.jpg or b/1.jpg"):
        datasets.from_csv(write(root, ["file,label", "1.jpg,x", "2.jpg,y"]), image_size=SIZE)
    rows = [f"{c}/{i}.jpg,{k}" for c, k in (("a", "x"), ("b", "y")) for i in (1, 2, 3)]
    data = datasets.from_csv(write(root, ["file,label", *rows]), image_size=SIZE)
    assert classes_by_id(data)["b/1.jpg"] == "y"


def test_a_column_for_each_class(root):
    rows = [
        f"{Path(n).stem},{int(i % 3 == 0)},{int(i % 3 == 1)}.0,{int(i % 3 == 2)}"
        for i, n in enumerate(NAMES)
    ]
    data = datasets.from_csv(write(root, ["image_id,rust,healthy,scab", *rows]), image_size=SIZE)
    assert data.class_names == ("healthy", "rust", "scab")
    assert classes_by_id(data)["photos/000.jpg"] == "rust"
    assert classes_by_id(data)["photos/001.jpg"] == "healthy"


def test_the_column_of_names_is_the_one_that_names_files(root):
    pairs = enumerate(zip(NAMES, KINDS, strict=True))
    rows = [f"{100 + i},{Path(name).stem},{kind}" for i, (name, kind) in pairs]
    data = datasets.from_csv(write(root, ["id,isic,label", *rows]), image_size=SIZE)
    assert classes_by_id(data)["photos/001.jpg"] == "dog"


def test_numbers_that_lost_their_zeros(root):
    rows = [f"{i},{kind}" for i, kind in enumerate(KINDS)]
    data = datasets.from_csv(write(root, ["id,label", *rows]), image_size=SIZE)
    assert classes_by_id(data)["photos/011.jpg"] == "dog"


def test_the_excel_line_and_quoted_line_breaks():
    rows = table._rows('\nfile;note\na.jpg;"two\nlines"\nb.jpg;x\n')
    assert rows == {2: ["file", "note"], 4: ["a.jpg", "two\nlines"], 5: ["b.jpg", "x"]}


@pytest.mark.parametrize("first", ["sep=;", " sep=; ", "\ufeffsep=;"])
def test_the_line_of_excel_and_ragged_rows(tmp_path, first):
    path = tmp_path / "labels.csv"
    path.write_text(f"{first}\nfile;class;;class\na.jpg;x;1;2;3\n\nb.jpg;y\n", "utf-8")
    cells = table.read_table(path).cells
    assert list(cells.columns) == ["file", "class", "column 3", "class (4)"]
    assert cells.loc[3].tolist() == ["a.jpg", "x", "1", "2"]
    assert cells.loc[5].tolist() == ["b.jpg", "y", "", ""]


# --- labels in names, and layouts ---------------------------------------------------------


def cats_and_dogs(root: Path) -> Path:
    names = [f"train/{kind}.{i}.jpg" for kind in ("cat", "dog") for i in range(6)]
    return images(root, [*names, *(f"test1/{i}.jpg" for i in range(3))])


def test_labels_in_file_names(tmp_path, capsys):
    root = cats_and_dogs(tmp_path / "dogs-vs-cats")
    data = datasets.from_directory(root, image_size=SIZE, label_from_name=r"^(cat|dog)\.")
    assert data.class_names == ("cat", "dog")
    assert len(classes_by_id(data)) == 12
    assert all(f"/{name}." in id_ for id_, name in classes_by_id(data).items())
    assert "3 images have a name in which label_from_name finds no class" in capsys.readouterr().out


def test_the_report_reads_labels_from_names_too(tmp_path):
    report = quality.report(cats_and_dogs(tmp_path / "x"), label_from_name=r"^(cat|dog)")
    assert report.counts == {"train": {"cat": 6, "dog": 6}}


def test_labels_in_file_names_keep_the_splits_of_the_folder(tmp_path):
    names = [f"{s}/{k}_{i}.png" for s in ("Training", "holdout") for k in "ab" for i in range(4)]
    data = datasets.from_directory(
        images(tmp_path / "x", names), image_size=SIZE, label_from_name=re.compile("^(a|b)_")
    )
    assert [len(data.ids(split)) for split in datasets.SPLITS] == [6, 2, 8]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("^cat", "needs a group"), ("(", "no regular expression"), (3, "no regular expression"),
     ("(bird)", "finds no class in the names of the 15 images")],
)  # fmt: skip
def test_patterns_that_cannot_be_used(tmp_path, pattern, words):
    root = cats_and_dogs(tmp_path / "x")
    with pytest.raises(InvalidInput, match=words) as caught:
        datasets.from_directory(root, label_from_name=pattern)
    sentence_of(caught.value)


SPLIT_NAMES = ["train", "Training", "training_set", "TEST", "testing", "test_set", "val", "valid",
               "Validation", "dev", "holdout", "test1", "train-images", "Valid Set", "val2017",
               "01_train", "test (1)"]  # fmt: skip


@pytest.mark.parametrize("name", SPLIT_NAMES)
@pytest.mark.parametrize("other", ["train", "images"])
def test_folders_with_the_name_of_a_split_are_no_classes(tmp_path, name, other):
    if name == other:
        other = "test"
    root = tree(tmp_path / "x", {name: 4, other: 4})
    with pytest.raises(InvalidInput, match="split") as caught:
        datasets.from_directory(root, image_size=SIZE)
    assert "label" in sentence_of(caught.value)
    with pytest.raises(InvalidInput, match="split"):
        quality.report(root)


def test_names_that_only_begin_like_splits_are_classes():
    for name in ("trains", "tester", "valley", "devil", "testtube", "contest", "evaluate"):
        assert _splits.named(name) is None


def test_train_and_test_with_a_table_say_how_to_load_them(tmp_path):
    root = images(tmp_path / "dogs", [f"{s}/{i}.jpg" for s in ("train", "test") for i in range(6)])
    rows = [f"{i},{kind}" for i, kind in enumerate(KINDS[:6])]
    write(root, ["id,breed", *rows])
    (root / "sample_submission.csv").write_text("id,breed\n0,a\n")
    with pytest.raises(InvalidInput, match="are splits and no classes") as caught:
        datasets.from_directory(root)
    call = re.search(r"datasets\.from_csv\('(.*)', images='(.*)'\)", sentence_of(caught.value))
    data = datasets.from_csv(call[1], images=call[2], image_size=SIZE)  # the suggested call works
    assert len(classes_by_id(data)) == 6


def test_names_that_begin_with_classes_are_suggested(tmp_path):
    root = cats_and_dogs(tmp_path / "x")
    with pytest.raises(InvalidInput, match="label_from_name") as caught:
        datasets.from_directory(root)
    call = re.search(r"label_from_name=r'(.*)'\)", sentence_of(caught.value))
    data = datasets.from_directory(root, image_size=SIZE, label_from_name=call[1])
    assert data.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "folders", [["train/images", "valid/images"], ["images", "masks"], ["images"], ["data"]]
)
def test_folders_that_hold_all_classes_together_are_refused(tmp_path, folders):
    root = tree(tmp_path / "x", dict.fromkeys(folders, 4))
    with pytest.raises(InvalidInput, match="the images of all classes together in") as caught:
        datasets.from_directory(root)
    assert "from_csv" in sentence_of(caught.value)


def test_the_likely_table_is_suggested(tmp_path):
    root = images(tmp_path / "x", [f"images/{i}.jpg" for i in range(4)])
    for name in ("sample_submission.csv", "test.csv", "train.csv"):
        (root / name).write_text("id,label\n")
    with pytest.raises(InvalidInput, match=r"from_csv\('.*/train.csv', images='.*/images'\)"):
        datasets.from_directory(root)


def test_images_in_one_folder_beside_a_table(tmp_path):
    root = images(tmp_path / "x", [f"images/{i}.jpg" for i in range(6)])
    write(root, ["id,label", *(f"{i},{k}" for i, k in enumerate(KINDS[:6]))])
    with pytest.raises(InvalidInput, match=r"all classes together in images; if labels.csv holds"):
        datasets.from_directory(root)


@pytest.mark.parametrize(
    "layout",
    [
        "training_set/training_set/{0}|test_set/test_set/{0}",
        "dataset/train/{0}|dataset/test/{0}",
        "train/images/{0}|test/images/{0}",
        "x/x/train/{0}|x/x/test/{0}",
        "archive/Training/{0}|archive/Testing/{0}",
        "seg_train/seg_train/{0}|seg_test/seg_test/{0}",
    ],
)
def test_nested_layouts_are_found(tmp_path, layout):
    train, test = layout.split("|")
    counts = {train.format(c): 6 for c in ("cats", "dogs")}
    counts |= {test.format(c): 2 for c in ("cats", "dogs")}
    data = datasets.from_directory(tree(tmp_path / "x", counts), image_size=SIZE)
    assert data.class_names == ("cats", "dogs")
    assert [len(data.ids(split)) for split in datasets.SPLITS] == [10, 2, 4]
    assert not any("test" in id_.split("/")[0].lower() for id_ in data.ids("train"))


@pytest.mark.parametrize("inside", ["test", "test/test", "test/unknown", "holdout/images"])
def test_images_to_be_submitted_are_not_used_and_it_is_said(tmp_path, inside, capsys):
    root = tree(tmp_path / "x", {"train/a": 10, "train/b": 10, inside: 3})
    data = datasets.from_directory(root, image_size=SIZE)
    assert data.describe().loc["total"].tolist() == [16, 2, 2, 20]
    assert "3 images lie outside class folders" in capsys.readouterr().out


# --- files that are ignored -------------------------------------------------------------------


SKIPPED = ["a/x.dng", "a/y.CR2", "b/z.jxl", "b/w.jp2", "b/t.tga", "a/scan.dcm", "a/IMG_0001",
           "b/x.jpg?w=300"]  # fmt: skip
SILENT = ["a/@eaDir/000.jpg/SYNOPHOTO_THUMB_M.jpg", "a/.thumbnails/1.jpg", "a/Thumbs.db",
          "b/.DS_Store", "__MACOSX/a/._000.jpg", "a/._000.jpg", "a/notes.txt", "LICENSE",
          "b/@eaDir/1.jpg", "#recycle/1.jpg"]  # fmt: skip


def test_skipped_files_are_counted_and_named_by_loader_and_report(tmp_path, capsys):
    root = tree(tmp_path / "x", {"a": 6, "b": 6})
    for name in SKIPPED + SILENT:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "a/000.jpg", root / name)
    data = datasets.from_directory(root, image_size=SIZE)
    assert data.describe().loc["total", "total"] == 12
    said = capsys.readouterr().out
    assert "8 files are of a kind that is not read and not used: a/IMG_0001, a/scan.dcm," in said
    row = quality.report(root)["unreadable files"]
    assert row.verdict == "warning"
    assert "8 files of a kind that is not read" in row.found
    assert sorted(row.files) == sorted(SKIPPED)


def test_a_folder_of_raw_files_says_what_to_do(tmp_path):
    for name in ("a/1.dng", "b/2.dng"):
        (tmp_path / "x" / name).parent.mkdir(parents=True)
        (tmp_path / "x" / name).write_bytes(b"II*\0")
    with pytest.raises(
        InvalidInput, match=r"no images that can be read, but 2 .*save them as JPEG"
    ):
        datasets.from_directory(tmp_path / "x")


# --- groups --------------------------------------------------------------------------------


def bursts(root: Path, per_burst: int = 4, number: int = 10) -> Path:
    names = [f"{c}/p{b}_{i}.png" for c in "ab" for b in range(number) for i in range(per_burst)]
    return images(root, names)


def check_groups(data: datasets.ImageDataset, group) -> None:
    places: dict[str, set[str]] = {}
    for split in datasets.SPLITS:
        assert set(data.labels(split)) == set(range(data.num_classes))
        for id_ in data.ids(split):
            places.setdefault(group(id_), set()).add(split)
    assert all(len(splits) == 1 for splits in places.values())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "groups", [r"(p\d+)_", re.compile("/(p[0-9]+)"), lambda p: p.name.split("_")[0]]
)
def test_a_group_is_in_one_split(tmp_path, groups, seed):
    root = bursts(tmp_path / "x")
    data = datasets.from_directory(
        root, image_size=SIZE, groups=groups, seed=seed, validation=0.2, test=0.2
    )
    # p3 has images in both classes, as a patient may have.
    check_groups(data, lambda id_: id_.split("/")[1].split("_")[0])
    assert data.describe().loc["total"].tolist() == [48, 16, 16, 80]


def test_groups_of_one_class_and_copies(tmp_path, capsys):
    root = bursts(tmp_path / "x")
    shutil.copy(root / "a/p0_0.png", root / "a/p9_9.png")  # joins two groups
    data = datasets.from_directory(root, image_size=SIZE, groups=r"^(./p\d+)_")
    check_groups(data, lambda id_: id_.split("_")[0].replace("a/p9", "a/p0"))
    assert "19 groups kept whole" in capsys.readouterr().out


def test_a_column_names_the_groups(root):
    rows = [f"{n},{k},patient {i // 2}" for i, (n, k) in enumerate(zip(NAMES, KINDS, strict=True))]
    csv = write(root, ["id,label,patient", *rows])
    data = datasets.from_csv(csv, image_size=SIZE, groups="patient")
    check_groups(data, lambda id_: str(int(id_[-7:-4]) // 2))
    with pytest.raises(InvalidInput, match=r"no column 'pateint' \(did you mean 'patient'\?\)"):
        datasets.from_csv(csv, image_size=SIZE, groups="pateint")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (r"(nothing\d)", "finds no group in any of 80 paths"),
        (r"(p)\d", "puts all 80 images into one group"),
        (r"p\d", "needs a group"),
        (7, "it must be a regular expression with a group"),
        (lambda path: path.nothing, "The function groups failed for .*AttributeError"),
        (r"^(.)/", "belong to 1 group, but at least 3 are needed"),
    ],
)
def test_groups_that_cannot_be_used(tmp_path, groups, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        datasets.from_directory(bursts(tmp_path / "x"), image_size=SIZE, groups=groups)
    sentence_of(caught.value)


def test_given_splits_that_tear_a_group_apart(tmp_path):
    root = images(tmp_path / "x", [f"{s}/{c}/p{i}_{s}.png" for s in ("train", "test") for c in "ab"
                                   for i in range(6)])  # fmt: skip
    with pytest.raises(
        InvalidInput, match=r"a/p0_train.png \(train\) and .* \(test\) belong to one group"
    ):
        datasets.from_directory(root, image_size=SIZE, groups=r"/(p\d)_")
    row = quality.report(root, groups=r"/(p\d)_")["leakage between splits"]
    assert row.verdict == "problem"
    assert "6 groups in more than one split" in row.found


def test_the_division_into_groups_does_not_depend_on_the_order():
    ids = [f"{i}" for i in range(60)]
    labels = np.arange(60) % 3
    keys = [str(i // 4) for i in range(60)]
    shares = {"test": 0.2, "validation": 0.2}
    straight = _splits.carve_groups(ids, labels, keys, "abc", shares, 1)
    turn = np.random.default_rng(0).permutation(60)
    turned = _splits.carve_groups(
        [ids[i] for i in turn], labels[turn], [keys[i] for i in turn], "abc", shares, 1
    )
    for split in datasets.SPLITS:
        assert {ids[i] for i in straight[split]} == {ids[turn[i]] for i in turned[split]}
    other = _splits.carve_groups(ids, labels, keys, "abc", shares, 2)
    assert set(other["test"]) != set(straight["test"])


def test_the_report_says_when_groups_would_keep_near_copies_together(tmp_path):
    root = tmp_path / "x"
    for kind in "ab":
        for burst in range(12):
            (root / kind).mkdir(parents=True, exist_ok=True)
            picture = photo(100 * "ab".index(kind) + burst)
            picture.save(root / kind / f"plant{burst}_1.png")
            picture.crop((2, 1, picture.width, picture.height)).save(
                root / kind / f"plant{burst}_2.jpg"
            )
    row = quality.report(root)["leakage between splits"]
    suggestion = re.search(r"groups=r'(.*)' does so with (\d+) of (\d+) near copies", row.advice)
    assert suggestion, row.advice
    assert int(suggestion[2]) >= 20
    again = quality.report(root, groups=suggestion[1])["leakage between splits"]
    assert f"groups= keeps {suggestion[2]} of {suggestion[3]} near copies together" in again.advice
    data = datasets.from_directory(root, image_size=SIZE, groups=suggestion[1])
    check_groups(data, lambda id_: id_.rsplit("_", 1)[0])
