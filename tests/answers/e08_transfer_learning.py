"""Answers to exercise 08."""

from __future__ import annotations

from answers import Answers

# --- 08.1: numbers -----------------------------------------------------------------------------


def _paper(trained="16305", flat="2304305", fewer="120") -> str:
    return f"trained = {trained}\ntrained_with_flatten = {flat}\ntimes_fewer = {fewer}\n"


PAPER = Answers(
    right={
        "numbers": _paper(),
        "computed": _paper("321 * 50 + 51 * 5", "(144 * 320 + 1) * 50 + 255", "60000 / 500"),
        "NumPy numbers": _paper("np.int64(16305)", "2304305.0", "np.array([120])"),
    },
    wrong={
        "no bias": (_paper("16250"), "bias forgotten"),
        "no last layer": (_paper("16050"), "last layer forgotten"),
        "flattened": (_paper("2304305"), "flattened"),
        "no hidden layer": (_paper("1605"), "hidden layer forgotten"),
        "pooled": (_paper(flat="16305"), "pooled"),
        "flattened without bias": (_paper(flat="2304250"), "bias forgotten"),
        "one side": (_paper(flat="192305"), "one side only"),
        "flattened without the last layer": (_paper(flat="2304050"), "last layer forgotten"),
        "rates forgotten": (_paper(fewer="30"), "learning rates forgotten"),
        "epochs forgotten": (_paper(fewer="4"), "epochs forgotten"),
        "a number": (_paper(fewer="60000"), "number instead of factor"),
        "what is saved": (_paper(fewer="59500"), "number instead of factor"),
        "upside down": (_paper(fewer="1 / 120"), "upside down"),
        "added": (_paper(fewer="34"), "sum instead of product"),
        "a text": (_paper(fewer="'120'"), None),
        "the last layer alone": (_paper("255"), "first layer forgotten"),
        "first bias alone": (_paper("16300"), "bias forgotten"),
        "last bias alone": (_paper(flat="2304255"), "bias forgotten"),
        "one bias for a layer": (_paper("16252"), "one bias for a layer"),
        "no maps": (_paper(flat="7505"), "maps forgotten"),
        "percent": (_paper(fewer="(1 - 1 / 120) * 100"), "percent"),
        "pictures of one rate": (_paper(fewer="15000"), "number instead of factor"),
    },
    mutants=False,
)

# --- 08.2: a new head --------------------------------------------------------------------------


def _head(
    freeze="base.trainable = False",
    maps="base(inputs, training=False)",
    pool="GlobalAveragePooling2D()",
    last="Dense(num_classes)",
    end="return keras.Model(inputs, outputs)",
) -> str:
    return f"""def build_transfer(base, num_classes):
    {freeze}
    inputs = keras.Input(shape=(16, 16, 3))
    vector = keras.layers.{pool}({maps})
    outputs = keras.layers.{last}(vector)
    {end}
"""


