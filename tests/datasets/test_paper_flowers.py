"""The course's own drawn data: paper_flowers and messy_flowers."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_staff.drawing import messy_flowers as drawn_messy
from course_staff.drawing import paper_flowers as drawn
from course_utils import quality
from course_utils.datasets import messy_flowers, paper_flowers
from course_utils.exceptions import InvalidInput, MissingData

CORNERS = ["x0", "y0", "x1", "y1"]


@pytest.fixture(scope="module")
def table():
    return paper_flowers.manifest()


@pytest.fixture(scope="module")
def pictures(table):
    """Return all images, uint8 (N, 96, 96, 3), in the order of the manifest."""
    images = []
    for path in table["path"]:
        with Image.open(paper_flowers.folder() / path) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (96, 96)), path
            images.append(np.asarray(image))
    return np.stack(images)


def opened(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32)


# --- what ships -----------------------------------------------------------------------------------


def test_the_manifest_lists_every_file_and_its_content(table):
    root = paper_flowers.folder()
    found = {path.relative_to(root).as_posix() for path in root.rglob("*.jpg")}
    assert found == set(table["path"])
    assert len(found) == len(table) >= 2_400
    for path, digest in zip(table["path"], table["sha256"], strict=True):
        assert hashlib.sha256((root / path).read_bytes()).hexdigest() == digest, path


def test_the_dataset_is_small_enough_to_ship(table):
    root = paper_flowers.folder()
    assert sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) <= 10e6


def test_counts_per_split_and_class(table):
    counts = table.groupby(["split", "class"]).size()
    for split, count in paper_flowers.COUNTS.items():
        assert [counts[split, name] for name in paper_flowers.CLASSES] == [count] * 5
    assert counts["test"].sum() >= 500


def test_paths_say_split_and_label(table):
    parts = table["path"].str.split("/", expand=True)
    assert (parts[0] == table["split"]).all()
    assert (parts[1] == table["class"]).all()


def test_three_percent_of_the_training_labels_are_wrong_and_no_others(table):
    wrong = paper_flowers.mislabeled()
    assert len(wrong) == round(0.03 * (table["split"] == "train").sum())
    assert set(wrong["split"]) == {"train"}
    assert wrong.groupby("class").size().between(10, 11).all()
    assert wrong.groupby("true_class").size().between(8, 13).all()
    assert (wrong["class"] != wrong["true_class"]).all()
    assert (table["class"] != table["true_class"]).sum() == len(wrong)


def test_boxes_lie_in_the_picture_and_are_neither_tiny_nor_everything(table):
    x0, y0, x1, y1 = (table[c].to_numpy() for c in CORNERS)
    assert (x0 >= 0).all()
    assert (y0 >= 0).all()
    assert (x1 <= 96).all()
    assert (y1 <= 96).all()
    share = (x1 - x0) * (y1 - y0) / 96**2
    assert share.min() > 0.01
    assert 0.2 < np.median(share) < 0.4


def test_boxes_hold_what_differs_most_from_the_border(table, pictures):
    """On images with one flower, pixels inside the box differ more from the border's color."""
    one = table.index[(table["flowers"] == 1) & (table["split"] == "test")]
    hits = 0
    for k in one:
        image = pictures[k].astype(float)
        border = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]), axis=0)
        apart = np.abs(image - border).sum(axis=-1)
        x0, y0, x1, y1 = table.loc[k, CORNERS].to_numpy(float).round().astype(int)
        inside = np.zeros((96, 96), dtype=bool)
        inside[y0:y1, x0:x1] = True
        hits += apart[inside].mean() > apart[~inside].mean()
    assert hits / len(one) > 0.85


def test_no_two_pictures_are_the_same_or_nearly(table, pictures):
    assert table["sha256"].is_unique
    bits = np.stack([drawn._perceptual_hash(image) for image in pictures])
    signs = bits.astype(np.float32) * 2 - 1
    different = (64 - signs @ signs.T) / 2
    np.fill_diagonal(different, 64)
    assert different.min() >= 8  # 10 before the JPEG encoding


@pytest.mark.slow
def test_color_alone_does_not_give_the_class_away(table, pictures):
    from sklearn.linear_model import LogisticRegression

    cells = pictures // 64
    cells = cells[..., 0] * 16 + cells[..., 1] * 4 + cells[..., 2]
    counts = np.stack([np.bincount(c.ravel(), minlength=64) for c in cells])
    features = np.sqrt(counts / 96**2)
    train, test = (table["split"] == "train").to_numpy(), (table["split"] == "test").to_numpy()
    labels = table["class"].to_numpy()
    model = LogisticRegression(C=10, max_iter=400).fit(features[train], labels[train])
    assert 0.25 < model.score(features[test], labels[test]) < 0.60


