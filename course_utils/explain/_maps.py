"""Saliency maps: which pixels of an image a prediction depends on."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tf_explain.core.grad_cam import GradCAM

from course_utils.exceptions import InvalidInput
from course_utils.explain._inputs import (
    batch_slices,
    check_classes,
    check_images,
    image_batch,
)
from course_utils.explain._layers import resolve
from course_utils.explain._view import flat_view
from course_utils.validate import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Compute Grad-CAM: where in each image a convolution finds evidence for a class.

    The map of class c is ``ReLU(sum_k alpha_k A_k)``. A_k are the feature maps of a convolution,
    and alpha_k is the gradient of the logit of c with respect to A_k, averaged over all positions.
    The map is resized (bilinearly) to the size of the images.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional. It is not changed.
    images : array (N, H, W, C)
        Pixels in the range of the model's input: 0-255 for the models of this course.
    classes : int or sequence of N ints, optional
        The class to explain, one for all images or one for each. By default the predicted class. A
        model with a single output unit has the classes 0 and 1.
    layer : str or Layer, optional
        The layer whose feature maps are used; see `find_layer`.
    guided : bool
        Whether negative gradients, and gradients where a feature map is not positive, are set to
        zero first. This is the default of tf-explain; it is not in the paper. Such maps hardly
        depend on the class.
    batch_size : int, optional
        Images per batch; by default as many as have half a million pixels together (54 of 96 x 96),
        so that large models fit into memory.

    Returns
    -------
    ndarray, float32 (N, H, W)
        At least 0 and not normalized, so that maps of one layer can be compared. A map that is zero
        everywhere means that nothing in the layer is evidence for the class.

    Raises
    ------
    InvalidInput
        If the model is not built or subclassed, the layer is not found or ambiguous, the class does
        not exist, or the images do not fit the model.

    References
    ----------
    Selvaraju et al. (2017), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", equations 1 and 2. https://arxiv.org/abs/1610.02391

    Notes
    -----
    tf-explain computes the gradients and the weighted sum on a flat view of the model, for the
    logits instead of the probabilities (behind a softmax the gradients of a confident prediction
    vanish). The ReLU of the paper, which tf-explain omits, is applied here. Lesson 07 writes the
    formula out.

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
    for part in batch_slices(batch, batch_size):
        score.classes = None if wanted is None else wanted[part]
        with warnings.catch_warnings():
            # tf-explain nests the list of inputs once more than Keras 3 expects.
            warnings.filterwarnings("ignore", message="The structure of `inputs`")
            feature_maps, gradients = GradCAM.get_gradients_and_filters(
                score_model, batch[part], layer_name, 0, use_guided_grads=guided
            )
        weighted = tf.stack(GradCAM.generate_ponderated_output(feature_maps, gradients))
        maps[part] = _resized(tf.nn.relu(weighted), batch.shape[1:3])
    return maps


def compiled_grad_cam(
    model: keras.Model, layer: str | keras.Layer | None = None
) -> Callable[[np.ndarray, Any], np.ndarray]:
    """Prepare Grad-CAM of one model for many calls.

    `grad_cam` looks through the model in every call, which takes longer than the map itself. Here
    this is done once, and the computation is compiled.

    Parameters
    ----------
    model, layer
        As for `grad_cam`.

    Returns
    -------
    callable
        Takes images (N, H, W, C) and N class indices, and returns the maps of `grad_cam`, float32
        (N, H, W). The images must have the shape and the range of the model's input; only their
        shape is checked.

    Raises
    ------
    InvalidInput
        If the model is not built or subclassed, or the layer is not found or ambiguous.

    Notes
    -----
    The web service of lesson 09 uses it.

    Examples
    --------
    >>> from course_utils.models import small_cnn
    >>> maps_of = compiled_grad_cam(small_cnn((32, 32, 3), 5))
    >>> maps_of(np.zeros((4, 32, 32, 3)), [0, 1, 2, 3]).shape
    (4, 32, 32)
    """
    view = flat_view(model)
    target = resolve(view, layer)
    graph = keras.Model(view.inputs, [view.uses[target].output, view.logits])
    shape = view.inputs.shape

    @tf.function(
        input_signature=[tf.TensorSpec(shape, tf.float32), tf.TensorSpec([None], tf.int32)]
    )
    def weighted(images: Any, classes: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)  # the layers may be frozen
            maps, logits = graph(images, training=False)
            score = tf.gather(logits, classes, batch_dims=1)
        alpha = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1))

    compiled = weighted.get_concrete_function()

    def maps_of(images: np.ndarray, classes: Any) -> np.ndarray:
        batch = image_batch(images)
        wanted = check_classes(classes, len(batch), view.num_classes)
        return _resized(compiled(tf.constant(batch), tf.constant(wanted)), batch.shape[1:3])

    return maps_of


def saliency(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    batch_size: int | None = None,
) -> np.ndarray:
    """Compute the absolute gradient of the logit of a class with respect to each pixel.

    Parameters
    ----------
    model, images, classes, batch_size
        As for `grad_cam`.

    Returns
    -------
    ndarray, float32 (N, H, W)
        At least 0, in logits per pixel value; the maximum over the channels of a pixel.

    Raises
    ------
    InvalidInput
        If the model is not built or subclassed, the class does not exist, or the images do not fit
        the model.

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
    for part in batch_slices(batch, batch_size):
        gradients = gradient(batch[part], None if wanted is None else wanted[part])
        maps[part] = np.abs(gradients).max(axis=-1)
    return maps