HEAD = Answers(
    right={
        "functional": _head(),
        "sequential": """def build_transfer(base, num_classes):
    base.trainable = False
    return keras.Sequential([
        keras.Input(base.input_shape[1:]), base, keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(num_classes)])
""",
        "layer by layer": _head(freeze="for layer in base.layers: layer.trainable = False"),
        "a class": """class Whole(keras.Model):
    def __init__(self, base, num_classes):
        super().__init__()
        self.out = keras.layers.Dense(num_classes)
        self.base = base
        self.base.trainable = False

    def call(self, x):
        return self.out(keras.ops.mean(self.base(x, training=False), axis=(1, 2)))

def build_transfer(base, num_classes):
    return Whole(base, num_classes)
""",
        "dense on the base's own output": """def build_transfer(base, num_classes):
    for layer in base.layers:
        layer.trainable = False
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, keras.layers.Dense(num_classes)(x))
""",
    },
    wrong={
        "not frozen": (_head(freeze="pass"), "base not frozen"),
        "not frozen, in training mode": (
            _head(freeze="pass", maps="base(inputs)"),
            "base not frozen",
        ),
        "only the convolutions frozen": (
            _head(
                freeze="for one in base.layers: one.trainable = 'Conv' not in type(one).__name__"
            ),
            "base not frozen",
        ),
        "everything frozen": (
            _head(
                end="model = keras.Model(inputs, outputs)\n    model.trainable = False\n"
                "    return model"
            ),
            "everything frozen",
        ),
        "rescaled twice": (
            _head(maps="base(keras.layers.Rescaling(1 / 255)(inputs), training=False)"),
            "rescaled twice",
        ),
        "rescaled twice, another way": (
            _head(maps="base(inputs / 127.5, training=False)"),
            "rescaled twice",
        ),
        "maximum": (_head(pool="GlobalMaxPooling2D()"), "maximum instead of mean"),
        "flattened": (_head(pool="Flatten()"), "flattened"),
        "not pooled": (_head(pool="Identity()"), "not pooled"),
        "not called": (
            _head()
            .replace("(vector)", "")
            .replace("Dense(num_classes)", "Dense(num_classes, vector)"),
            None,
        ),
        "dropout": (
            _head(last="Dense(num_classes)(keras.layers.Dropout(0.2)").replace(
                "(vector)", "(vector))"
            ),
            "dropout",
        ),
        "softmax": (_head(last="Dense(num_classes, 'softmax')"), "softmax at the end"),
        "sigmoid": (_head(last="Dense(num_classes, 'sigmoid')"), "sigmoid at the end"),
        "ReLU": (_head(last="Dense(num_classes, 'relu')"), "ReLU at the end"),
        "one output": (_head(last="Dense(1)"), "number of classes ignored"),
        "five outputs": (_head(last="Dense(5)"), "number of classes ignored"),
        "a hidden layer": (
            _head(pool="GlobalAveragePooling2D()").replace(
                "(vector)", "(keras.layers.Dense(100, 'relu')(vector))"
            ),
            "another layer in the head",
        ),
        "batch normalization in the head": (
            _head().replace("(vector)", "(keras.layers.BatchNormalization()(vector))"),
            "another layer in the head",
        ),
        "no bias": (_head(last="Dense(num_classes, use_bias=False)"), None),
        "a copy of the base": (
            _head(freeze="base = keras.models.clone_model(base)\n    base.trainable = False"),
            "another base",
        ),
        "a copy of the base with its weights": (
            _head(
                freeze="given = base\n    base = keras.models.clone_model(given)\n"
                "    base.set_weights(given.get_weights())\n    base.trainable = False"
            ),
            "another base",
        ),
        "a new base": (
            _head(freeze="base = small_base()\n    base.trainable = False"),
            "another base",
        ),
        "rescaled to -1 to 1": (
            _head(maps="base(keras.layers.Rescaling(1 / 127.5, -1)(inputs))"),
            "rescaled twice",
        ),
        "the course's": (
            "def build_transfer(base, num_classes):\n"
            "    base.trainable = False\n"
            "    head = transfer.build_head(8, num_classes, hidden=0)\n"
            "    return transfer.attach_head(base, head)\n",
            "helper used",
        ),
        "batch normalization reset": (
            _head(
                freeze="base.trainable = False\n"
                "    for one in base.layers:\n"
                "        if isinstance(one, keras.layers.BatchNormalization):\n"
                "            size = one.output.shape[-1]\n"
                "            one.set_weights([np.full(size, k) for k in (1.0, 0.0, 0.0, 1.0)])"
            ),
            "another base",
        ),
        "nothing returned": (_head(end="keras.Model(inputs, outputs)"), "nothing returned"),
    },
)

# --- 08.3: features ----------------------------------------------------------------------------


def _features(
    call="base(pictures, training=False)",
    pool="np.mean(maps, axis=(1, 2))",
    end="return vectors",
) -> str:
    return f"""def features_of(base, pictures):
    maps = np.array({call})
    vectors = {pool}
    {end}
"""


