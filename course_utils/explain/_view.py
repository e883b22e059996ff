"""A flat view of a Keras model: one graph without nesting, with logits at its end.

tf-explain asks a model for a layer by its name and for the gradient of one output. That fails on
a Sequential model and on a backbone nested in another model, and behind a softmax the gradient
vanishes where the model is sure. What tf-explain is given here is therefore a view: the same layers
with the same weights, laid out in one graph. The layers are borrowed, not copied, and the model
they belong to is not touched.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers, ops

from course_utils.exceptions import InvalidInput
from course_utils.models import check_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)

# These only thin out, pad, rearrange or repeat the feature map of the layer before them.
_PASS_ON = (
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.ZeroPadding2D,
    layers.Cropping2D,
    layers.UpSampling2D,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.Reshape,
    layers.Permute,
)


_HALF = ("float16", "bfloat16")


class _Borrowed(layers.Layer):
    """Calls a layer that belongs to another model, without adding anything to that layer.

    Its input is the flat list of the tensors that the layer is called with; ``arguments`` puts them
    back among the other arguments. Where ``is_target`` is set, gradients go back to the output of
    this layer and no further, which saves the larger part of the work.
    """

    def __init__(
        self,
        lender: Any,
        arguments: Callable[[list[Any]], tuple[tuple, dict[str, Any]]],
        name: str,
        without_activation: bool,
    ) -> None:
        super().__init__(name=name, autocast=False)
        self.lender = lender
        self.arguments = arguments
        self.without_activation = without_activation
        self.is_target = False
        self.built = True

    def call(self, tensors: list[Any], training: bool = False) -> Any:
        # Keras hands the default of `training` on to every layer inside, and its random layers
        # would otherwise be random. A graph may also ask for training=True; not here.
        args, kwargs = self.arguments(tensors)
        if "training" in kwargs:
            kwargs = {**kwargs, "training": False}
        output = keras.tree.map_structure(_as_float32, self._output(*args, **kwargs))
        return _end_of_gradients(output) if self.is_target else output

    def compute_output_spec(self, tensors: list[Any], training: bool = False) -> Any:
        # Layers know their output shapes, and asking is quicker than trying the layer out.
        args, kwargs = self.arguments(tensors)
        spec = self.lender.compute_output_spec(*args, **kwargs)
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, "float32" if x.dtype in _HALF else x.dtype), spec
        )

    def _output(self, *args: Any, **kwargs: Any) -> Any:
        if not self.without_activation:
            return self.lender(*args, **kwargs)
        if not hasattr(self.lender, "activation"):  # the softmax is a layer of its own
            return args[0]
        activation, self.lender.activation = self.lender.activation, keras.activations.linear
        try:
            return self.lender(*args, **kwargs)
        finally:
            self.lender.activation = activation


def _borrow(lender: Any, args: tuple, kwargs: dict, name: str, without_activation: bool) -> Any:
    """Call `lender` through a `_Borrowed`; return the output, a KerasTensor."""
    leaves = keras.tree.flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, keras.KerasTensor)]

    def arguments(tensors: list[Any]) -> tuple[tuple, dict[str, Any]]:
        filled = list(leaves)
        for place, tensor in zip(places, tensors, strict=True):
            filled[place] = tensor
        return keras.tree.pack_sequence_as((args, kwargs), filled)

    borrowed = _Borrowed(lender, arguments, name, without_activation)
    return borrowed([leaves[place] for place in places])


def _as_float32(x: Any) -> Any:
    """Cast half-precision tensors, so that mixed-precision models can be explained, too."""
    return ops.cast(x, "float32") if keras.backend.standardize_dtype(x.dtype) in _HALF else x


@tf.custom_gradient
def _end_of_gradients(x: Any) -> Any:
    return tf.identity(x), lambda _: None


class ClassScore(layers.Layer):
    """From logits (N, classes) to the logit (N, 1) of one class per image.

    ``classes``, an int array (N,), is set before each batch; None takes each image's highest logit.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, autocast=False)
        self.classes: np.ndarray | None = None
        self.built = True

    def call(self, logits: Any) -> Any:
        if self.classes is None:
            return ops.max(logits, axis=1, keepdims=True)
        return ops.take_along_axis(logits, ops.convert_to_tensor(self.classes)[:, None], axis=1)


@dataclass
class _Use:
    """One use of one layer in the graph."""

    path: str  # "layer", or "backbone/layer" in a nested model
    layer: Any  # the layer of the model itself
    output: Any  # its output in the view, a KerasTensor
    name_in_view: str


