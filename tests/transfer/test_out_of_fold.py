"""Cross-validation of a head: no photograph is predicted by a head that has seen its group."""

from __future__ import annotations

import image_folders
import numpy as np
import pytest

from course_utils import datasets, transfer
from course_utils.exceptions import InvalidInput
from course_utils.transfer import Features


def made(tmp_path, per_class=15, seed=0):
    """Return a dataset of two classes, features that show only the group, and the groups.

    Photographs come in groups of six; what a feature vector shows is the same within a group and
    has nothing to do with the class.
    """
    folder = image_folders.tree(tmp_path / "photos", {"a": per_class, "b": per_class})
    data = datasets.from_directory(folder, image_size=8, validation=0.2, test=0.2)
    keys = {
        split: [f"{name[0]}{int(name[2:5]) // 6}" for name in data.ids(split)]
        for split in datasets.SPLITS
    }
    rng = np.random.default_rng(seed)
    named = sorted({key for of_split in keys.values() for key in of_split})
    of_group = {key: rng.normal(0, 1, 20) for key in named}
    vectors = {
        split: np.array([of_group[key] for key in keys[split]], np.float32) for split in keys
    }
    labels = {split: data.labels(split) for split in datasets.SPLITS}
    ids = {split: data.ids(split) for split in datasets.SPLITS}
    features = Features("none", data.class_names, vectors, labels, ids)
    return data, features, keys["train"] + keys["validation"]


HEAD = {"epochs": 40, "batch_size": 8, "learning_rate": 1e-2, "dropout": 0.0}


@pytest.mark.slow
def test_groups_that_are_divided_give_a_number_that_is_too_good(tmp_path):
    data, features, keys = made(tmp_path, per_class=30)
    apart = transfer.out_of_fold(features, data, **HEAD)
    together = transfer.out_of_fold(features, data, keys, **HEAD)
    assert apart.accuracy > 0.9  # the other photographs of the group give it away
    assert together.accuracy < 0.75  # there is nothing to learn


def test_the_predictions_are_those_of_training_and_validation_in_order(tmp_path):
    data, features, keys = made(tmp_path)
    found = transfer.out_of_fold(features, data, keys, **HEAD)
    assert found.ids == data.ids("train") + data.ids("validation")
    assert (found.labels == np.concatenate([data.labels("train"), data.labels("validation")])).all()
    images = np.concatenate([data.images("train"), data.images("validation")])
    assert (found.images == images).all()
    assert found.logits is not None
    again = transfer.out_of_fold(features, data, keys, **HEAD)
    np.testing.assert_allclose(found.probabilities, again.probabilities, atol=1e-3)


def test_a_class_that_can_be_learned_is_learned(tmp_path):
    data, features, keys = made(tmp_path)
    for split in features.vectors:
        features.vectors[split][:] = 0  # nothing but the class is to be seen
        features.vectors[split][:, 0] = 5.0 * data.labels(split)
    assert transfer.out_of_fold(features, data, keys, **HEAD).accuracy == 1.0


def test_fewer_folds_are_made_where_a_class_has_few_groups(tmp_path):
    data, features, keys = made(tmp_path)
    two = ["first" if key in ("a0", "a1") else key for key in keys]
    two = ["second" if key.startswith("a") else key for key in two]
    assert len(transfer.out_of_fold(features, data, two, **HEAD)) == len(two)
    one = ["only" if key.startswith("a") else key for key in keys]
    with pytest.raises(InvalidInput, match="The class 'a' has 1 group outside the test split"):
        transfer.out_of_fold(features, data, one, **HEAD)


def test_what_does_not_belong_together_is_refused(tmp_path):
    data, features, keys = made(tmp_path)
    with pytest.raises(InvalidInput, match="24 images, but 23 groups"):
        transfer.out_of_fold(features, data, keys[:-1], **HEAD)
    with pytest.raises(InvalidInput, match="do not belong to this dataset"):
        transfer.out_of_fold(features, data.without([data.ids("train")[0]]), keys, **HEAD)
    with pytest.raises(InvalidInput, match="folds"):
        transfer.out_of_fold(features, data, keys, folds=1, **HEAD)
