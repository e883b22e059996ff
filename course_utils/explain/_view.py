"""A flat view of a Keras model: all its layers in one graph, with logits at the end.

tf-explain gets a layer of a model by its name and computes the gradient of one output with respect
to that layer. This fails for layers of a backbone that is nested in the model, and behind a softmax
the gradient vanishes where the prediction is confident. So tf-explain is given a view, which is
made in three steps:

1. Find the layers: `_GraphBuilder` goes through them in the order in which the model calls them,
   and enters nested models.
2. Flat view: each layer is called once more, in a new graph, by a `_Borrowed` layer that shares its
   weights. The model itself is not changed. The softmax or sigmoid at the end is left out.
3. Forward: `FlatView.score_model` is a model from images to the logit of one class.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from course_utils.explain._inputs import check_model, has_graph

if TYPE_CHECKING:
    from collections.abc import Callable

CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
_HALF = ("float16", "bfloat16")


@dataclass
class LayerUse:
    """One call of one layer in the graph."""

    path: str  # "layer", or "backbone/layer" in a nested model
    layer: Any  # the layer of the model itself
    output: Any  # its output in the view, a KerasTensor
    name_in_view: str


@dataclass
class FlatView:
    """A model as one graph.

    Attributes
    ----------
    model_name : str
    inputs : KerasTensor
        The images, (N, H, W, C).
    logits : KerasTensor
        (N, classes), before softmax or sigmoid. One output unit counts as two classes, with the
        logits -z and z.
    uses : dict of str to LayerUse
        All calls of layers by name, in the order of the graph. The name of a layer that is called
        more than once ends with ``:1``, ``:2``, ...
    nested : dict of str to str
        For each nested model the name of the use that computes its output.
    binary : bool
        Whether the model has a single output unit.
    """

    model_name: str
    inputs: Any
    logits: Any
    uses: dict[str, LayerUse]
    nested: dict[str, str]
    binary: bool

    @property
    def num_classes(self) -> int:
        """Number of classes that can be explained."""
        return int(self.logits.shape[-1])

    def score_model(self, target: str | None = None) -> tuple[keras.Model, ClassScore]:
        """Return the model from images to the score (N, 1) of a class, and its score layer.

        Gradients with respect to the output of `target` can be computed, or with respect to the
        images where it is None.
        """
        score = ClassScore(name="class_score")
        model = keras.Model(self.inputs, score(self.logits), name="view")
        for name, use in self.uses.items():
            model.get_layer(use.name_in_view).is_target = name == target
        return model, score

    def feature_maps(self) -> dict[str, LayerUse]:
        """Return the uses with an output (N, h, w, channels), from the first convolution on."""
        maps: dict[str, LayerUse] = {}
        for name, use in self.uses.items():
            if len(use.output.shape) == 4 and (maps or isinstance(use.layer, CONVOLUTIONS)):
                maps[name] = use
        return maps


def flat_view(model: keras.Model) -> FlatView:
    """Return `model` as one graph.

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
    builder = _GraphBuilder()
    inputs = keras.Input(batch_shape=(None, *model.inputs[0].shape[1:]), name="images")
    logits = builder.call_model(model, inputs, prefix="", is_end=True)
    binary = logits.shape[-1] == 1
    if binary:
        logits = ops.concatenate([-logits, logits], axis=-1)
    names = _numbered([use.path for use in builder.uses])
    return FlatView(
        model_name=model.name,
        inputs=inputs,
        logits=logits,
        uses={
            name: use
            for name, use in zip(names, builder.uses, strict=True)
            if hasattr(use.output, "shape")  # a single tensor
        },
        nested={path: names[index] for path, index in builder.nested.items()},
        binary=binary,
    )


def _numbered(paths: list[str]) -> list[str]:
    """Append ``:1``, ``:2``, ... to paths that occur more than once."""
    total, seen, names = Counter(paths), Counter[str](), []
    for path in paths:
        seen[path] += 1
        names.append(f"{path}:{seen[path]}" if total[path] > 1 else path)
    return names


class _GraphBuilder:
    """Calls the layers of a model in a new graph, and records each call."""

    def __init__(self) -> None:
        self.uses: list[LayerUse] = []
        self.nested: dict[str, int] = {}  # path of a nested model: index of its last use

    def call_model(self, model: Any, x: Any, prefix: str, is_end: bool) -> Any:
        """Call the layers of `model` on the tensor `x`; return the output.

        `prefix` is the path of a nested model. `is_end` tells whether the model computes the
        output of the whole, so that its last activation is to be left out.
        """
        end = _final_activation(model) if is_end else None

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return self._call_layer(layer, args, kwargs, prefix, layer is end)

        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                x = call(layer, x)
            return x
        # The only undocumented method used here. keras.models.clone_model uses it the same way, but
        # its copy of a nested model is no part of the graph around it.
        (output,) = keras.tree.flatten(model._run_through_graph(x, call_fn=call))
        return output

    def _call_layer(self, layer: Any, args: Any, kwargs: Any, prefix: str, is_end: bool) -> Any:
        path = prefix + layer.name
        if _is_nested_model(layer):
            output = self.call_model(layer, args[0], f"{path}/", is_end)
            self.nested[path] = len(self.uses) - 1
            return output
        name = f"view_{len(self.uses)}"
        output = _borrow(layer, args, kwargs, name, without_activation=is_end)
        self.uses.append(LayerUse(path, layer, output, name))
        return output


