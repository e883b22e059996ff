"""The data quality checklist as code: check a dataset before training on it.

A network also learns the mistakes in its data, without any warning. `report` makes ten
checks of a folder of images (or of an `ImageDataset`), and returns a verdict for each and the files
concerned:

======================  =========================================================================
check                   question
======================  =========================================================================
images per class        Has each class at least 50 images, and is it there in every split?
balance                 Have all classes about the same number of images?
unreadable files        Can every file be decoded, and is it of the type its name says?
exact duplicates        Is a file stored twice?
near duplicates         Is an image stored twice: smaller, compressed again, cropped, mirrored?
conflicting labels      Is the same image in two classes?
leakage between splits  Is an image of the training split in the validation or test split too?
variation               Do the images of a class differ from each other?
number of classes       Can a first model learn this number of classes (2 to 20)?
channels and sizes      Are color mode, size and shape what a loader expects?
======================  =========================================================================

First used in lesson 02. TensorFlow is not needed here. ``_copies`` explains how near duplicates
are found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.exceptions import InvalidInput
from course_utils.quality._checklist import MAX_CLASSES, MIN_IMAGES, Collection, examine
from course_utils.quality._copies import similarity
from course_utils.quality._pictures import read_all, read_array, read_file
from course_utils.quality._report import QualityReport, Row
from course_utils.validate import nearest, printable

if TYPE_CHECKING:
    from course_utils.datasets import ImageDataset, Photographs
    from course_utils.datasets.folder import Listing

__all__ = ["MAX_CLASSES", "MIN_IMAGES", "QualityReport", "Row", "report", "similarity"]


def report(
    path_or_dataset: str | os.PathLike[str] | ImageDataset | Photographs,
    groups: str | re.Pattern | Callable[[Path], Any] | None = None,
    value_range: tuple[float, float] | None = None,
    label_from_name: str | re.Pattern | None = None,
) -> QualityReport:
    """Check the data quality of a folder or dataset.

    Parameters
    ----------
    path_or_dataset : str, path, ImageDataset or Photographs
        A folder with one folder of images per class (or with ``train``, ``validation`` and
        ``test`` above them), the name of a dataset that is on this machine (``"tf_flowers"``), a
        loaded dataset, or what ``datasets.photographs`` returned, with its own groups. Give the
        folder if there is one: the files show more than the decoded images, which all have one
        size and one color mode.
    groups : str, pattern or callable, optional
        Which images belong together, as for :func:`course_utils.datasets.from_directory`; the
        report says whether the splits divide a group, and how many near copies are in one group.
    value_range : (low, high), optional
        For files of more than 8 bits: the values of black and white, as for
        :func:`course_utils.datasets.from_directory`.
    label_from_name : str or pattern, optional
        For a folder whose file names give the classes, as for
        :func:`course_utils.datasets.from_directory`.

    Returns
    -------
    QualityReport
        Ten verdicts, each with the files concerned. About 600 images per second on two cores.

    Raises
    ------
    MissingData
        If there is no such folder.
    InvalidInput
        If there is no image in it, or no such dataset.

    Examples
    --------
    >>> from course_utils import settings
    >>> found = report(settings.shipped_data() / "messy_flowers")
    >>> found.verdict, len(found.to_frame())
    ('problem', 10)
    """
    from course_utils.datasets import ImageDataset, Photographs

    if isinstance(path_or_dataset, ImageDataset):
        return _report_dataset(path_or_dataset, groups)
    if isinstance(path_or_dataset, Photographs):
        photos = path_or_dataset
        return _report_listing(photos.listing, photos.name, photos.groups, value_range)
    if not isinstance(path_or_dataset, (str, os.PathLike)):
        raise InvalidInput(
            f"quality.report needs a folder, the name of a dataset or an ImageDataset, but it got "
            f"a {type(path_or_dataset).__name__}; for a tf.data pipeline of your own, give the "
            f"folder that the images come from."
        )
    path = Path(os.path.expanduser(path_or_dataset))
    if path.name == path_or_dataset and not os.path.exists(path):  # a name, no Path
        return _report_known(path.name, groups)
    name = path.resolve().name or str(path)
    return _report_folder(path, name, groups, value_range, label_from_name)


def _report_known(name: str, groups: Any) -> QualityReport:
    """Report on a dataset that the course knows by name."""
    from course_utils import datasets
    from course_utils.datasets import registry

    if name not in registry.SOURCES:
        raise InvalidInput(
            f"There is neither a folder nor a dataset called {name!r}"
            f"{nearest(name, registry.SOURCES)}; give the path of a folder with one "
            f"folder of images per class, or one of {', '.join(registry.SOURCES)}."
        )
    try:
        folder = datasets.image_folder(name)
    except InvalidInput:  # a dataset without files, such as cifar10
        return _report_dataset(datasets.load(name), groups)
    return _report_folder(folder, name, groups)


def _report_folder(
    path: Path,
    name: str,
    groups: Any = None,
    value_range: Any = None,
    label_from_name: str | re.Pattern | None = None,
) -> QualityReport:
    from course_utils.datasets import folder

    listing = folder.scan(path, label_from_name)
    if not listing.images:
        raise InvalidInput(folder.told_no_images(listing))
    keys = None if groups is None else folder.group_keys(listing, groups)
    return _report_listing(listing, printable(name), keys, value_range)


def _report_listing(
    listing: Listing, name: str, keys: Sequence[str] | None, value_range: Any
) -> QualityReport:
    from course_utils.datasets import bit_depth, decoding

    jobs = [
        (image.file.id, image.split or "all", image.class_name, image.file.path)
        for image in listing.images
    ]
    splits = list(listing.splits) or ["all"]
    scales, unclear = bit_depth.scales_for(value_range), []
    if scales is None:
        extents = decoding.extents([image.file for image in listing.images])
        unclear = [extent for extent in extents.values() if extent.scale() is None]
        scales = {kind: one.scale() or one.span() for kind, one in extents.items()}
    pictures = read_all(jobs, partial(read_file, scales=scales), name, len(jobs))
    data = Collection(
        pictures,
        list(listing.class_names),
        splits,
        list(listing.loose),
        skipped=list(listing.skipped),
        unclear=unclear,
        groups=keys,
    )
    return examine(name, data)


def _report_dataset(dataset: ImageDataset, groups: Any = None) -> QualityReport:
    from course_utils.datasets import SPLITS, grouping

    def jobs() -> Iterator[tuple]:
        for split in SPLITS:
            ids, labels = dataset.ids(split), dataset.labels(split)
            for start in range(0, len(ids), 256):
                some = ids[start : start + 256]
                images = dataset.images(split, some)
                for k, image in enumerate(images):
                    name = dataset.class_names[int(labels[start + k])]
                    yield some[k], split, name, image

    splits = [split for split in SPLITS if dataset.ids(split)]
    total = sum(len(dataset.ids(split)) for split in splits)
    pictures = read_all(jobs(), read_array, dataset.name, total)
    keys = None
    if groups is not None:
        ids = [picture.id for picture in pictures]
        keys = grouping.keys(ids, list(map(Path, ids)), groups)
    data = Collection(pictures, list(dataset.class_names), splits, groups=keys)
    return examine(dataset.name, data)