# --- access ---------------------------------------------------------------------------------------


def test_boxes_by_id(table):
    some = table.iloc[[5, 2000, 17]]
    found = paper_flowers.boxes(some["path"])
    assert found.dtype == np.float32
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, some[CORNERS].to_numpy(float), atol=1e-5)
    assert paper_flowers.boxes([]).shape == (0, 4)


def test_boxes_of_unknown_pictures():
    with pytest.raises(InvalidInput, match=r"no picture 'test/daisy/9999.jpg'.*1 of 2"):
        paper_flowers.boxes(["test/daisy/0001.jpg", "test/daisy/9999.jpg"])


def test_a_folder_without_manifest(tmp_path):
    with pytest.raises(MissingData, match="manifest.csv"):
        paper_flowers.manifest(tmp_path)


# --- drawing --------------------------------------------------------------------------------------


def test_shipped_pictures_can_be_drawn_again_from_their_seeds(table):
    """Other versions of Pillow and libjpeg may round differently, hence the tolerance."""
    for row in table.iloc[7::180].to_dict("records"):
        image, box = drawn.draw(row["true_class"], row["seed"])
        shipped = opened((paper_flowers.folder() / row["path"]).read_bytes())
        assert np.abs(opened(drawn.encode(image)) - shipped).mean() < 2.0, row["path"]
        np.testing.assert_allclose(box, [row[c] for c in CORNERS], atol=0.5)