FEATURES = Answers(
    right={
        "called": _features(),
        "predict": _features(call="base.predict(pictures, verbose=0)"),
        "with a layer": """def features_of(base, pictures):
    return keras.layers.GlobalAveragePooling2D()(base(pictures, training=False))
""",
        "one by one": """def features_of(base, pictures):
    rows = []
    for picture in pictures:
        maps = base(picture[np.newaxis]).numpy()[0]
        rows.append([maps[:, :, k].mean() for k in range(maps.shape[2])])
    return np.array(rows)
""",
        "as a network": """def features_of(base, pictures):
    pooled = keras.layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, pooled).predict(pictures, batch_size=2, verbose=0)
""",
    },
    wrong={
        "rescaled": (_features(call="base(pictures / 255, training=False)"), "rescaled twice"),
        "rescaled by half": (
            _features(call="base(pictures / 127.5, training=False)"),
            "rescaled twice",
        ),
        "in training mode": (
            _features(call="base(pictures, training=True)"),
            "batch normalization in training mode",
        ),
        "flattened": (_features(pool="maps.reshape(len(maps), -1)"), "flattened"),
        "not pooled": (_features(pool="maps"), "not pooled"),
        "maximum": (_features(pool="maps.max(axis=(1, 2))"), "maximum instead of mean"),
        "sum": (_features(pool="maps.sum(axis=(1, 2))"), "sum instead of mean"),
        "over the maps": (_features(pool="maps.mean(axis=3)"), "averaged over the maps"),
        "over the batch": (_features(pool="maps.mean(axis=(0, 1, 2))"), "averaged over the batch"),
        "one axis": (_features(pool="maps.mean(axis=1)"), "averaged over one axis"),
        "the axes of one picture": (
            _features(pool="maps.mean(axis=(0, 1))"),
            "averaged over other axes",
        ),
        "channels first": (_features(pool="maps.mean(axis=(2, 3))"), "averaged over other axes"),
        "rescaled to -1 to 1": (
            _features(call="base(pictures / 127.5 - 1, training=False)"),
            "rescaled twice",
        ),
        "axes in a list": (_features(pool="np.mean(maps, axis=[1, 2])"), None),
        "the first picture": (_features(end="return vectors[0]"), None),
        "the pictures' own means": (_features(pool="pictures.mean(axis=(1, 2))"), None),
        "one picture squeezed": (_features(end="return np.squeeze(vectors)"), "shape"),
        "pictures changed": (
            _features(end="pictures /= 255\n    return vectors"),
            "arguments changed",
        ),
        "nothing returned": (_features(end="vectors"), "nothing returned"),
    },
    equivalent={
        "L2: base.predict(pictures, verbose=0) → base.predict without verbose": "a bar is drawn",
        "L2: 0 → 1": "a bar is drawn",
    },
)

# --- 08.4: fine-tuning -------------------------------------------------------------------------


def _tuning(
    learns="layer.name in ('block3_conv', 'logits')",
    optimizer="keras.optimizers.Adam(5e-5)",
    loss="keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
    end="return model",
    before="pass",
    after="pass",
) -> str:
    return f"""def prepare_fine_tuning(model):
    {before}
    for layer in model.layers:
        layer.trainable = {learns}
    {after}
    model.compile(optimizer={optimizer}, loss={loss}, metrics=["accuracy"])
    {end}
"""