@dataclass
class FlatView:
    """A model laid out in one graph.

    Attributes
    ----------
    model_name : str
    inputs : KerasTensor
        The images, (N, H, W, C).
    logits : KerasTensor
        (N, classes), before softmax or sigmoid. One output unit counts as two classes, with the
        logits -z and z.
    uses : dict of str to _Use
        Every use of a layer, by its name, in the order of the graph. A layer that is used more than
        once has ``:1``, ``:2``, ... behind its name.
    nested : dict of str to str
        For each nested model the name of the use that gives its output.
    binary : bool
        Whether the model has a single output unit.
    """

    model_name: str
    inputs: Any
    logits: Any
    uses: dict[str, _Use]
    nested: dict[str, str]
    binary: bool

    @property
    def num_classes(self) -> int:
        """Number of classes that can be explained."""
        return int(self.logits.shape[-1])

    def score_model(self, target: str | None = None) -> tuple[keras.Model, ClassScore]:
        """Return the model from images to the score (N, 1) of a class, and its score layer.

        Gradients are meant for the output of `target`, or for the images where it is None.
        """
        score = ClassScore(name="class_score")
        model = keras.Model(self.inputs, score(self.logits), name="view")
        for name, use in self.uses.items():
            model.get_layer(use.name_in_view).is_target = name == target
        return model, score

    def feature_maps(self) -> dict[str, _Use]:
        """Choose the outputs (N, h, w, channels) of the first convolution and all after it."""
        maps: dict[str, _Use] = {}
        for name, use in self.uses.items():
            if len(use.output.shape) == 4 and (maps or isinstance(use.layer, _CONVOLUTIONS)):
                maps[name] = use
        return maps


@lru_cache
def _functional_class() -> Any:
    x = keras.Input((1,), name="x")
    return type(keras.Model(x, x, name="functional_model"))


def _is_functional(model: Any) -> bool:
    calls = (keras.Sequential.call, _functional_class().call)
    return isinstance(model, keras.Model) and type(model).call in calls


def _can_be_entered(layer: Any) -> bool:
    return _is_functional(layer) and len(layer.inputs) == 1 and len(layer.outputs) == 1