def test_drawing_depends_on_the_seed_alone():
    first, box = drawn.draw("roses", 11)
    again, same_box = drawn.draw("roses", 11)
    other, _ = drawn.draw("roses", 12)
    assert first.shape == (96, 96, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert box == same_box
    assert np.abs(first.astype(int) - other).mean() > 5


def test_drawing_what_does_not_exist():
    with pytest.raises(InvalidInput, match="did you mean 'tulips'"):
        drawn.draw("tulip", 1)
    with pytest.raises(InvalidInput, match="dandelion.* or .daisy"):
        drawn.draw("x", 1)
    for seed in (-1, 1.5, True):
        with pytest.raises(InvalidInput, match="seed is .* whole number"):
            drawn.draw("daisy", seed)


@pytest.mark.slow
def test_generate_writes_a_whole_dataset(tmp_path):
    counts = {"train": 7, "validation": 1, "test": 1}
    folder = drawn.generate(tmp_path / "new", seed=3, counts=counts, progress=False)
    table = paper_flowers.manifest(folder)
    assert len(table) == 45
    assert (table["class"] != table["true_class"]).sum() == 1  # 3 % of 35
    row = table.iloc[-1]
    image, _ = drawn.draw(row["true_class"], row["seed"])
    assert (folder / row["path"]).read_bytes() == drawn.encode(image)
    assert not (tmp_path / "new.partial").exists()
    with pytest.raises(InvalidInput, match="exists already"):
        drawn.generate(folder)


def test_new_pictures_are_in_no_split_and_as_drawn(pictures, tmp_path):
    made = drawn.generate_new(tmp_path / "new")
    with (made / "boxes.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    bits = np.stack([drawn._perceptual_hash(image) for image in pictures])
    for name in paper_flowers.CLASSES:
        for number in range(1, len(drawn.NEW_SEEDS) + 1):
            image, box = paper_flowers.new_picture(name, number)
            row = rows[f"{name}_{number}.png"]
            with Image.open(made / row["path"]) as again:
                assert np.abs(image.astype(float) - np.asarray(again)).mean() < 2.0, row["path"]
            assert row["class"] == name
            np.testing.assert_allclose(
                box, [float(row[k]) for k in ("x0", "y0", "x1", "y1")], atol=1
            )
            assert (bits != drawn._perceptual_hash(image)).sum(axis=1).min() > 4, (name, number)


def test_the_picture_with_two_flowers_is_as_drawn():
    image, boxes = paper_flowers.two_flowers()
    again, drawn_boxes = drawn.render_two(drawn.TWO_CLASSES, drawn.TWO_SEED)
    assert np.abs(image.astype(float) - again).mean() < 4
    assert tuple(boxes) == drawn.TWO_CLASSES
    np.testing.assert_allclose(list(boxes.values()), drawn_boxes, atol=4)
    (left, right) = boxes.values()
    assert 0 < left[0] < left[2] < right[0] < right[2] < 384  # side by side, and apart


def test_new_pictures_that_do_not_exist():
    with pytest.raises(InvalidInput, match="did you mean 'tulips'"):
        paper_flowers.new_picture("tulip")
    for number in (0, 5, -1, True, 1.5, "1"):
        with pytest.raises(InvalidInput, match="1 to 4"):
            paper_flowers.new_picture("daisy", number)


def test_a_drawing_broken_off_leaves_no_half_dataset(tmp_path):
    def break_off():
        with drawn.new_folder(tmp_path / "new") as partial:
            (partial / "half.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert not (tmp_path / "new").exists()
    with drawn.new_folder(tmp_path / "new") as partial:
        assert list(partial.iterdir()) == []
    assert (tmp_path / "new").is_dir()


# --- messy_flowers --------------------------------------------------------------------------------

#: The row of the quality report that must list a planted file, by kind.
FOUND_BY = {
    "exact duplicate": "exact duplicates",
    "near duplicate": "near duplicates",
    "conflicting labels": "conflicting labels",
    "leak": "leakage between splits",
    "unreadable": "unreadable files",
    "mistyped": "unreadable files",
    "channels": "channels and sizes",
    "size": "channels and sizes",
    "no variation": "variation",
    "outside class folders": "images per class",
}


@pytest.fixture(scope="module")
def planted():
    return messy_flowers.planted()


@pytest.fixture(scope="module")
def report():
    return quality.report(messy_flowers.folder())


def rows_of(report) -> dict:
    return {row.check: row for row in report.rows}


def test_messy_flowers_is_small():
    sizes = [f.stat().st_size for f in messy_flowers.folder().rglob("*") if f.is_file()]
    assert sum(sizes) <= 1e6


def test_every_planted_file_is_there(planted):
    classes = set(paper_flowers.CLASSES)
    for column in ("path", "partner"):
        for path in planted[column]:
            assert not path or path in classes or (messy_flowers.folder() / path).is_file(), path


def test_exact_copies_are_exact(planted):
    root = messy_flowers.folder()
    exact = planted[planted["detail"].str.startswith("same bytes")]
    assert len(exact) == 9
    for copy, original in zip(exact["path"], exact["partner"], strict=True):
        assert (root / copy).read_bytes() == (root / original).read_bytes()


@pytest.mark.parametrize("kind", FOUND_BY)
def test_the_checklist_finds_what_was_planted(planted, report, kind):
    row = rows_of(report)[FOUND_BY[kind]]
    files = planted.loc[planted["kind"] == kind, "path"]
    assert len(files)
    assert row.verdict != "ok"
    assert set(files) <= set(row.files)


def test_the_checklist_finds_the_classes_that_were_planted(planted, report):
    rows = rows_of(report)
    classes = planted.set_index("kind")["path"]
    assert classes["too few images"] in rows["images per class"].found
    assert classes["imbalance"] in rows["balance"].found
    assert rows["balance"].verdict != "ok"
    assert classes["little variation"] in rows["variation"].found


def test_the_checklist_accuses_nothing_else(planted, report):
    guilty = set(planted["path"]) | set(planted["partner"])
    named = {file for row in report.rows for file in row.files}
    assert named <= guilty
    harmless = set(planted.loc[planted["kind"].isin(["harmless", "hidden file"]), "path"])
    assert not named & harmless


def test_the_messy_pictures_can_be_drawn_again(tmp_path):
    builder = drawn_messy.MessyFolderBuilder(tmp_path, drawn_messy.SEED, progress=False)
    for number in (1, 2, 3):
        image = builder.new_picture("dandelion")
        shipped = Path(messy_flowers.folder() / f"train/dandelion/{number:03d}.jpg").read_bytes()
        assert np.abs(opened(drawn.encode(image)) - opened(shipped)).mean() < 2.0


@pytest.mark.slow
def test_the_messy_folder_can_be_generated_again(tmp_path):
    shipped, made = messy_flowers.folder(), drawn_messy.generate(tmp_path / "new", progress=False)
    names = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
    assert {path.relative_to(made) for path in made.rglob("*") if path.is_file()} == (
        names - {Path("README.md")}
    )
    assert (made / "planted.csv").read_bytes() == (shipped / "planted.csv").read_bytes()
    for path in messy_flowers.planted().query("kind == 'channels'")["path"]:
        with Image.open(made / path) as new, Image.open(shipped / path) as old:
            assert (new.format, new.mode, new.size) == (old.format, old.mode, old.size), path
