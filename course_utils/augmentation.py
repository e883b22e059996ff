"""Random changes to training images: geometry, color, cutout, mixup and cutmix.

They work on pixels in 0-255, before the model rescales them, and belong to the training split only.
The same seed gives the same changes. First met in lesson 04; lesson 02 shows the first of them with
Keras's own layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from course_utils import settings
from course_utils.datasets.pipeline_options import run_as_written
from course_utils.exceptions import InvalidInput
from course_utils.validate import choice, number_between

__all__ = [
    "Color",
    "Cutmix",
    "Cutout",
    "Geometric",
    "Mixup",
    "apply",
    "color",
    "cutmix",
    "cutout",
    "geometric",
    "mixup",
]

Range = float | tuple[float, float]
Batch = tuple[tf.Tensor, tf.Tensor]

_FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")
_FILL_MODES = ("reflect", "nearest", "constant", "wrap")
#: The brightness of a color from its red, green and blue, ITU-R Recommendation BT.601.
_LUMA = (0.299, 0.587, 0.114)


def geometric(
    flip: str | None = "horizontal",
    rotation: Range = 0.05,
    zoom: Range = 0.1,
    translation: Range = 0.1,
    crop: float | None = None,
    fill_mode: str = "reflect",
) -> Geometric:
    """Return a layer that flips, rotates, zooms, shifts and crops images at random.

    It has the effect of Keras's ``RandomFlip``, ``RandomRotation``, ``RandomZoom`` and
    ``RandomTranslation`` in turn, but interpolates once only: faster, and less blurred.

    Parameters
    ----------
    flip : {"horizontal", "vertical", "horizontal_and_vertical", None}
        Flip each image with probability 1/2, left-right, upside down, or both.
    rotation : float or (float, float)
        Largest angle, as a share of a full turn (0.05 is 18 degrees), or the range.
    zoom : float or (float, float)
        Largest change of size: 0.1 shows between 90 % and 110 % of the image's side; or the range,
        where positive numbers show more of the image.
    translation : float or (float, float)
        Largest shift in each direction, as a share of the height and width, or the range.
    crop : float, optional
        Cut out a window whose side is between `crop` and 1 of the image's, at a random place, and
        enlarge it to the full size. None does not crop.
    fill_mode : {"reflect", "nearest", "constant", "wrap"}
        How pixels outside of the image are filled; "constant" is black.

    Returns
    -------
    Geometric
        A Keras layer: float32 pixels (B, H, W, C) in, the same shape out. It changes images only
        when called with ``training=True``.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    """
    return Geometric(flip, rotation, zoom, translation, crop, fill_mode)


def color(
    brightness: Range = 0.1, contrast: Range = 0.2, saturation: Range = 0.2, hue: float = 0.0
) -> Color:
    """Return a layer that changes brightness, contrast and saturation at random.

    A changed hue may make one flower look like another, where color tells the classes apart. So
    `hue` is 0 by default.

    Parameters
    ----------
    brightness : float or (float, float)
        Largest number that is added to the pixels, as a share of 255, or the range.
    contrast : float or (float, float)
        Differences from the image's mean are multiplied by up to 1 ± contrast, or by 1 plus a
        number from the range.
    saturation : float or (float, float)
        Differences from the gray of the same brightness are multiplied likewise. Images with one
        channel have no saturation and stay as they are.
    hue : float
        Largest rotation of the hue, as a share of a full turn; RGB images only.

    Returns
    -------
    Color
        A Keras layer: float32 pixels (B, H, W, C) in 0-255 in, the same out. It changes images
        only when called with ``training=True``.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    """
    return Color(brightness, contrast, saturation, hue)


def cutout(size: float = 0.25, fill: float = 127.5) -> Cutout:
    """Return a function that covers a square of each image.

    The center of the square is anywhere in the image, so a square at the border covers less, as in
    the paper.

    Parameters
    ----------
    size : float
        Side of the square as a share of the image's shorter side, above 0 and at most 1.
    fill : float
        Value of the covered pixels; the middle of 0-255 by default.

    Returns
    -------
    Cutout
        Takes a batch (images (B, H, W, C), labels) and returns it changed.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.

    References
    ----------
    DeVries and Taylor (2017), "Improved Regularization of Convolutional Neural Networks with
    Cutout", arXiv:1708.04552.
    """
    return Cutout(size, fill)


def mixup(alpha: float = 0.2) -> Mixup:
    """Return a function that blends each image and its label with another image of the batch.

    For images x, x' with one-hot labels y, y' and λ drawn from Beta(alpha, alpha)::

        image = λ x + (1 - λ) x'        label = λ y + (1 - λ) y'

    Parameters
    ----------
    alpha : float
        Above 0. Small values give λ close to 0 or 1, so mostly one of the two images.

    Returns
    -------
    Mixup
        Takes a batch (images (B, H, W, C), one-hot labels (B, K)) and returns it changed.

    Raises
    ------
    InvalidInput
        If alpha cannot be used.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz (2018), "mixup: Beyond Empirical Risk Minimization",
    equation 1, arXiv:1710.09412.
    """
    return Mixup(alpha)


def cutmix(alpha: float = 1.0) -> Cutmix:
    """Return a function that pastes a rectangle of another image of the batch into each image.

    With λ drawn from Beta(alpha, alpha) the rectangle has the sides W √(1 - λ) and H √(1 - λ) and
    its center anywhere; it is cut off at the border of the image, and λ becomes the share of the
    pixels that are kept. The label is λ y + (1 - λ) y'.

    Parameters
    ----------
    alpha : float
        Above 0; with 1 every share is equally likely.

    Returns
    -------
    Cutmix
        Takes a batch (images (B, H, W, C), one-hot labels (B, K)) and returns it changed.

    Raises
    ------
    InvalidInput
        If alpha cannot be used.

    References
    ----------
    Yun et al. (2019), "CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features", equations 1 and 2, arXiv:1905.04899.
    """
    return Cutmix(alpha)


def apply(
    dataset: tf.data.Dataset,
    *augmentations: Any,
    num_classes: int | None = None,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Apply random augmentations to each batch of a training split, new ones in each iteration.

    Parameters
    ----------
    dataset : tf.data.Dataset
        Batches (images (B, H, W, C) in 0-255, labels int (B,) or one-hot (B, K)): the training
        split, never validation or test.
    *augmentations : keras.layers.Layer or callable
        Layers change the images; other callables, such as :func:`mixup`, take (images, one-hot
        labels) and return both. They are applied in this order.
    num_classes : int, optional
        Number of classes; needed where labels are int and an augmentation wants them one-hot.
    seed : int, optional
        Seed of the changes; COURSE_SEED or 42 by default.

    Returns
    -------
    tf.data.Dataset
        Batches (float32 images, labels). Labels are one-hot float32 (B, num_classes) if an
        augmentation is a callable and not a layer, else unchanged.

    Raises
    ------
    InvalidInput
        If an augmentation is neither, or `num_classes` is missing.
    """
    change = augmenter(augmentations, num_classes=num_classes, one_hot=False)
    seed = settings.seed() if seed is None else seed
    if change.needs_one_hot and num_classes is None and dataset.element_spec[1].shape.rank == 1:
        raise InvalidInput(
            "cutout, mixup and cutmix need one-hot labels; give num_classes=, the number of "
            "classes, so that apply can make them."
        )

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        return change.numbered(dataset, (seed, epoch))

    # Each iteration over the stream counts up, so that every epoch gets other changes.
    counter = tf.Variable(-1, dtype=tf.int64)
    epochs = tf.data.Dataset.range(1).map(lambda _: counter.assign_add(1))
    stream = epochs.flat_map(plain(one_epoch))
    cardinality = dataset.cardinality()
    if cardinality >= 0:
        stream = stream.apply(tf.data.experimental.assert_cardinality(cardinality))
    return run_as_written(stream.prefetch(tf.data.AUTOTUNE))