def _is_nested_model(layer: Any) -> bool:
    return has_graph(layer) and len(layer.inputs) == 1 and len(layer.outputs) == 1


def _final_activation(model: Any) -> Any:
    """Return the layer (or nested model) that turns logits into probabilities, else None."""
    sequence = model.layers if isinstance(model, keras.Sequential) else model.operations
    for layer in reversed(sequence):
        activation = getattr(layer, "activation", None)
        if (
            _is_nested_model(layer)
            or type(layer).__name__ in ("Softmax", "Sigmoid")
            or activation in (keras.activations.softmax, keras.activations.sigmoid)
        ):
            return layer
        is_linear = isinstance(layer, layers.Activation) and activation is keras.activations.linear
        if not is_linear and not isinstance(layer, (layers.Identity, layers.Dropout)):
            return None
    return None


class _Borrowed(layers.Layer):
    """Calls a layer of another model, and leaves that layer as it is.

    Its input is the list of the tensors that the layer is called with; `arguments` turns them into
    all arguments of that call. Where `is_target` is set, gradients are computed back to the output
    of this layer and no further, which saves most of the work.
    """

    def __init__(
        self,
        layer: Any,
        arguments: Callable[[list[Any]], tuple[tuple, dict[str, Any]]],
        name: str,
        without_activation: bool,
    ) -> None:
        super().__init__(name=name, autocast=False)
        self.layer = layer
        self.arguments = arguments
        self.without_activation = without_activation
        self.is_target = False
        self.built = True

    def call(self, tensors: list[Any], training: bool = False) -> Any:
        # Keras passes the default of `training` on to all layers inside, so that dropout and
        # augmentation are off. A graph may contain training=True for a layer; it is off here, too.
        args, kwargs = self.arguments(tensors)
        if "training" in kwargs:
            kwargs = {**kwargs, "training": False}
        output = keras.tree.map_structure(_as_float32, self._output(*args, **kwargs))
        return _stop_gradients(output) if self.is_target else output

    def compute_output_spec(self, tensors: list[Any], training: bool = False) -> Any:
        # Faster than the default of Keras, which traces `call`.
        args, kwargs = self.arguments(tensors)
        spec = self.layer.compute_output_spec(*args, **kwargs)
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, "float32" if x.dtype in _HALF else x.dtype), spec
        )

    def _output(self, *args: Any, **kwargs: Any) -> Any:
        if not self.without_activation:
            return self.layer(*args, **kwargs)
        if not hasattr(self.layer, "activation"):  # the softmax is a layer of its own
            return args[0]
        activation, self.layer.activation = self.layer.activation, keras.activations.linear
        try:
            return self.layer(*args, **kwargs)
        finally:
            self.layer.activation = activation


def _borrow(layer: Any, args: tuple, kwargs: dict, name: str, without_activation: bool) -> Any:
    """Call `layer` through a `_Borrowed` layer; return the output, a KerasTensor."""
    leaves = keras.tree.flatten((args, kwargs))
    positions = [i for i, leaf in enumerate(leaves) if isinstance(leaf, keras.KerasTensor)]

    def arguments(tensors: list[Any]) -> tuple[tuple, dict[str, Any]]:
        filled = list(leaves)
        for position, tensor in zip(positions, tensors, strict=True):
            filled[position] = tensor
        return keras.tree.pack_sequence_as((args, kwargs), filled)

    borrowed = _Borrowed(layer, arguments, name, without_activation)
    return borrowed([leaves[position] for position in positions])


def _as_float32(x: Any) -> Any:
    """Cast half-precision tensors, so that mixed-precision models can be explained, too."""
    return ops.cast(x, "float32") if keras.backend.standardize_dtype(x.dtype) in _HALF else x


@tf.custom_gradient
def _stop_gradients(x: Any) -> Any:
    """Return `x`, whose gradient is not passed on to what it was computed from."""
    return tf.identity(x), lambda _: None


class ClassScore(layers.Layer):
    """Selects from logits (N, classes) the logit (N, 1) of one class per image.

    `classes`, an int array (N,), is set before each batch; None selects the highest logit.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, autocast=False)
        self.classes: np.ndarray | None = None
        self.built = True

    def call(self, logits: Any) -> Any:
        if self.classes is None:
            return ops.max(logits, axis=1, keepdims=True)
        return ops.take_along_axis(logits, ops.convert_to_tensor(self.classes)[:, None], axis=1)