TUNING = Answers(
    right={
        "by name": _tuning(),
        "one layer more": """def prepare_fine_tuning(model):
    model.get_layer("block3_conv").trainable = True
    model.compile(keras.optimizers.SGD(1e-4, momentum=0.9),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
""",
        "all, then frozen again": """def prepare_fine_tuning(model):
    model.trainable = False
    model.trainable = True
    for layer in model.layers[:8]:
        layer.trainable = False
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("rmsprop", loss)
    model.optimizer.learning_rate = 0.00001
    return model
""",
        "compiled first, which is enough before any training": """def prepare_fine_tuning(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss)
    model.get_layer("block3_conv").trainable = True
    return model
""",
        "a list of one loss": _tuning(
            loss="[keras.losses.SparseCategoricalCrossentropy(from_logits=True)]"
        ),
        "a schedule": _tuning(
            optimizer="keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay("
            "0.0, 1000, warmup_target=1e-4, warmup_steps=100))"
        ),
        "a loss of one's own": """def prepare_fine_tuning(model):
    def loss(y, z):
        return keras.ops.sparse_categorical_crossentropy(
            keras.ops.reshape(y, (-1,)), z, from_logits=True)
    model.layers[-5].trainable = True
    model.compile(keras.optimizers.Adam(learning_rate=3e-5), loss)
    return model
""",
    },
    wrong={
        "the rate of the head": (
            _tuning(optimizer="keras.optimizers.Adam(0.001)"),
            "rate too high for fine-tuning",
        ),
        "Keras's own rate": (_tuning(optimizer="'adam'"), "rate too high for fine-tuning"),
        "five times smaller": (
            _tuning(optimizer="keras.optimizers.Adam(0.0002)"),
            "rate too high for fine-tuning",
        ),
        "a negative rate": (_tuning(optimizer="keras.optimizers.Adam(-1e-4)"), "rate not positive"),
        "the whole network set to learn": (
            """def prepare_fine_tuning(model):
    model.trainable = True
    for layer in model.layers[:8]:
        layer.trainable = False
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-4), loss)
    return model
""",
            "still frozen",
        ),
        "a class for the loss": (
            _tuning(loss="keras.losses.SparseCategoricalCrossentropy"),
            None,
        ),
        "trained at once": (
            _tuning(
                end="model.fit(np.zeros((2, 16, 16, 3)), np.zeros(2), verbose=0)\n    return model"
            ),
            "trained head lost",
        ),
        "hardly any rate": (_tuning(optimizer="keras.optimizers.Adam(1e-8)"), "rate too small"),
        "everything learns": (_tuning(learns="True"), "base not frozen"),
        "all but batch normalization": (
            _tuning(learns="'norm' not in layer.name"),
            "base not frozen",
        ),
        "batch normalization, too": (
            _tuning(learns="layer.name.startswith('block3') or layer.name == 'logits'"),
            "batch normalization not frozen",
        ),
        "the first block": (
            _tuning(learns="layer.name in ('block1_conv', 'logits')"),
            "base not frozen",
        ),
        "still frozen": (_tuning(learns="layer.name == 'logits'"), "still frozen"),
        "head frozen": (_tuning(learns="layer.name == 'block3_conv'"), "head frozen"),
        "everything frozen": (_tuning(after="model.trainable = False"), "everything frozen"),
        "thawed again": (
            _tuning(after="model.trainable = False\n    model.trainable = True"),
            "base not frozen",
        ),
        "no logits": (
            _tuning(loss="keras.losses.SparseCategoricalCrossentropy()"),
            "loss does not fit",
        ),
        "squared error": (_tuning(loss="'mse'"), "loss does not fit"),
        "one-hot": (
            _tuning(loss="keras.losses.CategoricalCrossentropy(from_logits=True)"),
            "loss does not fit",
        ),
        "a clone": (
            _tuning(before="model = keras.models.clone_model(model)"),
            "trained head lost",
        ),
        "a new one": (_tuning(before="model = with_trained_head()"), "trained head lost"),
        "a copy with the weights": (
            _tuning(
                before="kept = model.get_weights()\n"
                "    model = keras.models.clone_model(model)\n"
                "    model.set_weights(kept)"
            ),
            "a copy",
        ),
        "a new head": (
            _tuning(
                after="model.layers[-1].set_weights("
                "[w * 0 for w in model.layers[-1].get_weights()])"
            ),
            "trained head lost",
        ),
        "a softmax behind it": (
            _tuning(after="model = keras.Sequential([model, keras.layers.Softmax()])"),
            "another layer",
        ),
        "rescaled once more": (
            _tuning(after="model = keras.Sequential([keras.layers.Rescaling(1 / 255), model])"),
            "another layer",
        ),
        "not compiled": (_tuning().replace("model.compile(", "dict("), "not compiled"),
        "warmed up to the rate of the head": (
            _tuning(
                optimizer="keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay("
                "1e-5, 1000, warmup_target=1e-3, warmup_steps=100))"
            ),
            "rate too high for fine-tuning",
        ),
        "nothing returned": (_tuning(end="model.summary()"), "nothing returned"),
        "the course's": (
            "def prepare_fine_tuning(model):\n"
            "    transfer.unfreeze(model, 'block3_conv')\n"
            "    model.compile(keras.optimizers.Adam(1e-4), "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True))\n"
            "    return model\n",
            "helper used",
        ),
    },
)

ANSWERS = {
    "08.1": PAPER,
    "08.2": HEAD,
    "08.3": FEATURES,
    "08.4": TUNING,
}