class IntegratedGradients(NamedTuple):
    """Result of `integrated_gradients`.

    Attributes
    ----------
    maps : ndarray, float32 (N, H, W)
        Contribution of each pixel to the logit of the class, negative where it lowers the logit.
    gap : ndarray, float32 (N,)
        Difference between the sum of a map and the rise of the logit from baseline to image,
        relative to that rise: 0.01 is one percent. Above about 0.05 use more steps.
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
    """Attribute the rise of a logit from a baseline to the image to the pixels.

    The gradients are averaged along the straight line from the baseline to the image (at the middle
    of each of `steps` equal pieces) and multiplied by the difference of the two.

    Parameters
    ----------
    model, images, classes
        As for `grad_cam`.
    steps : int
        Number of pieces.
    baseline : float or array (H, W, C)
        The image without information: black by default.
    batch_size : int, optional
        Images per batch; see `grad_cam`.

    Returns
    -------
    IntegratedGradients
        ``maps`` and ``gap``. With enough steps the values of a map add up to the rise of the logit
        (the completeness axiom); ``gap`` is the relative error.

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
    steps = whole_number("steps", steps, 1, example=64)
    blank = np.asarray(baseline, dtype="float32")
    if blank.ndim and blank.shape != batch.shape[1:]:
        raise InvalidInput(
            f"baseline has the shape {blank.shape}, but the images have {batch.shape[1:]}."
        )
    blank = np.broadcast_to(blank, batch.shape[1:])
    gradient = _input_gradient(view)
    scores = keras.Model(view.inputs, view.logits)
    logits = np.concatenate(
        [np.asarray(scores(batch[part])) for part in batch_slices(batch, batch_size)]
    )
    if wanted is None:
        wanted = logits.argmax(axis=1).astype("int32")
    rise = logits[np.arange(len(batch)), wanted] - np.asarray(scores(blank[np.newaxis]))[0, wanted]
    fractions = (np.arange(steps, dtype="float32") + 0.5) / steps
    maps = np.zeros(batch.shape[:3], dtype="float32")
    for i, image in enumerate(batch):
        total = np.zeros_like(image)
        for part in batch_slices(batch, batch_size, count=steps):
            path = blank + fractions[part, None, None, None] * (image - blank)
            classes_of_path = np.full(len(path), wanted[i], dtype="int32")
            total += gradient(path, classes_of_path).sum(axis=0)
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
    """Compute how much the score of a class drops when a square of the image is covered.

    This needs only predictions (it is model-agnostic), so it works with any model, also with a
    subclassed one or a function from images to scores.

    Parameters
    ----------
    model : keras.Model or callable
        Maps images (N, H, W, C) to scores (N, classes), logits or probabilities.
    images, classes
        As for `grad_cam`.
    patch : int, optional
        Side of the square in pixels; a sixth of the shorter side of the image by default.
    stride : int, optional
        Step between two squares in pixels, at most `patch`; half of `patch` by default.
    fill : float, optional
        Value of the covered pixels; the mean color of each image by default.
    batch_size : int, optional
        Images per batch; see `grad_cam`.

    Returns
    -------
    ndarray, float32 (N, H, W)
        The drop of the score, as a mean over all squares that cover the pixel. Negative where
        covering raises the score.

    Raises
    ------
    InvalidInput
        If the images do not have four dimensions, the class does not exist, or the square is larger
        than the image.

    References
    ----------
    Zeiler, Fergus (2014), "Visualizing and Understanding Convolutional Networks", section 4.2.
    https://arxiv.org/abs/1311.2901

    Notes
    -----
    First met in lesson 07.
    """
    has_input = isinstance(model, keras.Model) and getattr(model, "inputs", None)
    batch = check_images(images, model) if has_input else image_batch(images)
    corners, patch = _squares(batch.shape[1:3], patch, stride)
    scores = _scores(model, batch, batch_size)
    if scores.shape[1] == 1 and classes is None:
        raise InvalidInput(
            "The model gives one number for each image; say with classes= whether class 0 or "
            "class 1 is to be explained."
        )
    scores = _two_columns(scores)
    if classes is None:
        wanted = scores.argmax(axis=1)
    else:
        wanted = check_classes(classes, len(batch), scores.shape[1])
    times_covered = np.zeros(batch.shape[1:3], dtype="float32")
    for y, x in corners:
        times_covered[y : y + patch, x : x + patch] += 1
    maps = np.zeros(batch.shape[:3], dtype="float32")
    for i, image in enumerate(batch):
        color = image.mean(axis=(0, 1)) if fill is None else fill
        for part in batch_slices(batch, batch_size, count=len(corners)):
            covered = np.repeat(image[np.newaxis], len(corners[part]), axis=0)
            for pixels, (y, x) in zip(covered, corners[part], strict=True):
                pixels[y : y + patch, x : x + patch] = color
            now = _two_columns(_scores(model, covered, batch_size))
            drops = scores[i, wanted[i]] - now[:, wanted[i]]
            for drop, (y, x) in zip(drops, corners[part], strict=True):
                maps[i, y : y + patch, x : x + patch] += drop
    return maps / times_covered


