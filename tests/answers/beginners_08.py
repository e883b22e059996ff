"""Exercise 08; see :mod:`answers.beginners`."""

from __future__ import annotations

# ruff: noqa: E501

RIGHT: dict[str, dict[str, str]] = {}
WRONG: dict[str, dict[str, tuple[str, str]]] = {}

# --- 08.1 · on paper ---------------------------------------------------------------------------

_PAPER = """\
maps, units, classes = 320, 50, 5
trained = maps * units + units + units * classes + classes
trained_with_flatten = 12 * 12 * maps * units + units + units * classes + classes
times_fewer = (4 * 30 * 500) / 500
"""
RIGHT["08.1"] = {
    "with names": _PAPER,
    "asked of Keras": """\
def parameters(pool):
    net = keras.Sequential([keras.Input((12, 12, 320)), pool, keras.layers.Dense(50), keras.layers.Dense(5)])
    return net.count_params()

trained = parameters(keras.layers.GlobalAveragePooling2D())
trained_with_flatten = parameters(keras.layers.Flatten())
times_fewer = 120
""",
    "step by step": """\
first = 0
for unit in range(50):
    first += 320 + 1
trained = first + 5 * 51
trained_with_flatten = trained + 50 * 320 * (144 - 1)
times_fewer = len(range(4)) * 30
""",
    "as arrays and whole floats": """\
trained = np.sum([320 * 50, 50, 50 * 5, 5])
trained_with_flatten = float(np.prod([12, 12, 320, 50]) + 50 + 255)
times_fewer = 120.0
""",
}
WRONG["08.1"] = {
    "maps counted as places": (
        _PAPER + "trained = 144 * 50 + 50 + 255\n",
        "the average is taken over 144 places; 320 numbers remain",
    ),
    "as a convolution": (_PAPER + "trained = 3 * 3 * 320 * 50 + 50 + 255\n", "no 3×3 filters"),
    "as a 1 × 1 convolution over all places": (
        _PAPER + "trained = 144 * 320 * 50 + 255\n",
        "the pooling is forgotten",
    ),
    "pooling with parameters": (_PAPER + "trained = 320 + 16050 + 255\n", "pooling has none"),
    "one bias for a layer": (_PAPER + "trained = 16000 + 1 + 250 + 1\n", "one bias for each unit"),
    "one side of the maps": (
        _PAPER + "trained_with_flatten = 12 * 320 * 50 + 50 + 255\n",
        "12 × 12 places",
    ),
    "flatten in thousands": (_PAPER + "trained_with_flatten = 2304\n", "rounded"),
    "maps forgotten": (_PAPER + "trained_with_flatten = 144 * 50 + 50 + 255\n", "320 maps"),
    "with the pictures": (_PAPER + "times_fewer = 4 * 30 * 500\n", "that many, not that factor"),
    "percent": (_PAPER + "times_fewer = (1 - 1 / 120) * 100\n", "a percentage"),
    "one more pass": (_PAPER + "times_fewer = 121\n", "one added"),
    "exchanged": (
        _PAPER + "trained, trained_with_flatten = trained_with_flatten, trained\n",
        "exchanged",
    ),
    "as text": (_PAPER + "times_fewer = '120 times'\n", "no number"),
}

# --- 08.2 · a new head -------------------------------------------------------------------------

