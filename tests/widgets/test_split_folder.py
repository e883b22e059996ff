"""The folder to be split: its functions against Python, and the piece in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict

import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import settings, widgets
from course_utils.exceptions import InvalidInput
from course_utils.widgets import lesson_02

SCRIPT = settings.course_root() / "course_utils/widgets/split_folder.js"
SPLITS = ("train", "validation", "test")


def node(expression: str) -> object:
    """Return the value of an expression in which the functions of the script are known."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    source = SCRIPT.read_text(encoding="utf-8")
    source += f"\nconsole.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def album() -> tuple[list[dict], list[list[int]]]:
    data = widgets.split_folder().data
    return [{**one, "source": ""} for one in data["pictures"]], data["near"]


def leaks(pictures, where) -> list[dict]:
    splits = defaultdict(set)
    for picture, split in zip(pictures, where, strict=True):
        if split:
            splits[picture["group"]].add(split)
    return [
        {"group": group, "splits": [one for one in SPLITS if one in found]}
        for group, found in splits.items()
        if len(found) > 1
    ]


@pytest.mark.parametrize("seed", range(5))
def test_leaks_counts_and_memory_are_those_of_python(seed):
    pictures, near = album()
    rng = np.random.default_rng(seed)
    where = rng.choice(["", *SPLITS], len(pictures)).tolist()
    both = f"{json.dumps(pictures)}, {json.dumps(where)}"
    assert node(f"leaksOf({both})") == leaks(pictures, where)
    counts = {name: dict.fromkeys(SPLITS, 0) for name in ("daisy", "roses", "sunflowers")}
    for picture, split in zip(pictures, where, strict=True):
        if split:
            counts[picture["class"]][split] += 1
    assert node(f"countsOf({both})") == counts
    right = total = 0
    for k, split in enumerate(where):
        if split == "test":
            nearest = next(j for j in near[k] if where[j] == "train")
            right += pictures[nearest]["class"] == pictures[k]["class"]
            total += 1
    assert node(f"remembered({both}, {json.dumps(near)})") == {"right": right, "total": total}


def test_without_a_test_picture_nothing_is_remembered():
    pictures, near = album()
    where = ["train"] * len(pictures)
    call = f"remembered({json.dumps(pictures)}, {json.dumps(where)}, {json.dumps(near)})"
    assert node(call) is None


def test_by_group_nothing_leaks_and_at_random_something_does():
    pictures, _ = album()
    given = json.dumps(pictures)
    seeds = "[...Array(20).keys()].map(seed => WAY(" + given + ", randomNumbers(seed)))"
    for where in node(seeds.replace("WAY", "splitByGroup")):
        assert not leaks(pictures, where)
        for name in ("daisy", "roses", "sunflowers"):  # each class is in each split
            found = {w for p, w in zip(pictures, where, strict=True) if p["class"] == name}
            assert found == set(SPLITS)
    at_random = node(seeds.replace("WAY", "splitAtRandom"))
    assert all(leaks(pictures, where) for where in at_random)
    assert all(where.count("test") == 6 for where in at_random)  # a fifth of 8, rounded, 3 times
    assert len(set(map(tuple, at_random))) == 20


@pytest.mark.parametrize(("count", "small"), [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (10, 2)])
def test_few_pictures_stay_in_train(count, small):
    parts = node(f"cut([...Array({count}).keys()])")
    assert [len(parts[split]) for split in SPLITS] == [count - 2 * small, small, small]


def test_similar_pictures_are_those_of_one_flower():
    pictures, near = album()
    for picture, others in zip(pictures, near, strict=True):
        burst = sum(one["group"] == picture["group"] for one in pictures)
        if burst > 1:
            assert pictures[others[0]]["group"] == picture["group"]
        assert len(set(others)) == len(pictures) - 1


def test_own_photographs_of_any_size_and_wrong_arguments():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape, np.uint8) for shape in ((30, 50), (80, 20, 3), (9, 9, 1))]
    piece = widgets.split_folder(images, ["a", "b", "a"], ["x", "y", "x"])
    assert [one["name"] for one in piece.data["pictures"]] == ["a A1", "b A1", "a A2"]
    assert "3 photographs of 2 groups in 2 classes" in repr(piece)
    alone = widgets.split_folder(images, ["a", "b", "a"])
    assert [one["group"] for one in alone.data["pictures"]] == ["a A", "b A", "a B"]
    with pytest.raises(InvalidInput, match="3 images, but 2 entries"):
        widgets.split_folder(images, ["a", "b"])
    with pytest.raises(InvalidInput, match="one entry of groups"):
        widgets.split_folder(images, ["a", "b", "a"], ["x"])
    with pytest.raises(InvalidInput, match="1 to 40 images, but it was given 41"):
        widgets.split_folder(np.zeros((41, 8, 8, 3)), ["a"] * 41)
    with pytest.raises(InvalidInput, match="was given 0"):
        widgets.split_folder([], [])


def test_more_than_26_groups_have_different_names():
    labels = lesson_02._group_labels(["a"] * 60, [str(k) for k in range(60)])
    assert len(set(labels)) == 60


def test_the_piece_is_small_enough_to_be_stored():
    assert len(widgets.split_folder()._repr_html_()) < 150_000


def test_in_a_browser_with_the_keyboard(tmp_path):
    with opened(tmp_path, widgets.split_folder()) as browser:
        page = browser.page
        piece = page.locator(".course-widget")
        live = piece.locator("[aria-live]")
        browser.sound()
        first = page.get_by_role("button", name="daisy A1,")
        first.focus()
        page.keyboard.press("1")
        assert "daisy A1 moved to train. No leak so far; 23 photographs have no" in " ".join(
            live.inner_text().split()
        )
        assert page.evaluate("document.activeElement.ariaLabel") == "daisy A1, train"
        second = page.get_by_role("button", name="daisy A2,")
        second.focus()
        page.keyboard.press("Space")
        assert second.get_attribute("aria-pressed") == "true"
        page.get_by_role("button", name="test", exact=True).press("Enter")
        assert "1 leak: daisy A is in train and test." in live.inner_text()
        assert "right for 1 of 1 test pictures" in live.inner_text()
        assert first.get_attribute("aria-label") == "daisy A1, train, leak"
        page.get_by_role("button", name="Split by flower").click()
        assert "No leak." in live.inner_text()
        page.get_by_role("button", name="Split at random").click()
        assert "leaks: " in live.inner_text()
        assert "train: 12" in piece.inner_text()
        browser.sound()
        page.get_by_role("button", name="Start again").click()
        assert "not split yet: 24" in piece.inner_text()
        page.get_by_role("button", name="train", exact=True).click()
        assert "Choose photographs first." in live.inner_text()


def test_photographs_can_be_dragged(tmp_path):
    with opened(tmp_path, widgets.split_folder()) as browser:
        page = browser.page
        target = page.get_by_role("group", name="validation", exact=True)
        page.get_by_role("button", name="roses B2,").drag_to(target)
        assert page.get_by_role("button", name="roses B2, validation").count() == 1
        browser.sound()


def test_on_a_narrow_page_and_without_scripts(tmp_path):
    with opened(tmp_path, widgets.split_folder(), width=360) as browser:
        browser.page.get_by_role("button", name="Split at random").click()
        wide = browser.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360
        browser.sound()
    with opened(tmp_path, widgets.split_folder(), scripts=False) as browser:
        assert browser.page.get_by_role("img").count() == 1
        assert "24 photographs of 12 groups" in browser.page.inner_text("main")
