"""The layer builder of lesson 03: a stack of layers with its shapes and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from course_utils import models
from course_utils.exceptions import InvalidInput
from course_utils.validate import whole_number
from course_utils.widgets.page import Widget, sentence

#: The sides of the smallest image on which the first stack fits, which pools twice.
_LEAST = 4


def layer_builder(input_shape: Sequence[int] = (96, 96, 3), num_classes: int = 5) -> Widget:
    """Let the reader build a network, see its shapes and parameters, or predict them.

    Layers are added, moved, removed and changed; a layer that does not fit is explained.

    Parameters
    ----------
    input_shape : sequence of three int
        Height, width and channels of the images at the beginning.
    num_classes : int
        Number of classes.

    Returns
    -------
    Widget
        Begins with two convolutions and poolings, flatten and a dense layer.

    Raises
    ------
    InvalidInput
        If the shape is not that of an image of at least 4 × 4 pixels.
    """
    if len(tuple(input_shape)) != 3:
        raise InvalidInput(
            f"input_shape must be (height, width, channels), but it is {tuple(input_shape)}."
        )
    height, width, channels = input_shape
    shape = [
        whole_number("the height", height, _LEAST),
        whole_number("the width", width, _LEAST),
        whole_number("the number of channels", channels, 1),
    ]
    classes = whole_number("num_classes", num_classes, 2)
    stack = _first_stack(classes)
    return Widget(
        "layer_builder",
        {"input": shape, "classes": classes, "stack": stack},
        _table(shape, stack),
        "Layer builder: layers can be added, moved, changed and removed; output shapes and "
        "parameters follow, or are predicted.",
    )


def _first_stack(classes: int) -> list[dict[str, Any]]:
    """Return the layers at the beginning: class name and arguments of Keras."""
    stack: list[dict[str, Any]] = []
    for filters in (16, 32):
        convolution = {"filters": filters, "kernel_size": 3, "strides": 1, "padding": "same"}
        stack += [{"kind": "Conv2D", **convolution}, {"kind": "MaxPooling2D", "pool_size": 2}]
    return [*stack, {"kind": "Flatten"}, {"kind": "Dense", "units": classes}]


def keras_layer(layer: dict[str, Any]) -> Any:
    """Return the Keras layer of an entry of a stack."""
    import keras

    arguments = {name: value for name, value in layer.items() if name != "kind"}
    return getattr(keras.layers, layer["kind"])(**arguments)


def _table(shape: Sequence[int], stack: Sequence[dict[str, Any]]) -> str:
    """Return the stack as an HTML table, for readers without scripts."""
    import keras

    model = keras.Sequential([keras.Input(tuple(shape)), *map(keras_layer, stack)])
    table = models.layer_table(model).drop(columns="layer")
    rows = [
        f"<tr><td>{row.kind}</td><td>{row[2]}</td><td>{row[3]:,}</td></tr>"
        for row in table.itertuples()
    ]
    head = "<tr><th>layer</th><th>output shape</th><th>parameters</th></tr>"
    words = (
        "Layer builder. It needs scripts; without them, here is the stack that it begins with: "
        f"{model.count_params():,} parameters in all for images of {shape[0]} × {shape[1]} pixels."
    )
    return f"{sentence(words)}<table>{head}{''.join(rows)}</table>"