def edge_detector(images: np.ndarray) -> np.ndarray:
    """Compute the edges of the images (Sobel operator), a baseline that does not use the model.

    Outlines of objects look like an explanation; a method must be more faithful than this.

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
    gray = image_batch(images).mean(axis=-1)
    gray = np.pad(gray, ((0, 0), (1, 1), (1, 1)), mode="edge")
    smooth_rows = gray[:, :-2] + 2 * gray[:, 1:-1] + gray[:, 2:]
    smooth_columns = gray[:, :, :-2] + 2 * gray[:, :, 1:-1] + gray[:, :, 2:]
    across = (smooth_rows[:, :, 2:] - smooth_rows[:, :, :-2]) / 8
    down = (smooth_columns[:, 2:] - smooth_columns[:, :-2]) / 8
    return np.hypot(across, down)


def _prepare(
    model: keras.Model, images: Any, classes: Classes
) -> tuple[np.ndarray, FlatView, np.ndarray | None]:
    """Check the arguments; return the batch, the flat view and the classes, if given."""
    view = flat_view(model)
    batch = check_images(images, model)
    wanted = None if classes is None else check_classes(classes, len(batch), view.num_classes)
    return batch, view, wanted


def _squares(
    size: tuple[int, int], patch: int | None, stride: int | None
) -> tuple[list[tuple[int, int]], int]:
    """Return the upper left corners (y, x) of all squares, and their side."""
    patch = max(1, min(size) // 6) if patch is None else patch
    stride = max(1, patch // 2) if stride is None else stride
    if not (1 <= patch <= min(size) and 1 <= stride <= patch):
        raise InvalidInput(
            f"patch is {patch} and stride {stride}, but patch must lie between 1 and {min(size)} "
            f"(the image is {size[0]} × {size[1]}) and stride between 1 and patch."
        )
    # The last square of a row or column touches the border.
    rows, columns = (
        sorted({*range(0, length - patch + 1, stride), length - patch}) for length in size
    )
    return [(y, x) for y in rows for x in columns], patch


def _resized(maps: tf.Tensor, size: tuple[int, int]) -> np.ndarray:
    return tf.image.resize(maps[..., tf.newaxis], size, method="bilinear")[..., 0].numpy()


def _scores(model: Any, batch: np.ndarray, batch_size: int | None) -> np.ndarray:
    """Return the scores (N, classes) that a model or function computes for a batch."""
    run = (lambda x: model(x, training=False)) if isinstance(model, keras.Model) else model
    rows = [np.asarray(run(batch[part]), "float32") for part in batch_slices(batch, batch_size)]
    scores = np.concatenate(rows)
    if scores.ndim != 2:
        raise InvalidInput(
            f"model must map images to scores (N, classes), but it gave {scores.shape}."
        )
    return scores


def _two_columns(scores: np.ndarray) -> np.ndarray:
    """Return the scores -z and z of two classes for one output unit z; else the scores."""
    return np.concatenate([-scores, scores], axis=1) if scores.shape[1] == 1 else scores


def _input_gradient(view: FlatView) -> Callable[[np.ndarray, np.ndarray | None], np.ndarray]:
    """Return a function from images and classes to the gradients of the logits (N, H, W, C)."""
    score_model, score = view.score_model()

    def gradient(images: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        score.classes = classes
        pixels = tf.convert_to_tensor(images)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            logits = score_model(pixels)
        return tape.gradient(logits, pixels).numpy()

    return gradient
