"""Look inside a model: its feature maps, its filters, the activations that an image causes."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import keras
import numpy as np
import pandas as pd
from keras import layers as keras_layers

from course_utils.exceptions import InvalidInput
from course_utils.explain._inputs import check_images
from course_utils.explain._view import CONVOLUTIONS, flat_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from course_utils.explain._view import FlatView, LayerUse

#: These only subsample, pad, rearrange or repeat the feature map of the layer before them.
_PASS_THROUGH = (
    keras_layers.MaxPooling2D,
    keras_layers.AveragePooling2D,
    keras_layers.ZeroPadding2D,
    keras_layers.Cropping2D,
    keras_layers.UpSampling2D,
    keras_layers.Dropout,
    keras_layers.SpatialDropout2D,
    keras_layers.GaussianDropout,
    keras_layers.GaussianNoise,
    keras_layers.Identity,
    keras_layers.Reshape,
    keras_layers.Permute,
)


def feature_maps(model: keras.Model) -> pd.DataFrame:
    """List the feature maps of a model, at which Grad-CAM can be computed.

    Nested models are entered; their layers are called ``backbone/layer``. A layer that is called
    more than once appears once for each call, as ``layer:1``, ``layer:2``, ...

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.

    Returns
    -------
    DataFrame
        One row for each layer from the first convolution on whose output is (N, height, width,
        channels), in the order of the graph: layer, kind, height, width, channels. A size that
        depends on the images is missing (``<NA>``).

    Raises
    ------
    InvalidInput
        If the model is not built, is subclassed, or is no classifier of images.

    Notes
    -----
    First met in lesson 07.
    """
    rows = [
        (name, type(use.layer).__name__, *use.output.shape[1:])
        for name, use in flat_view(model).feature_maps().items()
    ]
    table = pd.DataFrame(rows, columns=["layer", "kind", "height", "width", "channels"])
    return table.astype({"height": "Int64", "width": "Int64", "channels": "Int64"})


def find_layer(model: keras.Model, layer: str | keras.Layer | None = None) -> str:
    """Return the name of the feature map that Grad-CAM uses.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.
    layer : str or Layer, optional
        A layer, its name, or ``backbone/layer`` where it is nested. The name of a nested model
        stands for its output. The default is the last feature map with more than one position,
        except for layers that only pool, pad or drop their input. For most networks this is the
        output of the last convolution after its activation, normalization or shortcut, as in the
        Grad-CAM paper.

    Returns
    -------
    str
        The name as `feature_maps` lists it.

    Raises
    ------
    InvalidInput
        If there is no such layer or more than one, its map is 1 × 1, or the model has no
        convolution.

    Notes
    -----
    First met in lesson 07.
    """
    return resolve(flat_view(model), layer)


def first_layer_filters(model: keras.Model) -> np.ndarray:
    """Return the filters of the first convolution.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.

    Returns
    -------
    ndarray, float32 (filters, height, width, channels)
        The weights, negative ones included; with RGB input, ``channels`` are red, green and blue.

    Raises
    ------
    InvalidInput
        If the model has no convolution.

    Notes
    -----
    First met in lesson 07.
    """
    view = flat_view(model)
    resolve(view)
    first = next(use.layer for use in view.uses.values() if isinstance(use.layer, CONVOLUTIONS))
    kernel = np.asarray(first.get_weights()[0], dtype="float32")
    return kernel.transpose(3, 0, 1, 2)  # from (height, width, channels, filters)


def activations(
    model: keras.Model,
    image: np.ndarray,
    layers: str | keras.Layer | list[str | keras.Layer] | None = None,
) -> dict[str, np.ndarray]:
    """Compute the feature maps of one image.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.
    image : array (H, W, C) or (1, H, W, C)
        Pixels 0-255.
    layers : str, Layer or list of them, optional
        The feature maps to return; see `find_layer` for their names. All convolutions by default.

    Returns
    -------
    dict of str to ndarray, float32 (height, width, channels)
        In the order of `layers`.

    Raises
    ------
    InvalidInput
        If the image does not fit the model, or a layer is not found.

    Notes
    -----
    tf-explain's ExtractActivations draws one layer; this returns the values of several in one
    pass. First met in lesson 07.
    """
    view = flat_view(model)
    pixels = np.asarray(image)
    batch = check_images(pixels[np.newaxis] if pixels.ndim == 3 else pixels, model)
    if len(batch) != 1:
        raise InvalidInput(f"activations takes one image, but it was given {len(batch)}.")
    if layers is None:
        resolve(view)
        maps = view.feature_maps()
        names = [name for name, use in maps.items() if isinstance(use.layer, CONVOLUTIONS)]
    else:
        wanted = layers if isinstance(layers, (list, tuple)) else [layers]
        names = [resolve(view, layer) for layer in wanted]
    extractor = keras.Model(view.inputs, [view.uses[name].output for name in names])
    outputs = keras.tree.flatten(extractor(batch, training=False))
    return {
        name: np.asarray(output, dtype="float32")[0]
        for name, output in zip(names, outputs, strict=True)
    }


def resolve(view: FlatView, layer: str | keras.Layer | None = None) -> str:
    """Return the name of a feature map in `view`; see `find_layer`."""
    maps = view.feature_maps()
    if not maps:
        raise InvalidInput(
            f"The model {view.model_name!r} has no convolution layer, and Grad-CAM needs the "
            f"feature maps of one; explain.saliency, integrated_gradients and occlusion do not."
        )
    if layer is None:
        return _default_map(view)
    found = next(_matches(view, layer), [])
    wanted = layer if isinstance(layer, str) else getattr(layer, "name", repr(layer))
    if len(found) > 1:
        raise InvalidInput(
            f"The layer {wanted!r} is found {len(found)} times in the model "
            f"{view.model_name!r}; choose one of {', '.join(map(repr, found))}."
        )
    if not found:
        known = [name for name, use in maps.items() if not _is_one_position(use)]
        near = get_close_matches(wanted, known, n=3, cutoff=0.5)
        raise InvalidInput(
            f"The model {view.model_name!r} has no feature map called {wanted!r}; "
            f"{'the nearest are' if near else 'it has'} "
            f"{', '.join(map(repr, near or known[-8:]))} (explain.feature_maps lists them all)."
        )
    if _is_one_position(maps[found[0]]):
        raise InvalidInput(
            f"The feature map of {found[0]!r} is 1 × 1, so it does not say where something is; "
            f"choose an earlier layer, such as {_default_map(view)!r}."
        )
    return found[0]


def _default_map(view: FlatView) -> str:
    """Return the last feature map that has positions and is not only passed through."""
    for name, use in reversed(view.feature_maps().items()):
        if not _is_one_position(use) and not isinstance(use.layer, _PASS_THROUGH):
            return name
    raise InvalidInput(
        f"All feature maps of the model {view.model_name!r} are 1 × 1, so none of them says where "
        f"something is; use larger images."
    )


def _matches(view: FlatView, layer: str | keras.Layer) -> Iterator[list[str]]:
    """Yield the feature maps that `layer` may mean, the closest match first, without empty lists.

    The order is: the layer itself; its full name; a nested model; the name without its path or
    without its number; the name without both.
    """
    maps = view.feature_maps()
    output_of_nested = view.nested.get(layer) if isinstance(layer, str) else None
    for fits in (
        lambda name: maps[name].layer is layer,
        lambda name: name == layer,
        lambda name: name == output_of_nested,
        lambda name: layer in (name.split("/")[-1], name.split(":")[0]),
        lambda name: layer == name.split("/")[-1].split(":")[0],
    ):
        found = [name for name in maps if fits(name)]
        if found:
            yield found


def _is_one_position(use: LayerUse) -> bool:
    """Return whether a feature map is 1 × 1; a size that depends on the images is not."""
    return tuple(use.output.shape[1:3]) == (1, 1)
