"""Predict the classes of images: :class:`Predictions`, and the functions that make them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.exceptions import InvalidInput
from course_utils.models import check_pixels, last_activation, without_tracing_warning

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from course_utils.datasets import ImageDataset

UNKNOWN = -1  #: the label of an image whose true class is not known


def softmax(logits: Any) -> np.ndarray:
    """Turn logits into probabilities: ``exp(logit) / sum of exp(logits)``, row by row.

    The largest logit of a row is subtracted first. That does not change the result, and no
    exponential can overflow.

    First met in lesson 03, used as confidence in lesson 05.

    Parameters
    ----------
    logits : array (..., classes)

    Returns
    -------
    np.ndarray
        float64 of the same shape; each row adds up to 1.

    Raises
    ------
    InvalidInput
        If there is no class axis or a value is NaN.

    References
    ----------
    Goodfellow, Bengio and Courville (2016), Deep Learning, sections 4.1 and 6.2.2.3.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise InvalidInput("softmax needs one logit per class, but it was given none.")
    if np.isnan(values).any():
        raise InvalidInput("softmax was given logits that are not numbers (NaN).")
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The class probabilities of each image of a split, with the true labels.

    Attributes
    ----------
    ids : tuple of str
        Names of the images, such as paths; all other attributes have the same order.
    images : np.ndarray
        uint8 (N, H, W, C), 0 to 255. Loaded from the dataset on first use, as a view of its pixels
        where possible. (The constructor also accepts a function that returns the array.)
    labels : np.ndarray
        int32 (N,): the true classes, -1 where unknown.
    probabilities : np.ndarray
        float32 (N, classes); each row adds up to 1.
    class_names : tuple of str
    head : str
        How the model's outputs were interpreted: logits, softmax or sigmoid probabilities.
    logits : np.ndarray or None
        float32 (N, classes): the model's outputs before softmax, where it returns logits.

    Raises
    ------
    InvalidInput
        If the parts do not fit together.
    """

    ids: tuple[str, ...]
    images: Any = field(repr=False)
    labels: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    head: str = "probabilities"
    logits: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        labels = _int_labels(self.labels)
        probabilities = np.asarray(self.probabilities, dtype=np.float32)
        vars(self).update(  # the attributes of a frozen dataclass cannot be assigned
            ids=tuple(self.ids),
            class_names=tuple(self.class_names),
            labels=labels,
            probabilities=probabilities,
        )
        count, classes = len(self.ids), len(self.class_names)
        if probabilities.shape != (count, classes):
            raise InvalidInput(
                f"For {count} images and {classes} classes the probabilities must have the shape "
                f"({count}, {classes}), but they have {probabilities.shape}."
            )
        if callable(self.images):
            vars(self)["_load_images"] = vars(self).pop("images")
        elif len(self.images) != count:
            raise InvalidInput(f"There are {count} ids but {len(self.images)} images.")
        if len(labels) != count:
            raise InvalidInput(f"There are {count} ids but {len(labels)} labels.")
        if np.isnan(probabilities).any():
            raise InvalidInput("Some probabilities are not numbers (NaN).")
        sums = probabilities.sum(axis=1)
        if count and (probabilities.min() < 0 or np.abs(sums - 1).max() > 1e-2):
            raise InvalidInput(
                "The rows of the probabilities do not add up to 1, so they may be logits; "
                "give evaluation.softmax(logits)."
            )
        if count and labels.max() >= classes:
            raise InvalidInput(
                f"There is a label {labels.max()}, but only {classes} classes "
                f"(labels 0 to {classes - 1})."
            )

    def __getattr__(self, name: str) -> Any:
        # Python calls this for `images` only until they have been loaded.
        if name == "images" and "_load_images" in vars(self):
            vars(self)["images"] = self._load_images()
            return self.images
        raise AttributeError(f"Predictions has no {name!r}")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        result = f"accuracy {self.accuracy:.3f}" if self._all_labeled() else "labels unknown"
        return (
            f"Predictions: {len(self)} images, {len(self.class_names)} classes, {result}; "
            f"the model's outputs were taken as {self.head}"
        )

    def _all_labeled(self) -> bool:
        return bool((self.labels != UNKNOWN).all())

    def require_labels(self, what: str) -> None:
        """Check that there are predictions and that all their labels are known.

        Parameters
        ----------
        what : str
            What is computed from the labels, for the message.

        Raises
        ------
        InvalidInput
            If there are no predictions, or labels are unknown.
        """
        if not len(self):
            raise InvalidInput(f"There are no predictions, so there is no {what}.")
        if not self._all_labeled():
            raise InvalidInput(
                f"The true classes of these images are unknown, so there is no {what}; "
                f"pass labels= to predict_images."
            )

    @property
    def predicted(self) -> np.ndarray:
        """int32 (N,): the class with the highest probability (of equal ones the first)."""
        return self.probabilities.argmax(axis=1).astype(np.int32)

    @property
    def confidence(self) -> np.ndarray:
        """float32 (N,): the probability of the predicted class."""
        return self.probabilities.max(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """Bool (N,): whether the prediction is the true class."""
        self.require_labels("right or wrong")
        return self.predicted == self.labels

    @property
    def accuracy(self) -> float:
        """Share of the images whose predicted class is the true one."""
        self.require_labels("accuracy")
        return float(self.correct.mean())

    def select(self, which: Any) -> Predictions:
        """Return the predictions of some of the images.

        Parameters
        ----------
        which : bool (N,) or sequence of int
            A mask, or positions in the wanted order.

        Returns
        -------
        Predictions
        """
        chosen = np.asarray(which)
        if chosen.dtype == bool and len(chosen) != len(self):
            raise InvalidInput(f"The mask has {len(chosen)} entries for {len(self)} images.")
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(int)
        return Predictions(
            ids=tuple(self.ids[i] for i in places),
            images=lambda: self.images[places],
            labels=self.labels[places],
            probabilities=self.probabilities[places],
            class_names=self.class_names,
            head=self.head,
            logits=None if self.logits is None else self.logits[places],
        )

    def to_frame(self, probabilities: bool = False) -> pd.DataFrame:
        """Return a table with a row per image.

        Parameters
        ----------
        probabilities : bool
            Whether to add a column ``p(class)`` for every class.

        Returns
        -------
        pandas.DataFrame
            Columns id, true, predicted, confidence, correct (true and correct only where the
            labels are known).
        """
        import pandas as pd

        names = np.array(self.class_names, dtype=object)
        columns: dict[str, Any] = {"id": self.ids}
        if self._all_labeled():
            columns["true"] = names[self.labels]
        columns["predicted"] = names[self.predicted]
        columns["confidence"] = self.confidence
        if self._all_labeled():
            columns["correct"] = self.predicted == self.labels
        frame = pd.DataFrame(columns)
        if probabilities:
            for i, name in enumerate(self.class_names):
                frame[f"p({name})"] = self.probabilities[:, i]
        return frame


def predict(
    model: keras.Model,
    dataset: Any,
    split: str = "test",
    *,
    class_names: Sequence[str] | None = None,
    batch_size: int = 32,
) -> Predictions:
    """Predict every image of a split, in one pass that keeps images and labels together.

    Labels and outputs are collected batch by batch. Two passes over a shuffled dataset, one for the
    labels and one for the outputs, would pair them wrongly, as lesson 05 shows.

    First met in lesson 05.

    Parameters
    ----------
    model : keras.Model
        Returns logits, softmax probabilities, or (for two classes) one logit or sigmoid. Which of
        them is inferred from its last layer, else from the outputs; see `Predictions.head`.
    dataset : ImageDataset, tf.data.Dataset, or (images, labels)
        A tf.data.Dataset has batches of (images, int labels); the predictions have the order of
        this pass. Arrays are (N, H, W, C) and (N,).
    split : {"test", "validation", "train"}
        The split of an ImageDataset; ignored otherwise.
    class_names : sequence of str, optional
        For datasets without class names.
    batch_size : int
        Images per batch; for arrays only.

    Returns
    -------
    Predictions

    Raises
    ------
    InvalidInput
        If the number of outputs is not the number of classes, the size or channels of the images
        do not match the model's input, labels are neither class indices nor one-hot, pixels in
        0 to 1 would be rescaled again by the model, or outputs are NaN.
    """
    source = _Source.of(dataset, split, class_names, batch_size)
    _check_outputs(model, source.class_names)

    outputs: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    images: list[np.ndarray] = []
    for batch, batch_labels in source.batches:
        if not outputs:
            _check_images(model, batch)
        with without_tracing_warning():
            outputs.append(np.asarray(model.predict_on_batch(batch), dtype=np.float32))
        if batch_labels is not None:
            labels.append(_int_labels(batch_labels))
            if len(labels[-1]) != len(outputs[-1]):
                raise InvalidInput(
                    f"A batch has {len(outputs[-1])} images but {len(labels[-1])} labels."
                )
        if source.images is None:
            images.append(_as_uint8(batch))
    if not outputs:
        raise InvalidInput("There is no image to predict: the dataset is empty.")

    return interpret_outputs(
        np.concatenate(outputs),
        last_activation(model),
        source.class_names,
        images=source.images if source.images is not None else np.concatenate(images),
        ids=source.ids,
        labels=np.concatenate(labels) if labels else None,
    )


def interpret_outputs(
    outputs: Any,
    activation: str | None,
    class_names: Sequence[str] | None = None,
    *,
    images: Any,
    ids: Sequence[str] | None = None,
    labels: Any = None,
) -> Predictions:
    """Turn the outputs of a model into predictions.

    :func:`predict` and the web service both interpret outputs with it, so they answer alike.

    Parameters
    ----------
    outputs : array (N, units)
        Logits, softmax probabilities, or (for two classes) one logit or sigmoid.
    activation : str or None
        Name of the model's last activation, see :func:`course_utils.models.last_activation`. If it
        does not tell, outputs that add up to 1, or one output from 0 to 1, are probabilities.
    class_names : sequence of str, optional
        By default "0", "1", …
    images : array (N, H, W, C)
        The images, uint8, or a function that returns them.
    ids : sequence of str, optional
        By default "0", "1", …
    labels : array (N,), optional
        The true classes, if known.

    Returns
    -------
    Predictions

    Raises
    ------
    InvalidInput
        If there are no outputs, they are NaN or infinite, their number is not the number of
        classes, or they are one sigmoid for each of several classes.
    """
    raw = np.asarray(outputs, dtype=np.float32)
    _check_scores(raw.shape, class_names)
    if not raw.size:
        raise InvalidInput(f"There are no outputs to interpret: their shape is {raw.shape}.")
    bad = int((~np.isfinite(raw)).any(axis=1).sum())
    if bad:
        raise InvalidInput(
            f"The model's outputs are not numbers (NaN or infinity) for {bad} of {len(raw)} "
            f"images; the training diverged: train it again with a smaller learning rate."
        )
    probabilities, logits, head = _probabilities(raw, activation)
    return Predictions(
        ids=_numbered(len(raw)) if ids is None else tuple(ids),
        images=images,
        labels=np.full(len(raw), UNKNOWN) if labels is None else labels,
        probabilities=probabilities,
        class_names=tuple(class_names or _numbered(probabilities.shape[1])),
        head=head,
        logits=logits,
    )


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(i) for i in range(count))


def predict_images(
    model: keras.Model,
    images: Any,
    class_names: Sequence[str],
    labels: Sequence[int] | None = None,
    value_range: tuple[float, float] | None = None,
) -> Predictions:
    """Predict new images: files, arrays or pictures in memory.

    Images are read by :func:`course_utils.datasets.decode`, like the files of a dataset: rotated by
    their EXIF orientation, transparency on white, converted to the channels and resized to the
    input size of the model; pixels stay 0 to 255. Lesson 05 writes these steps out.

    Parameters
    ----------
    model : keras.Model
    images : path, bytes, binary file object, PIL picture, array (H, W, C), or a list of them
        Image files or their content, or images of any size with pixels 0 to 255.
    class_names : sequence of str
        In the order of the model's outputs.
    labels : sequence of int, optional
        The true classes, if known.
    value_range : (low, high), optional
        For images with more than 8 bits: the values of black and white, the same as when the
        training images were loaded.

    Returns
    -------
    Predictions
        The ids are the paths, or "image 0", "image 1", … for images without a path.

    Raises
    ------
    MissingData
        If a file does not exist.
    InvalidInput
        If an image cannot be read, has no pixels or an unclear range of values, or does not fit the
        model.
    """
    from course_utils import datasets

    items = [images] if _is_one_image(images) else list(images)
    if not items:
        raise InvalidInput("There is no image to predict: the list is empty.")
    height, width, channels = _input_shape(model)
    if channels is not None and channels not in (1, 3):
        raise InvalidInput(
            f"The model takes {channels} channels, but pictures have 1 (grayscale) or 3 (RGB)."
        )
    if height is None or width is None or channels is None:
        raise InvalidInput(
            "The model does not say which image size it takes; give it an Input layer, for example "
            "keras.Input((128, 128, 3))."
        )
    pictures = np.stack(
        [datasets.decode(item, (height, width), channels, value_range) for item in items]
    )
    known = None if labels is None else np.asarray(labels)
    source = _Source(
        batches=_slices(pictures, known, 32),
        ids=tuple(
            str(item) if isinstance(item, (str, Path)) else f"image {i}"
            for i, item in enumerate(items)
        ),
        images=pictures,
        class_names=tuple(class_names),
    )
    return predict(model, source)


def out_of_fold(
    build: Callable[[], keras.Model],
    dataset: ImageDataset,
    folds: int = 5,
    epochs: int = 10,
    *,
    seed: int | None = None,
    **fit_arguments: Any,
) -> Predictions:
    """Predict every training image with a model that was not trained on it (cross-validation).

    The training split is divided into `folds` stratified parts. For each part a new model is
    trained on the other parts and predicts this one. Lesson 06 finds wrong labels with it.

    Parameters
    ----------
    build : callable
        Returns a new, untrained model.
    dataset : ImageDataset
    folds : int
        At least 2, at most the number of training images of the smallest class.
    epochs : int
        Epochs of each training.
    seed : int, optional
        Seed of the folds and of the models; by default ``settings.seed()``.
    **fit_arguments
        Arguments of :func:`course_utils.training.fit`. Validation after each epoch is skipped to
        save time, unless `patience`, the schedule "plateau" or `callbacks` may need it.

    Returns
    -------
    Predictions
        Of the training split, in the order of ``dataset.ids("train")``.

    Raises
    ------
    InvalidInput
        If `folds` is below 2, or above the number of images of the smallest class.
    """
    import keras
    from sklearn.model_selection import StratifiedKFold

    from course_utils import training

    ids, labels = dataset.ids("train"), dataset.labels("train")
    counts = np.bincount(labels, minlength=len(dataset.class_names))
    folds = validate.whole_number("folds", folds, 2, example=5)
    if counts.min() < folds:
        smallest = dataset.class_names[int(counts.argmin())]
        raise InvalidInput(
            f"The class {smallest!r} has {counts.min()} training images, too few for {folds} "
            f"folds; take fewer folds or more images."
        )
    seed = validate.seed(seed)
    fit_arguments.setdefault("verbose", 0)
    # These curves are not shown: validate only where early stopping or a callback needs it.
    fit_arguments.setdefault(
        "validate",
        fit_arguments.get("patience") is not None
        or fit_arguments.get("schedule") == "plateau"
        or bool(fit_arguments.get("callbacks")),
    )
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    images = dataset.images("train")
    parts = []
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(ids)), labels)):
        keras.utils.set_random_seed(seed + fold)
        model = build()
        others = dataset.without([ids[i] for i in held_out])
        training.fit(model, others, epochs, seed=seed + fold, **fit_arguments)
        data = (images[held_out], labels[held_out])
        parts.append((held_out, predict(model, data, class_names=dataset.class_names)))

    order = np.argsort(np.concatenate([held_out for held_out, _ in parts]))
    logits = [found.logits for _, found in parts if found.logits is not None]
    return Predictions(
        ids,
        images,
        labels,
        np.concatenate([found.probabilities for _, found in parts])[order],
        dataset.class_names,
        head=parts[-1][1].head,
        logits=np.concatenate(logits)[order] if len(logits) == folds else None,
    )


def _is_one_image(images: Any) -> bool:
    """Return whether the argument is a single image, not several."""
    return (
        isinstance(images, (str, Path, bytes, bytearray, memoryview, Mapping))
        or callable(getattr(images, "read", None))  # an open file
        or getattr(images, "ndim", 0) in (2, 3)
        or not isinstance(images, Iterable)  # a PIL image, or something that decode refuses
        or (isinstance(images, list) and bool(images) and _is_row_of_pixels(images[0]))
    )


def _is_row_of_pixels(item: Any) -> bool:
    """Return whether the item is a list of numbers, or of lists of numbers: a row of an image."""
    while isinstance(item, list) and item:
        item = item[0]
    return isinstance(item, (int, float, np.number))


@dataclass
class _Source:
    """Batches of (images, labels or None), with ids, uint8 images and class names if known."""

    batches: Iterable[tuple[Any, Any]]
    ids: tuple[str, ...] | None = None
    images: Any = None
    class_names: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, dataset: Any, split: str, class_names: Sequence[str] | None, batch_size: int
    ) -> _Source:
        if isinstance(dataset, cls):
            return dataset
        if hasattr(dataset, "ordered") and hasattr(dataset, "ids"):  # an ImageDataset
            return cls(
                batches=_pairs(dataset.ordered(split)),
                ids=tuple(dataset.ids(split)),
                images=lambda: dataset.images(split),
                class_names=tuple(dataset.class_names),
            )
        if class_names is None:
            class_names = getattr(dataset, "class_names", None)
        names = tuple(class_names) if class_names else None
        if isinstance(dataset, tuple) and len(dataset) == 2:
            images, labels = np.asarray(dataset[0]), np.asarray(dataset[1])
            if len(images) != len(labels):
                raise InvalidInput(f"There are {len(images)} images but {len(labels)} labels.")
            shown = images if images.dtype == np.uint8 else None
            return cls(_slices(images, labels, batch_size), images=shown, class_names=names)
        return cls(_pairs(_finite_batches(dataset)), class_names=names)


#: Limits for a dataset of unknown length, beyond which it is taken to be endless.
_MOST_BATCHES = 10_000
_MOST_BYTES = 2 * 2**30


def _finite_batches(dataset: Any) -> Iterable:
    """Return the batches of a dataset that is no ImageDataset; refuse an endless one."""
    if hasattr(dataset, "cardinality"):
        count = int(dataset.cardinality())
        if count == -1:
            raise InvalidInput(
                "The dataset never ends, because it was repeated; give it without .repeat(), or "
                "with .take(n)."
            )
        return dataset if count >= 0 else _limited(dataset)
    if hasattr(dataset, "num_batches") and hasattr(dataset, "__getitem__"):
        return _of_sequence(dataset)  # keras.utils.PyDataset
    if not isinstance(dataset, Iterable) or isinstance(dataset, (np.ndarray, str, bytes, Mapping)):
        raise InvalidInput(
            f"predict needs an ImageDataset, a tf.data.Dataset of batches of (images, labels), "
            f"or the two arrays (images, labels), but it was given {_kind(dataset)}."
        )
    if isinstance(dataset, Sized):
        return itertools.islice(dataset, len(dataset))
    if isinstance(dataset, Iterator):
        raise _unknown_length(
            dataset, "give a tf.data.Dataset with .take(n), or a list of n batches"
        )
    return _limited(dataset)


def _unknown_length(dataset: Any, advice: str) -> InvalidInput:
    return InvalidInput(
        f"The {type(dataset).__name__} does not say how many batches it has, and may never end; "
        f"{advice}."
    )


def _of_sequence(dataset: Any) -> Iterator:
    """Yield the batches of a Keras PyDataset, each once; its own iteration may never end."""
    try:
        count = dataset.num_batches
    except NotImplementedError:
        count = None
    if count is None or not np.isfinite(count):
        raise _unknown_length(dataset, "give it a method __len__ that returns their number")
    return (dataset[at] for at in range(int(count)))


def _limited(dataset: Iterable) -> Iterator:
    """Yield the batches of a dataset of unknown length; raise InvalidInput beyond the limits."""
    size = 0
    for number, element in enumerate(dataset):
        images = element[0] if isinstance(element, tuple) and element else None
        size += int(np.prod(getattr(images, "shape", (0,)), dtype=np.int64))
        if number >= _MOST_BATCHES or size > _MOST_BYTES:
            raise InvalidInput(
                f"The dataset does not say how many batches it has, and {number:,} batches have "
                f"come with no end in sight; if it never ends, take n of them with .take(n); if it "
                f"ends, give .apply(tf.data.experimental.assert_cardinality(n))."
            )
        yield element


def _kind(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _slices(images: np.ndarray, labels: Any, size: int) -> Iterator[tuple[Any, Any]]:
    """Yield batches of (float32 images, labels or None)."""
    for start in range(0, len(images), size):
        part = slice(start, start + size)
        yield images[part].astype(np.float32), None if labels is None else labels[part]


def _pairs(dataset: Iterable) -> Iterator[tuple[Any, Any]]:
    """Yield (images, labels) of each element, without sample weights."""
    for element in dataset:
        if not isinstance(element, tuple) or len(element) < 2:
            raise InvalidInput(
                "The dataset must give batches of (images, labels), but it gives "
                f"{_kind(element)} without labels."
            )
        yield element[0], element[1]


def _int_labels(labels: Any) -> np.ndarray:
    """Return class indices, int32 (N,), from indices (N,) or (N, 1) or one-hot rows."""
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all():
        array = array.argmax(axis=1)  # one-hot
    if array.ndim == 2:
        raise InvalidInput(
            f"The labels have the shape {array.shape}, but their rows are not one-hot (a single 1 "
            f"in each); give one whole number per image, the index of its class."
        )
    if array.ndim != 1:
        raise InvalidInput(f"The labels must have the shape (N,), but they have {array.shape}.")
    if array.dtype.kind not in "iufb" or (array != np.rint(array)).any():
        raise InvalidInput(
            f"The labels must be whole numbers, the indices of the classes, but they are of the "
            f"type {array.dtype}."
        )
    array = array.astype(np.int32)
    if array.size and array.min() < UNKNOWN:
        raise InvalidInput(f"There is a label {array.min()}, but labels begin at 0.")
    return array


def _as_uint8(images: Any) -> np.ndarray:
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def _input_shape(model: keras.Model) -> tuple[int | None, int | None, int | None]:
    """Return height, width and channels of the model's input, None where not fixed."""
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        return None, None, None
    return shape[1], shape[2], shape[3]