# --------------------------------------------------------------------------------------- layers


class _RandomLayer(keras.layers.Layer):
    """A layer that changes images at random in training, from a seed that may be given."""

    #: Names of the arguments of ``__init__``, kept as attributes.
    arguments: tuple[str, ...]

    def __init__(self, **kwargs: Any):
        # In mixed precision, too: float16 would round the pixels and gain no time.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.generator = keras.random.SeedGenerator()
        self.supports_jit = False

    def call(self, images: Any, training: bool = False, seed: Any = None) -> Any:
        """Change a batch of images.

        Parameters
        ----------
        images : tensor
            Pixels in 0-255, (B, H, W, C).
        training : bool
            False returns the images unchanged.
        seed : tensor of two int, optional
            The same seed gives the same changes; without it each call makes other ones.
        """
        if not training:
            return images
        if seed is None:
            seed = self.generator.next()
        return self.change(images, tf.bitcast(tf.cast(seed, tf.uint32), tf.int32))

    def change(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def __repr__(self) -> str:
        return _call({name: getattr(self, name) for name in self.arguments}, self)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return super().get_config() | {name: getattr(self, name) for name in self.arguments}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output, which is that of the input."""
        return input_shape


@keras.saving.register_keras_serializable(package="course_utils")
class Geometric(_RandomLayer):
    """The layer that :func:`geometric` returns, with the same arguments."""

    arguments = ("flip", "rotation", "zoom", "translation", "crop", "fill_mode")

    def __init__(
        self,
        flip: str | None = "horizontal",
        rotation: Range = 0.05,
        zoom: Range = 0.1,
        translation: Range = 0.1,
        crop: float | None = None,
        fill_mode: str = "reflect",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if flip is not None:
            choice("flip", flip, _FLIPS)
        if crop is not None:
            number_between("crop", crop, 0, 1, 0.7, open_low=True)
        self.flip = flip
        self.rotation = _range("rotation", rotation)
        self.zoom = _range("zoom", zoom, above=-1.0)
        self.translation = _range("translation", translation)
        self.crop = crop
        self.fill_mode = choice("fill_mode", fill_mode, _FILL_MODES)

    def change(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Change the images as drawn from `seed`, an int32 tensor of two numbers."""
        shape = tf.shape(images)
        count, height, width = shape[0], shape[1], shape[2]
        draw = _Draw(seed, count)
        mirror_x = self._mirror(draw, "horizontal")
        mirror_y = self._mirror(draw, "vertical")
        if self.only_mirrors:
            mirrored = images
            for axis, mirror in ((2, mirror_x), (1, mirror_y)):
                if mirror is not None:
                    mirrored = _mirror_some(mirrored, mirror < 0, axis)
            return tf.ensure_shape(mirrored, images.shape)

        angle = draw.uniform(*self.rotation) * (2 * math.pi)
        scale = 1.0 + draw.uniform(*self.zoom)
        shift_y, shift_x = draw.uniform(*self.translation), draw.uniform(*self.translation)
        if self.crop is not None:
            side = draw.uniform(self.crop, 1.0)
            scale *= side
            shift_y += draw.uniform(-0.5, 0.5) * (1 - side)
            shift_x += draw.uniform(-0.5, 0.5) * (1 - side)
        last_x = tf.cast(width - 1, tf.float32)
        last_y = tf.cast(height - 1, tf.float32)
        ones = tf.ones([count])
        scale_x = scale * (ones if mirror_x is None else mirror_x)
        scale_y = scale * (ones if mirror_y is None else mirror_y)
        # The point (x, y) of the result shows the point (a0 x + a1 y + a2, b0 x + b1 y + b2) of
        # the image: flipped and scaled about the center, rotated about the center, shifted.
        cos, sin = tf.cos(angle), tf.sin(angle)
        a0, a1 = cos * scale_x, -sin * scale_y
        b0, b1 = sin * scale_x, cos * scale_y
        a2 = last_x / 2 * (1 - a0) - last_y / 2 * a1 - shift_x * tf.cast(width, tf.float32)
        b2 = last_y / 2 * (1 - b1) - last_x / 2 * b0 - shift_y * tf.cast(height, tf.float32)
        zeros = tf.zeros([count])
        changed = tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=tf.stack([a0, a1, a2, b0, b1, b2, zeros, zeros], axis=1),
            output_shape=shape[1:3],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode=self.fill_mode.upper(),
        )
        # Rounding in the interpolation may leave the range of the pixels by a little.
        lowest = tf.minimum(tf.reduce_min(images), 0.0)
        changed = tf.clip_by_value(changed, lowest, tf.reduce_max(images))
        return tf.ensure_shape(changed, images.shape)

    @property
    def only_mirrors(self) -> bool:
        """Whether pixels only change places, so that images of any dtype can be changed."""
        still = (0.0, 0.0)
        return self.crop in (None, 1.0) and self.rotation == self.zoom == self.translation == still

    def _mirror(self, draw: _Draw, direction: str) -> tf.Tensor | None:
        """Return -1 for images to flip and 1 for the others, or None for no flips."""
        if self.flip not in (direction, "horizontal_and_vertical"):
            return None
        return tf.where(draw.uniform(0.0, 1.0) < 0.5, -1.0, 1.0)


