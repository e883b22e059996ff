"""Methods that colour an image by what mattered to the model."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tf_explain.core.grad_cam import GradCAM

from course_utils.exceptions import InvalidInput
from course_utils.explain._view import check_classes, check_images, check_model, flat_view, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from course_utils.explain._view import FlatView

Classes = int | np.ndarray | list[int] | None


def grad_cam(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    layer: str | keras.Layer | None = None,
    guided: bool = False,
    *,
    batch_size: int | None = None,
) -> np.ndarray:
    """Show where in each image a convolution finds what speaks for a class (Grad-CAM).

    The map of class c is ``ReLU(sum_k alpha_k A_k)``: the feature maps A_k of a convolution, each
    weighted with the mean over all positions of the gradient of the logit of c with respect to A_k;
    then enlarged (bilinearly) to the size of the images.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional. It is not changed.
    images : array (N, H, W, C)
        Pixels as the model takes them: 0-255 for the models of this course.
    classes : int or sequence of N ints, optional
        The class to be explained, one for all images or one for each. By default the class that
        the model predicts. A model with a single output unit has the classes 0 and 1.
    layer : str or Layer, optional
        Where; see `find_layer`.
    guided : bool
        Whether negative gradients, and gradients where a feature map is not positive, are set to
        zero first. This is what tf-explain does by default; it is not in the paper. Such maps
        hardly depend on the class.
    batch_size : int, optional
        How many images go through the model at a time; by default as many as have half a million
        pixels together (54 of 96 x 96), so that large models fit into the memory.

    Returns
    -------
    ndarray, float32 (N, H, W)
        At least 0 and not normalised, so that maps of one layer can be compared. A map that is zero
        everywhere means that nothing in the layer speaks for the class.

    Raises
    ------
    InvalidInput
        If the model is not built or subclassed, has no such layer or several, has no such class,
        or does not take such images.

    References
    ----------
    Selvaraju et al. (2017), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", equations 1 and 2. https://arxiv.org/abs/1610.02391

    Notes
    -----
    tf-explain computes the gradients and the weighted sum, on a flat view of the model, with the
    logits instead of probabilities (behind a softmax the gradients of a confident prediction
    vanish). The ReLU of the paper, which tf-explain leaves out, is applied here. Lesson 07 first
    writes the formula out.

    Examples
    --------
    >>> from course_utils.models import small_cnn
    >>> model = small_cnn((32, 32, 3), 5)
    >>> images = np.zeros((4, 32, 32, 3), dtype=np.uint8)
    >>> grad_cam(model, images).shape
    (4, 32, 32)
    """
    batch, view, wanted = _prepare(model, images, classes)
    target = resolve(view, layer)
    score_model, score = view.score_model(target)
    layer_name = view.uses[target].name_in_view
    maps = np.zeros(batch.shape[:3], dtype="float32")
    for part in _parts(batch, batch_size):
        score.classes = None if wanted is None else wanted[part]
        with warnings.catch_warnings():
            # tf-explain nests the list of inputs once more than Keras 3 expects.
            warnings.filterwarnings("ignore", message="The structure of `inputs`")
            feature_maps, gradients = GradCAM.get_gradients_and_filters(
                score_model, batch[part], layer_name, 0, use_guided_grads=guided
            )
        weighted = tf.stack(GradCAM.generate_ponderated_output(feature_maps, gradients))
        maps[part] = _enlarge(tf.nn.relu(weighted), batch.shape[1:3])
    return maps


def saliency(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    batch_size: int | None = None,
) -> np.ndarray:
    """Show how strongly the logit of a class depends on each pixel (size of the gradient).

    Parameters
    ----------
    model, images, classes, batch_size
        As for `grad_cam`.

    Returns
    -------
    ndarray, float32 (N, H, W)
        At least 0, in logits per pixel value; of a pixel's channels, the largest counts.

    Raises
    ------
    InvalidInput
        If the model is not built or subclassed, has no such class, or does not take such images.

    References
    ----------
    Simonyan, Vedaldi, Zisserman (2014), "Deep Inside Convolutional Networks: Visualising Image
    Classification Models and Saliency Maps", section 3. https://arxiv.org/abs/1312.6034

    Notes
    -----
    First met in lesson 07.
    """
    batch, view, wanted = _prepare(model, images, classes)
    gradient = _input_gradient(view)
    maps = np.zeros(batch.shape[:3], dtype="float32")
    for part in _parts(batch, batch_size):
        slopes, _ = gradient(batch[part], None if wanted is None else wanted[part])
        maps[part] = np.abs(slopes).max(axis=-1)
    return maps


class IntegratedGradients(NamedTuple):
    """Result of `integrated_gradients`.

    Attributes
    ----------
    maps : ndarray, float32 (N, H, W)
        What each pixel added to the logit of the class, negative where it took away.
    gap : ndarray, float32 (N,)
        How far the sum of a map is from the rise of the logit between baseline and image, as a
        share of that rise: 0.01 is one per cent. Above some 0.05 take more steps.
    """

    maps: np.ndarray
    gap: np.ndarray


def integrated_gradients(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    steps: int = 64,
    baseline: float | np.ndarray = 0.0,
    *,
    batch_size: int | None = None,
) -> IntegratedGradients:
    """Share the rise of a logit, from a blank picture to the image, out among the pixels.

    The gradients along the straight line from the baseline to the image are averaged (at the middle
    of each of `steps` equal pieces) and multiplied by the difference of the two.

    Parameters
    ----------
    model, images, classes
        As for `grad_cam`; classes left out are those predicted for the images.
    steps : int
        Number of pieces.
    baseline : float or array (H, W, C)
        The picture that says nothing: black by default.
    batch_size : int, optional
        How many pictures go through the model at a time; see `grad_cam`.

    Returns
    -------
    IntegratedGradients
        ``maps`` and ``gap``. With enough steps the values of a map add up to the rise of the logit
        (the completeness axiom); ``gap`` says how nearly.

    Raises
    ------
    InvalidInput
        As for `saliency`, and if `steps` is less than 1 or the baseline has another shape.

    References
    ----------
    Sundararajan, Taly, Yan (2017), "Axiomatic Attribution for Deep Networks", sections 3 and 5.
    https://arxiv.org/abs/1703.01365

    Notes
    -----
    First met in lesson 07.
    """
    batch, view, wanted = _prepare(model, images, classes)
    if not isinstance(steps, int) or steps < 1:
        raise InvalidInput(f"steps must be a whole number of at least 1, but it is {steps!r}.")
    blank = np.asarray(baseline, dtype="float32")
    if blank.ndim and blank.shape != batch.shape[1:]:
        raise InvalidInput(
            f"baseline has the shape {blank.shape}, but the images have {batch.shape[1:]}."
        )
    blank = np.broadcast_to(blank, batch.shape[1:])
    gradient = _input_gradient(view)
    scores = keras.Model(view.inputs, view.logits)
    logits = np.concatenate([np.asarray(scores(batch[part])) for part in _parts(batch, batch_size)])
    if wanted is None:
        wanted = logits.argmax(axis=1).astype("int32")
    rise = logits[np.arange(len(batch)), wanted] - np.asarray(scores(blank[np.newaxis]))[0, wanted]
    fractions = (np.arange(steps, dtype="float32") + 0.5) / steps
    size = batch_of(batch) if batch_size is None else batch_size
    maps = np.zeros(batch.shape[:3], dtype="float32")
    for i, image in enumerate(batch):
        total = np.zeros_like(image)
        for part in _parts(fractions, size):
            path = blank + fractions[part, None, None, None] * (image - blank)
            slopes, _ = gradient(path, np.full(len(path), wanted[i], dtype="int32"))
            total += slopes.sum(axis=0)
        maps[i] = (total / steps * (image - blank)).sum(axis=-1)
    gap = np.abs(maps.sum(axis=(1, 2)) - rise) / np.maximum(np.abs(rise), 1e-6)
    return IntegratedGradients(maps, gap.astype("float32"))


def occlusion(
    model: keras.Model | Callable[[np.ndarray], Any],
    images: np.ndarray,
    classes: Classes = None,
    patch: int | None = None,
    stride: int | None = None,
    fill: float | None = None,
    *,
    batch_size: int | None = None,
) -> np.ndarray:
    """Show how much the score of a class falls when a square of the image is covered.

    Needs nothing but predictions (it is model-agnostic), so any model will do: a subclassed one, or
    a function from images to scores.

    Parameters
    ----------
    model : keras.Model or callable
        Maps images (N, H, W, C) to scores (N, classes), logits or probabilities.
    images, classes
        As for `grad_cam`.
    patch : int, optional
        Side of the square in pixels; a sixth of the shorter side of the image by default.
    stride : int, optional
        How far the square moves at a time, at most `patch`; half of `patch` by default.
    fill : float, optional
        Value of the covered pixels; the mean colour of each image by default.
    batch_size : int, optional
        How many covered images go through the model at a time; see `grad_cam`.

    Returns
    -------
    ndarray, float32 (N, H, W)
        The fall of the score, as a mean over all squares that cover the pixel. Negative where
        covering helped.

    Raises
    ------
    InvalidInput
        If the images have not four dimensions, there is no such class, or the square is larger
        than the image.

    References
    ----------
    Zeiler, Fergus (2014), "Visualizing and Understanding Convolutional Networks", section 4.2.
    https://arxiv.org/abs/1311.2901

    Notes
    -----
    First met in lesson 07.
    """
    if isinstance(model, keras.Model) and getattr(model, "inputs", None):
        batch = check_images(images, model)
    else:
        batch = np.asarray(images, dtype="float32")
        if batch.ndim != 4:
            raise InvalidInput(
                f"images must have four dimensions (N, height, width, channels), but their shape "
                f"is {batch.shape}."
            )
    height, width = batch.shape[1:3]
    patch = max(1, min(height, width) // 6) if patch is None else patch
    stride = max(1, patch // 2) if stride is None else stride
    if not (1 <= patch <= min(height, width) and 1 <= stride <= patch):
        raise InvalidInput(
            f"patch is {patch} and stride {stride}, but patch must lie between 1 and "
            f"{min(height, width)} (the image is {height} × {width}) and stride between 1 and "
            f"patch."
        )
    scores = _scores(model, batch, batch_size)
    if scores.shape[1] == 1:
        if classes is None:
            raise InvalidInput(
                "The model gives one number for each image; say with classes= whether class 0 or "
                "class 1 is to be explained."
            )
        scores = _two_columns(scores)
    if classes is None:
        wanted = scores.argmax(axis=1)
    else:
        wanted = check_classes(classes, len(batch), scores.shape[1])
    corners = [
        (y, x) for y in _starts(height, patch, stride) for x in _starts(width, patch, stride)
    ]
    covered_by = np.zeros((height, width), dtype="float32")
    for y, x in corners:
        covered_by[y : y + patch, x : x + patch] += 1
    maps = np.zeros(batch.shape[:3], dtype="float32")
    size = batch_of(batch) if batch_size is None else batch_size
    for i, image in enumerate(batch):
        colour = image.mean(axis=(0, 1)) if fill is None else fill
        for part in _parts(corners, size):
            covered = np.repeat(image[np.newaxis], len(corners[part]), axis=0)
            for picture, (y, x) in zip(covered, corners[part], strict=True):
                picture[y : y + patch, x : x + patch] = colour
            now = _two_columns(_scores(model, covered, batch_size))
            falls = scores[i, wanted[i]] - now[:, wanted[i]]
            for fall, (y, x) in zip(falls, corners[part], strict=True):
                maps[i, y : y + patch, x : x + patch] += fall
    return maps / covered_by


def edge_detector(images: np.ndarray) -> np.ndarray:
    """Draw the edges of the images (Sobel operator): a map that knows no model.

    It outlines objects and so looks like an explanation; every method must do better than this.

    Parameters
    ----------
    images : array (N, H, W, C)

    Returns
    -------
    ndarray, float32 (N, H, W)
        Length of the brightness gradient, in pixel values per pixel.

    Notes
    -----
    First met in lesson 07.
    """
    batch = np.asarray(images, dtype="float32")
    if batch.ndim != 4:
        raise InvalidInput(
            f"images must have four dimensions (N, height, width, channels), but their shape is "
            f"{batch.shape}."
        )
    grey = np.pad(batch.mean(axis=-1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    smooth_rows = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    smooth_columns = grey[:, :, :-2] + 2 * grey[:, :, 1:-1] + grey[:, :, 2:]
    across = (smooth_rows[:, :, 2:] - smooth_rows[:, :, :-2]) / 8
    down = (smooth_columns[:, 2:] - smooth_columns[:, :-2]) / 8
    return np.hypot(across, down)


def _prepare(
    model: keras.Model, images: Any, classes: Classes
) -> tuple[np.ndarray, FlatView, np.ndarray | None]:
    check_model(model)
    batch = check_images(images, model)
    view = flat_view(model)
    wanted = None if classes is None else check_classes(classes, len(batch), view.num_classes)
    return batch, view, wanted


def _parts(items: Any, size: int | None) -> Iterator[slice]:
    """Cut a batch, or a list of what will be one, into parts that go through a model at a time."""
    size = batch_of(items) if size is None else size
    if not isinstance(size, int) or size < 1:
        raise InvalidInput(f"batch_size must be a whole number of at least 1, but it is {size!r}.")
    count = len(items)
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def batch_of(images: np.ndarray) -> int:
    """Return how many of these images (N, H, W, C) have half a million pixels together."""
    return max(1, 500_000 // (images.shape[1] * images.shape[2]))


def _starts(length: int, patch: int, stride: int) -> list[int]:
    """Upper ends of the squares along one side; the last one reaches the border."""
    return sorted({*range(0, length - patch + 1, stride), length - patch})


def _enlarge(maps: tf.Tensor, size: tuple[int, int]) -> np.ndarray:
    return tf.image.resize(maps[..., tf.newaxis], size, method="bilinear")[..., 0].numpy()


def _scores(model: Any, batch: np.ndarray, batch_size: int | None) -> np.ndarray:
    """Run `model` on a batch, whatever kind of model it is."""
    run = (lambda x: model(x, training=False)) if isinstance(model, keras.Model) else model
    rows = [np.asarray(run(batch[part]), "float32") for part in _parts(batch, batch_size)]
    scores = np.concatenate(rows)
    if scores.ndim != 2:
        raise InvalidInput(
            f"model must map images to scores (N, classes), but it gave {scores.shape}."
        )
    return scores


def _two_columns(scores: np.ndarray) -> np.ndarray:
    """Take one output unit z as two classes, -z and z."""
    return np.concatenate([-scores, scores], axis=1) if scores.shape[1] == 1 else scores


def _input_gradient(
    view: FlatView,
) -> Callable[[np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray]]:
    """Return a function: (images, classes) to the gradients (N, H, W, C) and logits (N,)."""
    score_model, score = view.score_model()

    def gradient(images: np.ndarray, classes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        score.classes = classes
        pixels = tf.convert_to_tensor(images)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            logits = score_model(pixels)
        return tape.gradient(logits, pixels).numpy(), logits.numpy()[:, 0]

    return gradient