def _check_outputs(model: keras.Model, class_names: Sequence[str] | None) -> None:
    """Check before the first batch that the model returns a score for each class."""
    if not hasattr(model, "predict_on_batch"):
        raise InvalidInput(f"predict needs a Keras model, but it was given {_kind(model)}.")
    if getattr(model, "built", False) and (shape := getattr(model, "output_shape", None)):
        _check_scores(shape, class_names)


def _check_scores(shape: Any, class_names: Sequence[str] | None) -> None:
    """Check that outputs of this shape are scores (batch, classes)."""
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise InvalidInput(
            f"The model must give one row of class scores per image, of the shape "
            f"(batch, classes), but its output shape is {shape}."
        )
    width, classes = shape[1], len(class_names or ())
    if class_names is None or width in (None, classes) or (width, classes) == (1, 2):
        return
    shown = ", ".join(class_names[:5]) + (", …" if classes > 5 else "")
    raise InvalidInput(
        f"The model has {width} output{'s' * (width != 1)}, but the dataset has {classes} classes "
        f"({shown}); its last layer must be Dense({classes})."
    )


def _check_images(model: keras.Model, batch: Any) -> None:
    """Check that a batch of images has the shape and the range that the model takes."""
    shape = tuple(batch.shape)
    if len(shape) == 3:
        raise InvalidInput(
            f"The images come one by one, with the shape {shape}, but a model takes batches "
            f"(batch, height, width, channels); use dataset.batch(32)."
        )
    if len(shape) != 4:
        raise InvalidInput(
            f"A batch of images must have the shape (batch, height, width, channels), but it has "
            f"{shape}."
        )
    wanted = _input_shape(model)
    if any(w is not None and w != s for w, s in zip(wanted, shape[1:], strict=True)):
        size, have = (
            " × ".join("any" if n is None else str(n) for n in s) for s in (wanted, shape[1:])
        )
        raise InvalidInput(
            f"The images are {have} (height × width × channels), but the model takes {size}; load "
            f"the dataset with the model's image size, or build a model for these images."
        )
    check_pixels(model, np.asarray(batch))


def _probabilities(
    raw: np.ndarray, activation: str | None
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return probabilities, logits or None, and `head` of finite outputs (N, units)."""
    if raw.shape[1] == 1:
        if activation == "sigmoid" or (activation != "linear" and 0 <= raw.min() <= raw.max() <= 1):
            second = raw[:, 0].astype(np.float64)
            head = "the probability of the second class (sigmoid)"
            return np.stack([1 - second, second], axis=1), None, head
        logits = np.concatenate([np.zeros_like(raw), raw], axis=1)
        return softmax(logits), logits, "one logit for the second class (sigmoid applied)"
    if activation == "sigmoid":
        raise InvalidInput(
            "The model ends with a sigmoid for each class, so the classes do not exclude each "
            "other; for one class per image end with Dense(classes) and use the softmax."
        )
    sums_to_one = raw.min() >= 0 and np.abs(raw.sum(axis=1) - 1).max() < 1e-2
    if activation == "softmax" or sums_to_one:
        rows = raw.astype(np.float64)
        how = "its last activation" if activation == "softmax" else "its outputs add up to 1"
        return rows / rows.sum(axis=1, keepdims=True), None, f"probabilities (softmax: {how})"
    return softmax(raw), raw, "logits (softmax applied)"