def _mirror_some(images: tf.Tensor, chosen: tf.Tensor, axis: int) -> tf.Tensor:
    """Flip the chosen images along an axis, 1 or 2, and keep the others."""
    which = tf.cast(chosen, tf.int32)
    kept, turned = tf.dynamic_partition(images, which, 2)
    # TensorFlow is fastest at reversing the rows of a single tall image.
    shape = tf.shape(turned)
    count, height, width, channels = tf.unstack(shape)
    tall, wide = [count * height, width, channels], [count, height, width * channels]
    turned = tf.reverse(tf.reshape(turned, tall if axis == 2 else wide), [1])
    places = tf.dynamic_partition(tf.range(tf.shape(images)[0]), which, 2)
    return tf.dynamic_stitch(places, [kept, tf.reshape(turned, shape)])


@keras.saving.register_keras_serializable(package="course_utils")
class Color(_RandomLayer):
    """The layer that :func:`color` returns, with the same arguments."""

    arguments = ("brightness", "contrast", "saturation", "hue")

    def __init__(
        self,
        brightness: Range = 0.1,
        contrast: Range = 0.2,
        saturation: Range = 0.2,
        hue: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.brightness = _range("brightness", brightness)
        self.contrast = _range("contrast", contrast, above=-1.0)
        self.saturation = _range("saturation", saturation, above=-1.0)
        self.hue = number_between("hue", hue, 0, 0.5, 0.05)

    def change(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Change the images as drawn from `seed`, an int32 tensor of two numbers."""
        draw = _Draw(seed, tf.shape(images)[0])
        add = draw.uniform(*self.brightness)[:, None, None, None]
        stretch = 1.0 + draw.uniform(*self.contrast)[:, None, None, None]
        saturate = 1.0 + draw.uniform(*self.saturation)[:, None, None, None]
        turn = draw.uniform(-self.hue, self.hue)
        mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
        images = (images - mean) * stretch + mean + 255.0 * add
        if images.shape[-1] == 3:
            gray = tf.reduce_sum(images * tf.constant(_LUMA), axis=-1, keepdims=True)
            images = tf.clip_by_value(gray + (images - gray) * saturate, 0.0, 255.0)
            if self.hue:
                images = 255.0 * tf.image.hsv_to_rgb(
                    _turn_hue(tf.image.rgb_to_hsv(images / 255.0), turn)
                )
        return tf.clip_by_value(images, 0.0, 255.0)


def _turn_hue(hsv: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    hue = tf.math.floormod(hsv[..., :1] + turn[:, None, None, None], 1.0)
    return tf.concat([hue, hsv[..., 1:]], axis=-1)


# ---------------------------------------------------------------------------- batches with labels


class _BatchChange:
    """A change to a batch of images and their labels, from a seed that may be given."""

    def __call__(self, images: Any, labels: Any, seed: Any = None) -> Batch:
        """Change a batch.

        Parameters
        ----------
        images : tensor
            Pixels in 0-255, (B, H, W, C).
        labels : tensor
            One-hot, float, (B, K).
        seed : tensor of two int, optional
            The same seed gives the same changes.

        Returns
        -------
        tuple of tensors
            float32 images and float32 labels, of the same shapes.

        Raises
        ------
        InvalidInput
            If the labels are not one-hot.
        """
        images = tf.cast(tf.convert_to_tensor(images), tf.float32)
        labels = tf.convert_to_tensor(labels)
        if labels.shape.rank != 2:
            raise InvalidInput(
                f"{type(self).__name__.lower()} needs one-hot labels of shape (batch, classes), "
                f"but the labels have the shape {tuple(labels.shape)}; make them one-hot with "
                f"keras.ops.one_hot(labels, num_classes)."
            )
        if seed is None:
            seed = tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
        seed = tf.bitcast(tf.cast(seed, tf.uint32), tf.int32)
        return self.change(images, tf.cast(labels, tf.float32), seed)

    def change(self, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> Batch:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return dict(vars(self))

    def __repr__(self) -> str:
        return _call(vars(self), self)


class Cutout(_BatchChange):
    """The function that :func:`cutout` returns, with the same arguments."""

    def __init__(self, size: float = 0.25, fill: float = 127.5):
        self.size = number_between("size", size, 0, 1, 0.25, open_low=True)
        self.fill = number_between("fill", fill, 0, 255, 127.5)

    def change(self, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> Batch:
        """Cover a square of each image; the labels stay."""
        shape = tf.shape(images)
        side = tf.cast(tf.minimum(shape[1], shape[2]), tf.float32) * self.size
        draw = _Draw(seed, shape[0])
        covered = _boxes(draw, shape, tf.round(side), tf.round(side))
        return tf.where(covered[..., None], self.fill, images), labels


class Mixup(_BatchChange):
    """The function that :func:`mixup` returns, with the same arguments."""

    def __init__(self, alpha: float = 0.2):
        self.alpha = number_between("alpha", alpha, 0, math.inf, 0.2, open_low=True)

    def change(self, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> Batch:
        """Blend each image and its label with another one of the batch."""
        draw = _Draw(seed, tf.shape(images)[0])
        share = draw.beta(self.alpha)
        partner = draw.partners()
        of_images, of_labels = share[:, None, None, None], share[:, None]
        return (
            of_images * images + (1 - of_images) * tf.gather(images, partner),
            of_labels * labels + (1 - of_labels) * tf.gather(labels, partner),
        )


class Cutmix(_BatchChange):
    """The function that :func:`cutmix` returns, with the same arguments."""

    def __init__(self, alpha: float = 1.0):
        self.alpha = number_between("alpha", alpha, 0, math.inf, 0.2, open_low=True)

    def change(self, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> Batch:
        """Paste a rectangle of another image into each image and share the labels accordingly."""
        shape = tf.shape(images)
        draw = _Draw(seed, shape[0])
        side = tf.sqrt(1 - draw.beta(self.alpha))
        partner = draw.partners()
        height, width = tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32)
        pasted = _boxes(draw, shape, tf.round(side * height), tf.round(side * width))
        kept = (1 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=(1, 2)))[:, None]
        return (
            tf.where(pasted[..., None], tf.gather(images, partner), images),
            kept * labels + (1 - kept) * tf.gather(labels, partner),
        )


def _boxes(draw: _Draw, shape: tf.Tensor, high: tf.Tensor, wide: tf.Tensor) -> tf.Tensor:
    """Return bool (B, H, W): one box per image, `high` × `wide` pixels, its center anywhere."""

    def inside(length: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
        begin = tf.round(draw.uniform(0.0, 1.0) * tf.cast(length, tf.float32) - side / 2)
        pixels = tf.range(tf.cast(length, tf.float32))[None, :]
        end = begin + side
        return (pixels >= begin[:, None]) & (pixels < end[:, None])

    rows, columns = inside(shape[1], high), inside(shape[2], wide)
    return rows[:, :, None] & columns[:, None, :]


class _Draw:
    """Random numbers for the images of a batch, all from one seed."""

    def __init__(self, seed: tf.Tensor, count: tf.Tensor):
        self._seed = seed
        self._count = count
        self._drawn = 0

    def _next(self) -> tf.Tensor:
        self._drawn += 1
        return tf.random.fold_in(self._seed, self._drawn)

    def uniform(self, low: float, high: float) -> tf.Tensor:
        """Return float32 (B,)."""
        return low + (high - low) * tf.random.stateless_uniform([self._count], self._next())

    def beta(self, alpha: float) -> tf.Tensor:
        """Return float32 (B,) from Beta(alpha, alpha): one gamma's share of the sum of two."""
        first, second = (
            tf.random.stateless_gamma([self._count], self._next(), alpha=alpha) for _ in range(2)
        )
        return tf.where(first + second > 0, tf.math.divide_no_nan(first, first + second), 1.0)

    def partners(self) -> tf.Tensor:
        """Return for each image the index of another one, each index once, int32 (B,)."""
        circle = tf.argsort(tf.random.stateless_uniform([self._count], self._next()))
        return tf.scatter_nd(circle[:, None], tf.roll(circle, 1, axis=0), [self._count])


# ------------------------------------------------------------------------------------- one chain


class _Augmenter:
    """Apply augmentations one after the other, with random numbers from (seed, epoch, batch).

    Attributes
    ----------
    needs_one_hot : bool
        Whether the labels are returned one-hot.
    stateful : bool
        Whether a part has random state of its own, so that batches must come in order.
    """

    def __init__(self, parts: Sequence[Any], num_classes: int | None, one_hot: bool):
        self.parts = tuple(parts)
        self.num_classes = num_classes
        self._layers = [isinstance(part, keras.layers.Layer) for part in self.parts]
        self.needs_one_hot = one_hot or not all(self._layers)
        self.stateful = not all(isinstance(p, _RandomLayer | _BatchChange) for p in self.parts)
        self._generators = [_seed_generators(part) for part in self.parts]

    def __call__(self, images: tf.Tensor, labels: tf.Tensor, key: tuple) -> tuple:
        if self.needs_one_hot and labels.shape.rank == 1:
            labels = tf.one_hot(labels, self.num_classes)
        seed = tf.constant([0, 0], tf.int32)
        for number in key:
            seed = tf.random.fold_in(seed, tf.cast(number, tf.int32))
        for index, part in enumerate(self.parts):
            own_seed = tf.random.fold_in(seed, index)
            if not (isinstance(part, Geometric) and part.only_mirrors):
                images = tf.cast(images, tf.float32)  # flips are faster on uint8
            if isinstance(part, _RandomLayer):
                images = part(images, training=True, seed=own_seed)
            elif isinstance(part, _BatchChange):
                images, labels = part(images, labels, seed=own_seed)
            else:
                images, labels = self._foreign(index, images, labels, own_seed)
        return tf.cast(images, tf.float32), labels

    def numbered(self, batches: tf.data.Dataset, key: tuple) -> tf.data.Dataset:
        """Change every batch of a dataset; its key is `key` and its number."""

        def change(batch: tuple, number: tf.Tensor) -> tuple:
            return self(batch[0], batch[1], (*key, number))

        how = {} if self.stateful else {"num_parallel_calls": tf.data.AUTOTUNE}
        pairs = tf.data.Dataset.zip((batches, tf.data.Dataset.counter()))
        return pairs.map(plain(change), **how)

    def _foreign(self, index: int, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> Batch:
        """Apply a layer of Keras or a function of the reader."""
        part = self.parts[index]
        if not self._layers[index]:
            result = tf.function(part)(images, labels)
            if not (isinstance(result, tuple) and len(result) == 2):
                raise InvalidInput(
                    f"The augmentation {getattr(part, '__name__', type(part).__name__)} must "
                    f"return (images, labels), but it returned {type(result).__name__}."
                )
            return tf.cast(result[0], tf.float32), tf.cast(result[1], tf.float32)
        # Reset the layer's own generators for each batch, so that its random numbers depend on the
        # key alone and not on earlier batches.
        states = [generator.state for generator in self._generators[index]]
        begun = [
            state.assign(tf.bitcast(tf.random.fold_in(seed, number), tf.uint32))
            for number, state in enumerate(states)
        ]
        with tf.control_dependencies([tf.convert_to_tensor(state) for state in begun]):
            images = tf.identity(images)
        return tf.cast(part(images, training=True), tf.float32), labels


def augmenter(parts: Any, num_classes: int | None, one_hot: bool) -> _Augmenter:
    """Return one callable that applies several augmentations.

    Parameters
    ----------
    parts : layer, callable or sequence of them
        The augmentations, in order.
    num_classes : int, optional
        Number of classes, to make labels one-hot.
    one_hot : bool
        Whether to make the labels one-hot even if no augmentation needs it.

    Returns
    -------
    callable
        Takes (images, labels, key) with a key of whole numbers, and returns (images, labels).

    Raises
    ------
    InvalidInput
        If a part is neither a layer nor callable.
    """
    parts = as_list(parts)
    for part in parts:
        if isinstance(part, type) or not callable(part):
            raise InvalidInput(
                f"An augmentation must be a Keras layer or a function of (images, labels), but "
                f"{part!r} is neither."
            )
    return _Augmenter(parts, num_classes, one_hot)


#: Keep AutoGraph from converting a function, so that our error messages reach the reader.
plain = tf.autograph.experimental.do_not_convert


def as_list(parts: Any) -> list[Any]:
    """Return augmentations, one, several or None, as a list."""
    if parts is None:
        return []
    return list(parts) if isinstance(parts, list | tuple) else [parts]


def _seed_generators(part: Any) -> list[keras.random.SeedGenerator]:
    if not isinstance(part, keras.layers.Layer):
        return []
    found = []
    for layer in part._flatten_layers():
        found += [g for g in layer._seed_generators if isinstance(g, keras.random.SeedGenerator)]
    return list({id(generator): generator for generator in found}.values())


def _call(arguments: dict[str, Any], of: Any) -> str:
    """Return the call that makes an augmentation, such as ``mixup(alpha=0.2)``."""
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"{type(of).__name__.lower()}({given})"


def _range(name: str, value: Range, above: float = -math.inf) -> tuple[float, float]:
    """Return the range to draw from, as (lowest, highest)."""
    if isinstance(value, tuple | list) and len(value) == 2:
        low = number_between(f"the lowest {name}", value[0], above, math.inf, -0.1, open_low=True)
        return low, number_between(f"the highest {name}", value[1], low, math.inf, 0.1)
    largest = -above if above > -math.inf else math.inf
    high = number_between(name, value, 0, largest, 0.1, open_high=True)
    return 0.0 - high, high  # no minus zero
