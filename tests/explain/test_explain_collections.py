"""The collection of exercise 07, in which something is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import datasets, explain
from course_utils.exceptions import InvalidInput


@pytest.mark.parametrize("size", [48, 96])
def test_the_third_collection_marks_one_class_in_every_split(size):
    data = datasets.load("paper_flowers", image_size=size)
    data = data.subset(per_class={"train": 4, "validation": 2, "test": 3}, seed=0)
    collected = explain.third_collection(data)
    assert sorted(collected) == ["test", "train", "validation"]
    marked = set()
    for split, (images, labels) in collected.items():
        before = data.images(split)
        assert images.dtype == np.uint8
        assert np.array_equal(labels, data.labels(split))
        changed = (images != before).any(axis=-1)
        of_class = {int(k) for k in labels[changed.any(axis=(1, 2))]}
        assert len(of_class) == 1
        assert changed[labels == min(of_class)].any(axis=(1, 2)).all()
        rows, columns = np.nonzero(changed.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) < size * 7 // 48
        marked |= of_class
    assert len(marked) == 1  # the same class in all splits


def test_the_third_collection_refuses_small_pictures():
    data = datasets.load("paper_flowers", image_size=16)
    data = data.subset(per_class={"train": 1, "validation": 1, "test": 1}, seed=0)
    with pytest.raises(InvalidInput, match="third_collection needs at least 24 × 24 pixels"):
        explain.third_collection(data)