RIGHT["08.2"] = {
    "named steps": """\
def build_transfer(base, num_classes):
    base.trainable = False
    pictures = keras.Input(shape=base.input_shape[1:], name="pictures")
    x = base(pictures, training=False)
    x = keras.layers.GlobalAvgPool2D(name="mean_of_each_map")(x)
    x = keras.layers.Dense(units=num_classes, activation="linear", name="logits")(x)
    model = keras.Model(inputs=pictures, outputs=x, name="transfer")
    return model
""",
    "add to a Sequential": """\
def build_transfer(base, num_classes):
    model = keras.Sequential()
    model.add(keras.Input(base.input_shape[1:]))
    model.add(base)
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(num_classes))
    base.trainable = False
    return model
""",
    "average pooling over the whole map": """\
def build_transfer(base, num_classes):
    base.trainable = False
    height, width = base.output_shape[1:3]
    inputs = keras.Input(base.input_shape[1:])
    x = base(inputs, training=False)
    x = keras.layers.AveragePooling2D((height, width))(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(num_classes)(x))
""",
    "with an operation": """\
def build_transfer(base, num_classes):
    for layer in base.layers:
        layer.trainable = False
    inputs = keras.Input((16, 16, 3))
    vector = keras.ops.mean(base(inputs, training=False), axis=[1, 2])
    return keras.Model(inputs, keras.layers.Dense(num_classes)(vector))
""",
    "a head of its own": """\
def build_transfer(base, num_classes):
    base.trainable = False
    head = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(num_classes)])
    inputs = keras.Input(base.input_shape[1:])
    return keras.Model(inputs, head(base(inputs, training=False)))
""",
    "compiled as well": """\
def build_transfer(base, num_classes):
    base.trainable = False
    inputs = keras.Input(base.input_shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(base(inputs, training=False))
    model = keras.Model(inputs, keras.layers.Dense(num_classes)(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
""",
}
_HEAD = """\
def build_transfer(base, num_classes):
    base.trainable = False
    inputs = keras.Input(base.input_shape[1:])
    x = base(inputs, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(num_classes)(x)
    return keras.Model(inputs, outputs)
"""
WRONG["08.2"] = {
    "frozen by training=False": (
        _HEAD.replace("    base.trainable = False\n", ""),
        "training=False does not freeze",
    ),
    "a misspelled property": (
        _HEAD.replace("base.trainable", "base.training"),
        "a new attribute, and nothing is frozen",
    ),
    "trainable the wrong way round": (
        _HEAD.replace("trainable = False", "trainable = True"),
        "nothing is frozen",
    ),
    "the last layer of the base learns": (
        _HEAD.replace(
            "base.trainable = False", "for layer in base.layers[:-3]: layer.trainable = False"
        ),
        "a convolution learns",
    ),
    "all but batch normalization frozen": (
        _HEAD.replace(
            "base.trainable = False",
            "for layer in base.layers:\n        layer.trainable = isinstance(layer, keras.layers.BatchNormalization)",
        ),
        "batch normalization learns",
    ),
    "divided by 255": (_HEAD.replace("base(inputs,", "base(inputs / 255.0,"), "rescaled twice"),
    "rescaled to -1 to 1": (
        _HEAD.replace("base(inputs,", "base(keras.layers.Rescaling(1 / 127.5, -1)(inputs),"),
        "rescaled twice",
    ),
    "softmax layer": (
        _HEAD.replace(
            "(num_classes)(x)", "(num_classes)(x)\n    outputs = keras.layers.Softmax()(outputs)"
        ),
        "probabilities",
    ),
    "a hidden layer": (
        _HEAD.replace(
            "outputs =", "x = keras.layers.Dense(50, activation='relu')(x)\n    outputs ="
        ),
        "another layer",
    ),
    "local pooling": (
        _HEAD.replace("GlobalAveragePooling2D()", "AveragePooling2D(2)").replace(
            "outputs =", "x = keras.layers.Flatten()(x)\n    outputs ="
        ),
        "windows of 2 × 2",
    ),
    "a dense layer before the pooling": (
        _HEAD.replace(
            "x = keras.layers.GlobalAveragePooling2D()(x)\n    outputs = keras.layers.Dense(num_classes)(x)",
            "x = keras.layers.Dense(num_classes, 'relu')(x)\n    outputs = keras.layers.GlobalAveragePooling2D()(x)",
        ),
        "ReLU before the mean",
    ),
    "a copy of the base": (
        _HEAD.replace(
            "    base.trainable", "    base = keras.models.clone_model(base)\n    base.trainable"
        ),
        "a clone has new weights",
    ),
    "a base of its own": (
        _HEAD.replace("    base.trainable", "    base = small_base()\n    base.trainable"),
        "other weights than those of the given base",
    ),
    "only the head is returned": (
        _HEAD.replace(
            "keras.Model(inputs, outputs)",
            "keras.Sequential([keras.Input((8,)), keras.layers.Dense(num_classes)])",
        ),
        "takes vectors, not pixels",
    ),
    "the output": (_HEAD.replace("keras.Model(inputs, outputs)", "outputs"), "no network"),
    "only the base": (_HEAD.replace("keras.Model(inputs, outputs)", "base"), "no head"),
}

# --- 08.3 · features ---------------------------------------------------------------------------