def check_model(model: Any) -> None:
    """Raise InvalidInput unless `model` is a built classifier, Sequential or functional."""
    if not isinstance(model, keras.Model):
        raise InvalidInput(f"model must be a Keras model, but it is a {type(model).__name__}.")
    if not _is_functional(model):
        raise InvalidInput(
            f"The model {model.name!r} is a subclass of keras.Model with a call method of its own "
            f"({type(model).__name__}), so its layers cannot be listed; build it with the "
            f"functional API, or use explain.occlusion, which needs nothing but predictions."
        )
    if not model.built or not all(layer.built for layer in model.layers):
        raise InvalidInput(
            f"The model {model.name!r} is not built yet: put keras.Input(shape=(height, width, "
            f"channels)) first in it, or call it once on a batch of images."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InvalidInput(
            f"The model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} "
            f"outputs, but one of each is needed; make a keras.Model of the pair to be explained."
        )
    if len(model.inputs[0].shape) != 4 or len(model.outputs[0].shape) != 2:
        raise InvalidInput(
            f"The model {model.name!r} turns {model.inputs[0].shape} into "
            f"{model.outputs[0].shape}, but a classifier of images turns (N, height, width, "
            f"channels) into (N, classes)."
        )


def flat_view(model: keras.Model) -> FlatView:
    """Lay out `model` in one graph.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional. Models nested in it are entered.

    Returns
    -------
    FlatView

    Raises
    ------
    InvalidInput
        If the model is not built, is subclassed, or is no classifier of images.
    """
    check_model(model)
    uses: list[_Use] = []
    nested: dict[str, int] = {}

    def walk(part: Any, x: Any, prefix: str, is_end: bool) -> Any:
        last = _squashing_end(part) if is_end else None

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            path = prefix + layer.name
            if _can_be_entered(layer):
                output = walk(layer, args[0], f"{path}/", layer is last)
                nested[path] = len(uses) - 1
                return output
            name = f"view_{len(uses)}"
            output = _borrow(layer, args, kwargs, name, layer is last)
            uses.append(_Use(path, layer, output, name))
            return output

        if isinstance(part, keras.Sequential):
            for layer in part.layers:
                x = call(layer, x)
            return x
        # The one undocumented method used here. keras.models.clone_model does the same with its
        # `call_function`, but cuts a nested model off from the graph around it.
        (output,) = keras.tree.flatten(part._run_through_graph(x, call_fn=call))
        return output

    inputs = keras.Input(batch_shape=(None, *model.inputs[0].shape[1:]), name="images")
    logits = walk(model, inputs, "", True)
    binary = logits.shape[-1] == 1
    if binary:
        logits = ops.concatenate([-logits, logits], axis=-1)
    names = _names([use.path for use in uses])
    return FlatView(
        model_name=model.name,
        inputs=inputs,
        logits=logits,
        uses={
            name: use for name, use in zip(names, uses, strict=True) if hasattr(use.output, "shape")
        },
        nested={path: names[index] for path, index in nested.items()},
        binary=binary,
    )


def _names(paths: list[str]) -> list[str]:
    """Put a number behind the name of a layer that is used more than once."""
    total, seen, names = Counter(paths), Counter[str](), []
    for path in paths:
        seen[path] += 1
        names.append(f"{path}:{seen[path]}" if total[path] > 1 else path)
    return names


def _squashing_end(part: Any) -> Any:
    """Return the layer (or nested model) that turns logits into probabilities, else None."""
    for layer in reversed(part.layers if isinstance(part, keras.Sequential) else part.operations):
        if _can_be_entered(layer):
            return layer
        activation = getattr(layer, "activation", None)
        if type(layer).__name__ in ("Softmax", "Sigmoid") or activation in (
            keras.activations.softmax,
            keras.activations.sigmoid,
        ):
            return layer
        if not (
            isinstance(layer, (layers.Identity, layers.Dropout))
            or (isinstance(layer, layers.Activation) and activation is keras.activations.linear)
        ):
            return None
    return None


def check_images(images: Any, model: keras.Model) -> np.ndarray:
    """Return `images` as a float32 array (N, H, W, C) that fits `model`.

    Raises
    ------
    InvalidInput
        If the images have not four dimensions, not the size or the channels of the model, hold
        values that are not finite, or are scaled to 0-1 although the model rescales by itself.
    """
    batch = np.asarray(images)
    if batch.ndim != 4:
        hint = "put it into a batch with images[np.newaxis]" if batch.ndim == 3 else "give a batch"
        raise InvalidInput(
            f"images must have four dimensions (N, height, width, channels), but their shape is "
            f"{batch.shape}; {hint}."
        )
    if not len(batch):
        raise InvalidInput("images is an empty batch; give at least one image.")
    if not np.issubdtype(batch.dtype, np.number):
        raise InvalidInput(f"images must be numbers, but their dtype is {batch.dtype}.")
    wanted = tuple(model.inputs[0].shape[1:])
    if any(w is not None and w != n for w, n in zip(wanted, batch.shape[1:], strict=True)):
        shape = " × ".join("any" if n is None else str(n) for n in wanted)
        raise InvalidInput(
            f"images are {' × '.join(map(str, batch.shape[1:]))}, but the model {model.name!r} "
            f"takes {shape} (height × width × channels); load them with that size."
        )
    batch = batch.astype("float32")
    if not np.isfinite(batch).all():
        raise InvalidInput("images hold NaN or infinite values; look at how they were loaded.")
    check_pixels(model, batch)
    return batch


def check_classes(classes: Any, count: int, num_classes: int) -> np.ndarray:
    """Return one class index per image, int32 (count,), from an index or from one per image."""
    array = np.asarray(classes)
    if not np.issubdtype(array.dtype, np.integer) or array.ndim > 1:
        raise InvalidInput(
            f"classes must be a class index, or one for each image, but it is {classes!r}."
        )
    if array.ndim == 1 and len(array) != count:
        raise InvalidInput(
            f"classes has {len(array)} entries, but there are {count} images; give one for each, "
            f"or one number for all."
        )
    array = np.broadcast_to(array, (count,)).astype("int32")
    wrong = array[(array < 0) | (array >= num_classes)]
    if len(wrong):
        raise InvalidInput(
            f"There is no class {wrong[0]}: the model tells {num_classes} classes apart, counted "
            f"from 0 to {num_classes - 1}."
        )
    return array


def resolve(view: FlatView, layer: Any = None) -> str:
    """Return the name of the wanted feature map in `view`; see `find_layer`."""
    maps = view.feature_maps()
    if not maps:
        raise InvalidInput(
            f"The model {view.model_name!r} has no convolution layer, and Grad-CAM needs the "
            f"feature maps of one; explain.saliency, integrated_gradients and occlusion do not."
        )
    wide = {name: use for name, use in maps.items() if _positions(use) != 1}
    if layer is None:
        proper = [name for name, use in wide.items() if not isinstance(use.layer, _PASS_ON)]
        if not proper:
            raise InvalidInput(
                f"All feature maps of the model {view.model_name!r} are 1 × 1, so none of them "
                f"says where something is; use larger images."
            )
        return proper[-1]
    if not isinstance(layer, str):
        found = [name for name, use in maps.items() if use.layer is layer]
        wanted = getattr(layer, "name", repr(layer))
    else:
        wanted = layer
        found = [layer] if layer in maps else []
        if not found and view.nested.get(layer) in maps:
            found = [view.nested[layer]]
        if not found:
            found = [n for n in maps if n.split("/")[-1] == layer or n.split(":")[0] == layer]
        if not found:
            found = [n for n in maps if n.split("/")[-1].split(":")[0] == layer]
    if len(found) > 1:
        raise InvalidInput(
            f"The layer {wanted!r} is found {len(found)} times in the model "
            f"{view.model_name!r}; choose one of {', '.join(map(repr, found))}."
        )
    if not found:
        near = get_close_matches(str(wanted), list(wide), n=3, cutoff=0.5)
        shown = near or list(wide)[-8:]
        raise InvalidInput(
            f"The model {view.model_name!r} has no feature map called {wanted!r}; "
            f"{'the nearest are' if near else 'it has'} {', '.join(map(repr, shown))} "
            f"(explain.feature_maps lists them all)."
        )
    if found[0] not in wide:
        raise InvalidInput(
            f"The feature map of {found[0]!r} is 1 × 1, so it does not say where something is; "
            f"choose an earlier layer, such as {resolve(view)!r}."
        )
    return found[0]


def _positions(use: _Use) -> int | None:
    _, height, width, _ = use.output.shape
    return None if height is None or width is None else height * width


def feature_maps(model: keras.Model) -> pd.DataFrame:
    """List the feature maps of a model: what Grad-CAM can be computed at.

    Models nested in the model are entered; their layers are called ``backbone/layer``. A layer that
    is used more than once appears once for each use, with ``:1``, ``:2``, ... behind its name.

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
    """Name the feature map that Grad-CAM looks at.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.
    layer : str or Layer, optional
        A layer, its name, or ``backbone/layer`` where it is nested. The name of a nested model
        stands for its output. By default the last feature map with more than one position, leaving
        out layers that only pool, pad or drop what they are given: for most networks the output of
        the last convolution with all that belongs to it (activation, normalisation, shortcut), as
        in the Grad-CAM paper.

    Returns
    -------
    str
        The name as `feature_maps` lists it.

    Raises
    ------
    InvalidInput
        If there is no such layer, if there are several, if its map is 1 × 1, or if the model has no
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
        The weights as they are, negative ones included; with RGB input, ``channels`` are red,
        green and blue.

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
    first = next(use.layer for use in view.uses.values() if isinstance(use.layer, _CONVOLUTIONS))
    kernel = np.asarray(
        first.get_weights()[0], dtype="float32"
    )  # (height, width, channels, filters)
    return kernel.transpose(3, 0, 1, 2)


def activations(
    model: keras.Model,
    image: np.ndarray,
    layers: str | keras.Layer | list[str | keras.Layer] | None = None,
) -> dict[str, np.ndarray]:
    """Return the feature maps that one image causes.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.
    image : array (H, W, C) or (1, H, W, C)
        Pixels 0-255.
    layers : str, Layer or list of them, optional
        Which feature maps; see `find_layer` for the names. All convolutions by default.

    Returns
    -------
    dict of str to ndarray, float32 (height, width, channels)
        In the order asked for.

    Raises
    ------
    InvalidInput
        If the image does not fit the model, or a layer is not found.

    Notes
    -----
    tf-explain's ExtractActivations draws one layer; this returns the numbers of several in one
    pass. First met in lesson 07.
    """
    check_model(model)
    picture = np.asarray(image)
    batch = check_images(picture[np.newaxis] if picture.ndim == 3 else picture, model)
    view = flat_view(model)
    if len(batch) != 1:
        raise InvalidInput(f"activations takes one image, but it was given {len(batch)}.")
    if layers is None:
        maps = view.feature_maps()
        resolve(view)
        names = [name for name, use in maps.items() if isinstance(use.layer, _CONVOLUTIONS)]
    else:
        asked = layers if isinstance(layers, (list, tuple)) else [layers]
        names = [resolve(view, layer) for layer in asked]
    extractor = keras.Model(view.inputs, [view.uses[name].output for name in names])
    outputs = extractor(batch, training=False)
    return {
        name: np.asarray(output, dtype="float32")[0]
        for name, output in zip(names, keras.tree.flatten(outputs), strict=True)
    }
