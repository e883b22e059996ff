"""The type that all loading functions return."""

from __future__ import annotations

import hashlib
import html
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.datasets._options import LoadOptions
from course_utils.datasets._splits import SPLITS
from course_utils.datasets.pipeline_options import run_as_written
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    import pandas as pd
    import tensorflow as tf

    from course_utils.datasets._cache import Pixels


_ALIGNMENT = 64  # bytes; TensorFlow shares only memory that begins at a multiple of it


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Return an uninitialized uint8 array whose memory TensorFlow can share."""
    size = int(np.prod(shape, dtype=np.int64))
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].reshape(shape)


class PixelStore:
    """Decoded images of a source, shared by all datasets that are made from it.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, height, width, channels)
        All images, in memory or mapped from a file.
    digests : sequence of str, length N
        Digest of the content of each image.
    """

    def __init__(self, images: np.ndarray, digests: Sequence[str]) -> None:
        self._images = images
        self.digests = tuple(digests)

    @property
    def images(self) -> np.ndarray:
        """All images, read-only."""
        view = self._images.view()
        view.flags.writeable = False
        return view

    @cached_property
    def tensor(self) -> tf.Tensor:
        """All images as a tensor on the CPU, without a copy where that is possible.

        TensorFlow shares memory that begins at a multiple of 64 bytes, as mapped files and arrays
        of :func:`aligned` do. It would crash on other memory, which is copied instead.
        """
        import tensorflow as tf

        images = np.asarray(self._images)
        shareable = images.flags.c_contiguous and images.flags.writeable
        with tf.device("CPU:0"):
            if shareable and images.ctypes.data % _ALIGNMENT == 0:
                return tf.experimental.dlpack.from_dlpack(images.__dlpack__())
            return tf.constant(images)


@dataclass(frozen=True)
class Part:
    """Images of one split: their ids, their rows in the store, and their class indices."""

    ids: tuple[str, ...]
    rows: np.ndarray
    labels: np.ndarray

    def take(self, positions: np.ndarray) -> Part:
        """Return the images at `positions`."""
        return Part(
            tuple(self.ids[i] for i in positions), self.rows[positions], self.labels[positions]
        )


@dataclass(frozen=True, repr=False, eq=False)
class ImageDataset:
    """Labeled images, divided into training, validation and test.

    ``train``, ``validation`` and ``test`` are ``tf.data.Dataset`` objects that yield batches of
    images, float32 in 0-255 with shape (batch, height, width, channels), and of class indices,
    int32 with shape (batch,). The training split has a new order in each epoch, which depends only
    on `seed`; the others are always in the order of :meth:`ids`. Lesson 02 builds such a
    pipeline step by step.

    Attributes
    ----------
    name : str
        Name of the dataset.
    class_names : tuple of str
        Names of the classes; a label is a position in it.
    image_size : tuple of int
        Height and width in pixels.
    channels : int
        3 for RGB, 1 for grayscale.
    batch_size : int
        Images per batch (the last batch of an epoch may be smaller).
    seed : int
        Seed of the order of the training images and, where the source has no splits of its own,
        of the random splits.
    title : str
        Description in a few words.
    license : str
        License of the images.
    source : str
        The name of a known dataset, or the path of a folder, with which ``datasets.load`` loads the
        same images again, for example at another size. Empty if the dataset was made in another
        way.
    """

    name: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    channels: int
    batch_size: int
    seed: int
    title: str = ""
    license: str = ""
    source: str = ""
    _store: PixelStore = field(kw_only=True)
    _parts: Mapping[str, Part] = field(kw_only=True)

    # --- what it holds ---------------------------------------------------------------------

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one image: (height, width, channels)."""
        return (*self.image_size, self.channels)

    def ids(self, split: str) -> tuple[str, ...]:
        """Return the ids of the images of a split, always in the same order.

        An id is the path of the file relative to the dataset's folder, with ``/``, or a number
        where the source has no files.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            The split.

        Returns
        -------
        tuple of str
        """
        return self._part(split).ids

    def labels(self, split: str) -> np.ndarray:
        """Return the class indices of a split, in the order of :meth:`ids`.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            The split.

        Returns
        -------
        ndarray of int32, shape (N,)
        """
        return self._part(split).labels.copy()

    def images(self, split: str, ids: Iterable[str] | None = None) -> np.ndarray:
        """Return the images of a split, in the order of :meth:`ids`, or those named by `ids`.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            The split.
        ids : iterable of str, optional
            Only these images, in this order.

        Returns
        -------
        ndarray of uint8, shape (N, height, width, channels)
            Read-only, 0-255. Where the images are consecutive it is a view that takes no memory.

        Raises
        ------
        InvalidInput
            If the split or an id is unknown, or if enlarged images do not fit into memory.
        """
        part = self._part(split)
        if ids is not None:
            part = part.take(self._positions(split, ids))
        rows, images = part.rows, self._store.images
        consecutive = len(rows) > 0 and bool(np.all(np.diff(rows) == 1))
        chosen = images[rows[0] : rows[-1] + 1] if consecutive else images[rows]
        if chosen.shape[1:3] != self.image_size:
            chosen = self._enlarged(chosen, split)
        chosen.flags.writeable = False
        return chosen

    def _enlarged(self, images: np.ndarray, split: str) -> np.ndarray:
        import psutil
        import tensorflow as tf

        size = len(images) * int(np.prod(self.input_shape))
        if size > psutil.virtual_memory().available // 2:
            raise InvalidInput(
                f"The {split} images of {self.name} at {self.image_size[0]}×{self.image_size[1]} "
                f"take {size / 1e9:.1f} GB of memory, too much here; take them batch by batch from "
                f"ordered({split!r}), name a few ids, or choose a smaller image_size."
            )
        result = np.empty((len(images), *self.input_shape), np.uint8)
        for start in range(0, len(images), 256):
            batch = tf.image.resize(images[start : start + 256], self.image_size)
            result[start : start + 256] = np.clip(np.round(batch.numpy()), 0, 255)
        return result

    def describe(self) -> pd.DataFrame:
        """Return the number of images of each class in each split.

        Returns
        -------
        DataFrame
            One row per class and one for the total; columns train, validation, test and total.
        """
        import pandas as pd

        counts = {
            split: np.bincount(self._parts[split].labels, minlength=self.num_classes)
            for split in SPLITS
        }
        table = pd.DataFrame(counts, index=pd.Index(self.class_names, name="class"))
        table["total"] = table.sum(axis=1)
        table.loc["total"] = table.sum(axis=0)
        return table

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything that training on this dataset depends on.

        It covers the content of the images, their ids and labels, the splits, the class names,
        the image size, the batch size and the seed.
        """
        return self.fingerprint_of(SPLITS)

    def fingerprint_of(self, splits: Iterable[str]) -> str:
        """Return the digest as in :attr:`fingerprint`, of some splits only.

        Parameters
        ----------
        splits : iterable of str
            ``"train"``, ``"validation"`` or ``"test"``.
        """
        digest = hashlib.blake2b(digest_size=16)
        head = (self.class_names, self.input_shape, self.batch_size, self.seed)
        digest.update(repr(head).encode())
        for split in splits:
            part = self._parts[split]
            digest.update(f"\n{split}\n".encode())
            for id_, row, label in zip(part.ids, part.rows, part.labels, strict=True):
                digest.update(f"{id_!a} {self._store.digests[row]} {label}\n".encode())
        return digest.hexdigest()

    # --- batches ---------------------------------------------------------------------------

    @cached_property
    def train(self) -> tf.data.Dataset:
        """Batches of the training images, in a new order in each epoch."""
        return self.shuffled()

    @cached_property
    def validation(self) -> tf.data.Dataset:
        """Batches of the validation images, always in the same order."""
        return self.ordered("validation")

    @cached_property
    def test(self) -> tf.data.Dataset:
        """Batches of the test images, always in the same order."""
        return self.ordered("test")

    def shuffled(self, first_epoch: int = 0, as_stored: bool = False) -> tf.data.Dataset:
        """Return batches of the training images in a new order in each epoch.

        The order in epoch *e* depends only on the dataset's seed and *e*. Each call returns a
        pipeline with a counter of its own, so two trainings that each call ``shuffled()`` see the
        same orders, and an interrupted training can resume with the epoch where it stopped.

        Parameters
        ----------
        first_epoch : int
            Number of the epoch whose order comes first.
        as_stored : bool
            Return the pixels as uint8, as they are stored, which is a quarter of the memory to
            move. Images that are enlarged are float32 in any case.

        Returns
        -------
        tf.data.Dataset
            Of (pixels (batch, height, width, channels), float32 or, `as_stored`, uint8; class
            indices int32 (batch,)).
        """
        import tensorflow as tf

        number, seed = len(self._parts["train"].ids), self.seed
        epochs = itertools.count(first_epoch)

        def next_order() -> np.ndarray:
            return np.random.default_rng([seed, next(epochs)]).permutation(number)

        def positions(_) -> tf.data.Dataset:
            order = tf.numpy_function(next_order, [], tf.int64)
            return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (number,)))

        return self._batches("train", tf.data.Dataset.range(1).flat_map(positions), as_stored)

    def ordered(self, split: str) -> tf.data.Dataset:
        """Return batches of a split in the order of :meth:`ids`, unshuffled.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            The split.

        Returns
        -------
        tf.data.Dataset
            Of (float32 (batch, height, width, channels), int32 (batch,)).
        """
        import tensorflow as tf

        return self._batches(split, tf.data.Dataset.range(len(self._part(split).ids)))

    def _batches(
        self, split: str, positions: tf.data.Dataset, as_stored: bool = False
    ) -> tf.data.Dataset:
        import tensorflow as tf

        part, images = self._part(split), self._store.tensor
        with tf.device("CPU:0"):
            rows, labels = tf.constant(part.rows), tf.constant(part.labels)
        enlarge = tuple(images.shape[1:3]) != self.image_size

        def load(position):
            batch = tf.gather(images, tf.gather(rows, position))
            if enlarge:
                batch = tf.image.resize(tf.cast(batch, tf.float32), self.image_size)
            elif not as_stored:
                batch = tf.cast(batch, tf.float32)
            return batch, tf.gather(labels, position)

        number = -(-len(part.ids) // self.batch_size)
        return run_as_written(
            positions.batch(self.batch_size)
            .map(load, num_parallel_calls=tf.data.AUTOTUNE)
            .apply(tf.data.experimental.assert_cardinality(number))
            .prefetch(tf.data.AUTOTUNE)
        )

    # --- other datasets made from it -------------------------------------------------------

    def without(self, ids: Iterable[str]) -> ImageDataset:
        """Return the dataset without some images, for example unusable ones.

        Parameters
        ----------
        ids : iterable of str
            Ids of the images to leave out, from any split.

        Returns
        -------
        ImageDataset

        Raises
        ------
        InvalidInput
            If an id is unknown, a class would have no training images, or a split would be empty.
        """
        gone = set(self._known_ids(ids))
        parts = {}
        for split, part in self._parts.items():
            keep = np.array([i for i, one in enumerate(part.ids) if one not in gone], np.int64)
            parts[split] = part.take(keep)
            lost = np.setdiff1d(part.labels, parts[split].labels)
            if len(lost) and (split == "train" or not len(keep)):
                names = validate.some_of([self.class_names[label] for label in lost])
                raise InvalidInput(
                    f"Without these images the {split} split has none of {names} any more; "
                    f"leave some in, or take the whole class away with subset(classes=...)."
                )
        return replace(self, _parts=parts)

    def with_labels(self, classes: Mapping[str, str | int]) -> ImageDataset:
        """Return the dataset with other classes for some images, for example corrected ones.

        Parameters
        ----------
        classes : mapping of id to class
            The new class of each of these images, by name or index.

        Returns
        -------
        ImageDataset

        Raises
        ------
        InvalidInput
            If an id or a class is unknown.
        """
        names = self._known_ids(classes)
        new = {id_: self._label(given) for id_, given in zip(names, classes.values(), strict=True)}
        parts = {}
        for split, part in self._parts.items():
            labels = np.array(
                [new.get(id_, label) for id_, label in zip(part.ids, part.labels, strict=True)],
                np.int32,
            )
            parts[split] = replace(part, labels=labels)
        return replace(self, _parts=parts)

    def subset(
        self,
        classes: Iterable[str] | None = None,
        per_class: int | Mapping[str, int] | None = None,
        seed: int | None = None,
    ) -> ImageDataset:
        """Return a smaller dataset: some of the classes, or fewer images of each.

        Parameters
        ----------
        classes : iterable of str, optional
            Names of the classes to keep; they get new indices in this order.
        per_class : int or mapping of split to int, optional
            Largest number of images of each class, in each split or in the splits named.
        seed : int, optional
            Seed for the choice of images; by default the dataset's seed. A larger `per_class` with
            the same seed keeps the images of a smaller one.

        Returns
        -------
        ImageDataset

        Raises
        ------
        InvalidInput
            If a class or split is unknown, or a number is not a whole number of at least 1.
        """
        if isinstance(classes, str):
            classes = (classes,)
        names = self.class_names if classes is None else tuple(classes)
        kept = [self._label(name) for name in names]
        if not kept or len(set(kept)) != len(kept):
            raise InvalidInput(
                f"classes is {list(names)!r}, but it must name at least one class, each once."
            )
        limits = per_class if isinstance(per_class, Mapping) else dict.fromkeys(SPLITS, per_class)
        for split, limit in limits.items():
            self._part(split)
            if limit is not None:
                validate.whole_number("per_class", limit, 1, example=100)
        number = self.seed if seed is None else validate.seed(seed)
        parts = {}
        new_label = np.full(self.num_classes, -1, np.int32)
        new_label[kept] = np.arange(len(kept), dtype=np.int32)
        for at, (split, part) in enumerate(self._parts.items()):
            positions = []
            for label in kept:
                of_class = np.flatnonzero(part.labels == label)
                order = np.random.default_rng([number, at, label]).permutation(len(of_class))
                positions.append(of_class[np.sort(order[: limits.get(split)])])
            smaller = part.take(np.sort(np.concatenate(positions)))
            parts[split] = replace(smaller, labels=new_label[smaller.labels])
        return replace(self, class_names=tuple(self.class_names[i] for i in kept), _parts=parts)

    # --- looking things up -----------------------------------------------------------------

    def _part(self, split: str) -> Part:
        if split not in self._parts:
            raise InvalidInput(
                f"There is no split {split!r}; the splits are {', '.join(SPLITS)}"
                f"{validate.nearest(str(split), SPLITS)}."
            )
        return self._parts[split]

    @cached_property
    def _places(self) -> dict[str, tuple[str, int]]:
        return {
            id_: (split, at)
            for split, part in self._parts.items()
            for at, id_ in enumerate(part.ids)
        }

    def _known_ids(self, ids: Iterable[str]) -> list[str]:
        wanted = [ids] if isinstance(ids, str) else [str(id_) for id_ in ids]
        for wanted_id in wanted:
            if wanted_id not in self._places:
                file = wanted_id.rsplit("/", 1)[-1]
                same = [id_ for id_ in self._places if id_.rsplit("/", 1)[-1] == file]
                likely = itertools.islice(same or self._places, 2000)  # more would take seconds
                raise InvalidInput(
                    f"{self.name} has no image with the id {wanted_id!r}"
                    f"{validate.nearest(wanted_id, likely)}; ids(split) lists them."
                )
        return wanted

    def _positions(self, split: str, ids: Iterable[str]) -> np.ndarray:
        positions = []
        for id_ in self._known_ids(ids):
            where, position = self._places[id_]
            if where != split:
                raise InvalidInput(f"{id_!r} is in the {where} split, not in {split}.")
            positions.append(position)
        return np.array(positions, np.int64)

    def _label(self, given: str | int) -> int:
        if validate.is_whole(given) and 0 <= int(given) < self.num_classes:
            return int(given)
        if given in self.class_names:
            return self.class_names.index(given)  # type: ignore[arg-type]
        raise InvalidInput(
            f"{self.name} has no class {given!r}; its classes are "
            f"{validate.some_of(self.class_names, 20)}"
            f"{validate.nearest(str(given), self.class_names)}."
        )

    # --- display ---------------------------------------------------------------------------

    def _headline(self) -> str:
        total = sum(len(part.ids) for part in self._parts.values())
        return (
            f"{self.name}: {total:,} images of {self.num_classes} "
            f"class{'es' * (self.num_classes != 1)}, "
            f"{self.image_size[0]}×{self.image_size[1]}×{self.channels}"
        )

    def __repr__(self) -> str:
        lines = [self._headline()]
        lines += [f"  {split:<11}{len(self._parts[split].ids):>7,}" for split in SPLITS]
        lines.append(f"  classes: {validate.some_of(self.class_names, 12)}")
        if self.license:
            lines.append(f"  license: {self.license}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{split}</th><td>{len(self._parts[split].ids):,}</td></tr>" for split in SPLITS
        )
        shown = f"<p>License: {html.escape(self.license)}</p>" if self.license else ""
        classes = html.escape(validate.some_of(self.class_names, 12))
        return (
            f"<p><b>{html.escape(self._headline())}</b></p><table>{rows}</table>"
            f"<p>Classes: {classes}</p>{shown}"
        )


def make_dataset(
    pixels: Pixels,
    ids: Sequence[str],
    labels: np.ndarray,
    rows: Mapping[str, np.ndarray],
    options: LoadOptions,
    **about: Any,
) -> ImageDataset:
    """Make a dataset of decoded images.

    Parameters
    ----------
    pixels : Pixels
        The decoded images, one row each.
    ids : sequence of str
        Id of each row.
    labels : ndarray of int32, shape (N,)
        Class index of each row.
    rows : mapping of split to ndarray of int64
        The rows of each split.
    options : LoadOptions
        Image size, channels, batch size and seed.
    **about
        The other attributes of :class:`ImageDataset`: `name`, `class_names`, `title`, `license`.

    Returns
    -------
    ImageDataset
    """
    parts = {
        split: Part(tuple(ids[i] for i in rows[split]), rows[split], labels[rows[split]])
        for split in SPLITS
    }
    return ImageDataset(
        image_size=options.image_size,
        channels=options.channels,
        batch_size=options.batch_size,
        seed=options.seed,
        _store=PixelStore(pixels.images, pixels.digests),
        _parts=parts,
        **about,
    )