RIGHT["08.3"] = {
    "twice a mean": """\
def features_of(base, pictures):
    maps = base(pictures, training=False)
    return np.asarray(maps).mean(axis=1).mean(axis=1)
""",
    "reshaped": """\
def features_of(base, pictures):
    maps = base.predict(np.array(pictures), verbose=0)
    n, height, width, count = maps.shape
    return maps.reshape(n, height * width, count).mean(axis=1)
""",
    "sum by number": """\
def features_of(base, pictures):
    maps = base.predict(pictures, batch_size=1, verbose=0)
    return maps.sum(axis=(1, 2)) / (maps.shape[1] * maps.shape[2])
""",
    "a Sequential": """\
def features_of(base, pictures):
    extractor = keras.Sequential([base, keras.layers.GlobalAveragePooling2D()])
    return extractor.predict(pictures, verbose=0)
""",
    "Keras's mean": """\
def features_of(base, pictures):
    base.trainable = False
    return keras.ops.convert_to_numpy(keras.ops.mean(base(pictures), axis=(1, 2)))
""",
    "einsum": """\
def features_of(base, pictures):
    maps = base.predict(pictures, verbose=0)
    return np.einsum("nhwc->nc", maps) / maps[0, :, :, 0].size
""",
    "one picture at a time": """\
def features_of(base, pictures):
    vectors = []
    for k in range(len(pictures)):
        maps = np.array(base(pictures[k : k + 1], training=False))[0]
        vectors.append(np.mean(maps, axis=(0, 1)))
    return np.stack(vectors)
""",
}
_FEATURES = """\
def features_of(base, pictures):
    maps = base.predict(pictures, verbose=0)
    return maps.mean(axis=(1, 2))
"""
WRONG["08.3"] = {
    "divided by 255 first": (_FEATURES.replace("(pictures,", "(pictures / 255,"), "rescaled twice"),
    "standardized pictures": (
        _FEATURES.replace(
            "    maps", "    pictures = (pictures - pictures.mean()) / pictures.std()\n    maps"
        ),
        "other pixels than the base expects",
    ),
    "normalized vectors": (
        _FEATURES.replace(
            "return maps.mean(axis=(1, 2))",
            "v = maps.mean(axis=(1, 2))\n    return v / np.linalg.norm(v, axis=1, keepdims=True)",
        ),
        "length 1, which was not asked",
    ),
    "one mean for a picture": (
        _FEATURES.replace("axis=(1, 2)", "axis=(1, 2, 3)"),
        "one number, not one for each map",
    ),
    "a mean of everything": (_FEATURES.replace("axis=(1, 2)", ""), "one number"),
    "the axes of channels first": (_FEATURES.replace("(1, 2)", "(2, 3)"), "wrong axes"),
    "the axes of one picture": (_FEATURES.replace("(1, 2)", "(0, 1)"), "over the pictures"),
    "axes kept": (
        _FEATURES.replace("axis=(1, 2)", "axis=(1, 2), keepdims=True"),
        "the shape is (N, 1, 1, maps)",
    ),
    "the middle": (
        _FEATURES.replace(
            "maps.mean(axis=(1, 2))", "maps[:, maps.shape[1] // 2, maps.shape[2] // 2]"
        ),
        "one place of each map",
    ),
    "median": (
        _FEATURES.replace("maps.mean", "np.median(maps, ").replace("(maps, (", "(maps, "),
        "no mean",
    ),
    "only one picture": (
        _FEATURES.replace("(pictures,", "(pictures[:1],"),
        "only the first picture",
    ),
    "in training mode": (
        _FEATURES.replace(
            "base.predict(pictures, verbose=0)", "np.array(base(pictures, training=True))"
        ),
        "in training mode",
    ),
    "transposed": (_FEATURES.replace("(1, 2))", "(1, 2)).T"), "one row for each map"),
    "positive part of centered": (
        _FEATURES.replace("return maps", "maps = maps - maps.mean()\n    return maps"),
        "centered",
    ),
    "printed": (_FEATURES.replace("return ", "print(") + "    )\n", "nothing returned"),
}

# --- 08.4 · fine-tuning ------------------------------------------------------------------------

_TUNE = """\
def prepare_fine_tuning(model):
    for layer in model.layers:
        if layer.name == "block3_conv" or layer.name == "logits":
            layer.trainable = True
        else:
            layer.trainable = False
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
"""
RIGHT["08.4"] = {
    "if and else": _TUNE,
    "the names in a set": """\
def prepare_fine_tuning(model):
    learn = {"block3_conv", "logits"}
    for layer in model.layers:
        layer.trainable = layer.name in learn
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  optimizer=keras.optimizers.RMSprop(2e-5))
    return model
""",
    "by position": """\
def prepare_fine_tuning(model):
    model.trainable = True
    for number, layer in enumerate(model.layers):
        layer.trainable = number in (8, 12)
    model.compile(keras.optimizers.SGD(0.0001), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
""",
    "everything from a layer on, without batch normalization": """\
def prepare_fine_tuning(model):
    started = False
    for layer in model.layers:
        started = started or layer.name == "block3_conv"
        layer.trainable = started and not isinstance(layer, keras.layers.BatchNormalization)
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-5),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    return model
""",
    "a hundredth": _TUNE.replace("learning_rate=1e-4", "learning_rate=0.001 / 100"),
    "a tenth": _TUNE.replace("learning_rate=1e-4", "learning_rate=0.001 / 10"),
    "a smoother rate": """\
def prepare_fine_tuning(model):
    model.get_layer("block3_conv").trainable = True
    optimizer = keras.optimizers.Nadam()
    optimizer.learning_rate = 0.00005
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    return model
""",
}
WRONG["08.4"] = {
    "the whole third block": (
        _TUNE.replace('layer.name == "block3_conv"', '"block3" in layer.name'),
        "its batch normalization learns",
    ),
    "the second block, too": (
        _TUNE.replace(
            'layer.name == "block3_conv"', 'layer.name in ("block2_conv", "block3_conv")'
        ),
        "block2_conv learns",
    ),
    "everything": (
        "def prepare_fine_tuning(model):\n    model.trainable = True\n"
        + _TUNE[_TUNE.index("    model.compile") :],
        "all layers learn",
    ),
    "only the head": (
        _TUNE.replace('layer.name == "block3_conv" or ', ""),
        "block3_conv is frozen",
    ),
    "only the block": (_TUNE.replace(' or layer.name == "logits"', ""), "the head is frozen"),
    "exchanged": (
        _TUNE.replace("trainable = True", "trainable = None")
        .replace("trainable = False", "trainable = True")
        .replace("trainable = None", "trainable = False"),
        "frozen and learning exchanged",
    ),
    "only compiled": (
        "def prepare_fine_tuning(model):\n" + _TUNE[_TUNE.index("    model.compile") :],
        "nothing was unfrozen",
    ),
    "frozen again in the end": (
        _TUNE.replace("    return", "    model.trainable = False\n    return"),
        "nothing learns",
    ),
    "the usual rate": (
        _TUNE.replace("learning_rate=1e-4", "learning_rate=1e-3"),
        "as for the head",
    ),
    "no rate given": (
        _TUNE.replace("keras.optimizers.Adam(learning_rate=1e-4)", '"adam"'),
        "0.001",
    ),
    "half": (_TUNE.replace("learning_rate=1e-4", "learning_rate=5e-4"), "only half"),
    "a thousandth": (
        _TUNE.replace("learning_rate=1e-4", "learning_rate=1e-6"),
        "1000 times smaller",
    ),
    "loss by name": (
        _TUNE.replace(
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
            '"sparse_categorical_crossentropy"',
        ),
        "expects probabilities",
    ),
    "loss for one-hot": (
        _TUNE.replace("SparseCategorical", "Categorical"),
        "labels are class indices",
    ),
    "binary loss": (
        _TUNE.replace("SparseCategoricalCrossentropy", "BinaryCrossentropy"),
        "for one logit",
    ),
    "a copy from its configuration": (
        _TUNE.replace(
            "    for layer",
            "    model = keras.Model.from_config(model.get_config())\n    for layer",
            1,
        ),
        "new weights",
    ),
    "a softmax added": (
        _TUNE.replace(
            "    model.compile",
            "    model = keras.Sequential([model, keras.layers.Softmax()])\n    model.compile",
        ),
        "probabilities",
    ),
    "not compiled": (
        _TUNE[: _TUNE.index("    model.compile")] + "    return model\n",
        "not compiled",
    ),
    "the layers are returned": (
        _TUNE.replace(
            "return model", "return [layer for layer in model.layers if layer.trainable]"
        ),
        "a list of layers",
    ),
}
