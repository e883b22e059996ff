"""Answers to exercise 03."""

from __future__ import annotations

import dataclasses

from answers import Answers, unseen

# --- 03.1: numbers -----------------------------------------------------------------------------


def _paper(shape="(41, 41, 32)", parameters="18496", field="13") -> str:
    return f"after_pooling = {shape}\nsecond_parameters = {parameters}\nreceptive_field = {field}\n"


PAPER = Answers(
    right={
        "numbers": _paper(),
        "a list and floats": _paper("[41, 41, 32]", "18496.0", "13.0"),
        "computed": _paper("((128 - 4) // 3, 124 // 3, 32)", "64 * (288 + 1)", "3 * 3 + 2 + 2"),
        "an array": _paper("np.array([41, 41, 32])", "np.int64(18496)", "np.array([13])"),
        "asked of Keras": """stack = keras.Sequential([
    keras.Input((128, 128, 3)), layers.Conv2D(32, 5), layers.MaxPooling2D(3),
    layers.Conv2D(64, 3, padding="same")])
after_pooling = stack.layers[1].output.shape[1:]
second_parameters = stack.layers[2].count_params()
receptive_field = 13
""",
        "fractions": "from fractions import Fraction\n"
        + _paper("[Fraction(41), 41, 32]", "Fraction(18496, 1)", "Fraction(26, 2)"),
        "a named tuple": "import collections\nShape = collections.namedtuple('Shape', 'h w c')\n"
        + _paper("Shape(41, 41, 32)"),
    },
    wrong={
        "windows of 2": (_paper("(62, 62, 32)"), "pool size wrong"),
        "rounded up": (_paper("(42, 42, 32)"), "not rounded down"),
        "channels of the picture": (_paper("(41, 41, 3)"), "channels of the picture"),
        "overlapping": (_paper("(122, 122, 32)"), "windows overlap"),
        "not pooled": (_paper("(124, 124, 32)"), "pooling forgotten"),
        "channels first": (_paper("(32, 41, 41)"), "channels first"),
        "one less": (_paper("(40, 40, 32)"), "off by one"),
        "one number": (_paper("41"), None),
        "two numbers": (_paper("(41, 41)"), None),
        "no bias": (_paper(parameters="18432"), "bias forgotten"),
        "three channels": (_paper(parameters="64 * 28"), "channels of the picture"),
        "no channels": (_paper(parameters="640"), "channels forgotten"),
        "exchanged": (_paper(parameters="32 * (9 * 64 + 1)"), "filters and channels exchanged"),
        "one bias": (_paper(parameters="18433"), "one bias for all"),
        "5 × 5": (_paper(parameters="64 * (25 * 32 + 1)"), "kernel size wrong"),
        "steps forgotten": (_paper(field="9"), "steps forgotten"),
        "added": (_paper(field="11"), "sizes added"),
        "multiplied": (_paper(field="45"), "sizes multiplied"),
        "without the last layer": (_paper(field="7"), "last layer forgotten"),
        "three steps of 3": (_paper(field="16"), "whole windows counted"),
        "infinite": (_paper(field="float('inf')"), None),
        "same padding": (_paper("(42, 42, 32)"), "not rounded down"),
        "channels of layer 3": (_paper("(41, 41, 64)"), None),
        "with the batch": (_paper("(None, 41, 41, 32)"), None),
        "flattened": (_paper("41 * 41 * 32"), None),
        "decimals": (_paper("(124 / 3, 124 / 3, 32)"), None),
        "both layers": (_paper(parameters="18496 + 32 * 76"), None),
        "the area": (_paper(field="169"), None),
        "three windows": (_paper(field="15"), None),
    },
    mutants=False,
)

# --- 03.2: three blocks ------------------------------------------------------------------------


def _cnn(
    rescale="layers.Rescaling(1 / 255)",
    filters="(32, 64, 128)",
    conv='layers.Conv2D(n, 3, padding="same", activation="relu")',
    pool="layers.MaxPooling2D()",
    flat="layers.Flatten()",
    dense='layers.Dense(128, activation="relu")',
    drop="layers.Dropout(0.5)",
    last="layers.Dense(num_classes)",
    order="flat, dense, drop, last",
    end="return model",
) -> str:
    return f"""def build_cnn(input_shape, num_classes):
    stack = [keras.Input(input_shape)]
    if {rescale!r} != "None":
        stack.append({rescale})
    for n in {filters}:
        stack += [{conv}, {pool}]
    flat, dense, drop, last = {flat}, {dense}, {drop}, {last}
    model = keras.Sequential([*stack, {order}])
    {end}
"""


CNN = Answers(
    right={
        "sequential": _cnn(),
        "functional, ReLU as a layer": """def build_cnn(input_shape, num_classes):
    inputs = keras.Input(shape=input_shape, name="picture")
    x = inputs / 255
    for n in [32, 64, 128]:
        x = layers.Conv2D(n, (3, 3), padding="same")(x)
        x = layers.ReLU()(x)
        x = layers.MaxPool2D(pool_size=2, strides=2)(x)
    x = layers.Reshape((-1,))(x)
    x = keras.activations.relu(layers.Dense(128)(x))
    x = layers.Dropout(rate=0.5)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="linear")(x))
""",
        "a class, layers made in another order": """class Network(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.out = layers.Dense(num_classes)
        self.drop = layers.Dropout(0.5)
        self.hidden = layers.Dense(128, activation="relu")
        self.flatten = layers.Flatten()
        self.convolutions = [
            layers.Conv2D(n, 3, padding="same", activation="relu") for n in (32, 64, 128)
        ]
        self.pool = layers.MaxPooling2D()
        self.rescale = layers.Rescaling(1 / 255)

    def call(self, x, training=False):
        x = self.rescale(x)
        for convolution in self.convolutions:
            x = self.pool(convolution(x))
        x = self.hidden(self.flatten(x))
        return self.out(self.drop(x, training=training))

def build_cnn(input_shape, num_classes):
    model = Network(num_classes)
    model.build((None, *input_shape))
    return model
""",
        "blocks as networks of their own": """def build_cnn(input_shape, num_classes):
    def block(n):
        return keras.Sequential([
            layers.Conv2D(n, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)])

    return keras.Sequential([
        keras.Input(input_shape), layers.Rescaling(scale=1.0 / 255), block(32), block(64),
        block(128), layers.Flatten(), layers.Dense(128, "relu"), layers.Dropout(0.5),
        layers.Dense(num_classes, name="logits")])
""",
        "pooled before ReLU, compiled": _cnn(
            conv='layers.Conv2D(n, 3, padding="same")',
            pool='keras.Sequential([layers.MaxPooling2D(), layers.Activation("relu")])',
            end='model.compile("adam", "mse")\n    return model',
        ),
        "another start and names": _cnn(
            conv='layers.Conv2D(n, (3, 3), strides=1, padding="SAME".lower(), '
            'activation=keras.activations.relu, kernel_initializer="he_normal", name=f"block{n}")',
            pool='layers.MaxPool2D((2, 2), padding="valid")',
            drop="layers.Dropout(1 / 2, seed=1)",
        ),
        "dropout before ReLU": _cnn(
            dense="layers.Dense(128)",
            order='flat, dense, drop, layers.Activation("relu"), last',
        ),
        "with TensorFlow's functions": """import tensorflow as tf

class Net(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.convs = [layers.Conv2D(n, 3, padding="same") for n in (32, 64, 128)]
        self.hidden, self.out = layers.Dense(128), layers.Dense(num_classes)

    def call(self, x, training=None):
        x = tf.cast(x, tf.float32) / 255.0
        for conv in self.convs:
            x = tf.nn.max_pool2d(tf.nn.relu(conv(x)), 2, 2, "VALID")
        x = tf.nn.relu(self.hidden(tf.reshape(x, (tf.shape(x)[0], x.shape[1] * x.shape[2] * 128))))
        if training:
            x = tf.nn.dropout(x, 0.5)
        return self.out(x)

def build_cnn(input_shape, num_classes):
    return Net(num_classes)
""",
        "with a network inside": _cnn(
            end="return keras.Sequential([keras.Input(input_shape), model])"
        ),
    },
    wrong={
        "no border": (_cnn(conv='layers.Conv2D(n, 3, activation="relu")'), "padding wrong"),
        "no ReLU in the convolutions": (
            _cnn(conv='layers.Conv2D(n, 3, padding="same")'),
            "ReLU missing",
        ),
        "no ReLU in the dense layer": (_cnn(dense="layers.Dense(128)"), "ReLU missing"),
        "no ReLU at all": (
            _cnn(conv='layers.Conv2D(n, 3, padding="same")', dense="layers.Dense(128)"),
            "ReLU missing",
        ),
        "average pooling": (_cnn(pool="layers.AveragePooling2D(2)"), "average instead of maximum"),
        "not rescaled": (_cnn(rescale="None"), "rescaling missing"),
        "rescaled twice": (_cnn(rescale="layers.Rescaling(1 / 255**2)"), "rescaled twice"),
        "multiplied by 255": (_cnn(rescale="layers.Rescaling(255)"), "rescaling wrong"),
        "rescaled to −1 to 1": (_cnn(rescale="layers.Rescaling(1 / 127.5, offset=-1)"), None),
        "averaged": (
            _cnn(flat="layers.GlobalAveragePooling2D()"),
            "averaged instead of flattened",
        ),
        "filters backwards": (_cnn(filters="(128, 64, 32)"), "filters in the wrong order"),
        "two blocks": (_cnn(filters="(32, 64)"), None),
        "other filters": (_cnn(filters="(16, 32, 64)"), None),
        "5 × 5": (
            _cnn(conv='layers.Conv2D(n, 5, padding="same", activation="relu")'),
            "kernel size wrong",
        ),
        "softmax": (_cnn(last='layers.Dense(num_classes, "softmax")'), "softmax at the end"),
        "sigmoid": (_cnn(last='layers.Dense(num_classes, "sigmoid")'), "sigmoid at the end"),
        "ReLU at the end": (_cnn(last='layers.Dense(num_classes, "relu")'), "ReLU at the end"),
        "one output": (_cnn(last="layers.Dense(1)"), "number of outputs"),
        "always five outputs": (_cnn(last="layers.Dense(5)"), "number of outputs"),
        "no dense layer": (_cnn(order="flat, drop, last"), "dense layer missing"),
        "not flattened": (_cnn(order="dense, drop, last"), "flatten missing"),
        "no dropout": (_cnn(order="flat, dense, last"), "dropout missing"),
        "dropout of 0.2": (_cnn(drop="layers.Dropout(0.2)"), "dropout rate wrong"),
        "dropout before the dense layer": (
            _cnn(order="flat, drop, dense, last"),
            "dropout in another place",
        ),
        "dropout twice": (
            _cnn(order="flat, layers.Dropout(0.5), dense, drop, last"),
            "dropout in another place",
        ),
        "dropout of 0.45": (_cnn(drop="layers.Dropout(0.45)"), "dropout rate wrong"),
        "dropout of 0.48": (_cnn(drop="layers.Dropout(0.48)"), "dropout rate wrong"),
        "Gaussian dropout": (_cnn(drop="layers.GaussianDropout(0.5)"), "another kind of noise"),
        "Gaussian noise": (_cnn(drop="layers.GaussianNoise(0.5)"), "another kind of noise"),
        "alpha dropout": (_cnn(drop="layers.AlphaDropout(0.5)"), "another kind of noise"),
        "whole pictures dropped": (
            _cnn(drop="layers.Dropout(0.5, noise_shape=(None, 1))"),
            "dropped together",
        ),
        "the same units for all": (
            _cnn(drop="layers.Dropout(0.5, noise_shape=(1, 128))"),
            "dropped together",
        ),
        "dropout behind the last layer": (
            _cnn(order="flat, dense, last, drop"),
            "dropout in another place",
        ),
        "a little dropout in each block": (
            _cnn(pool="keras.Sequential([layers.MaxPooling2D(), layers.SpatialDropout2D(0.1)])"),
            "dropout in another place",
        ),
        "noise on the picture": (
            _cnn(rescale="keras.Sequential([layers.Rescaling(1/255), layers.GaussianNoise(0.05)])"),
            "dropout in another place",
        ),
        "dropout always on": (
            _cnn(drop="layers.Dropout(0.5)", order="flat, dense, Always(drop), last")
            + """
class Always(layers.Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x, training=True)
""",
            "always on",
        ),
        "relu6 in the convolutions": (
            _cnn(conv='layers.Conv2D(n, 3, padding="same", activation="relu6")'),
            "activation wrong",
        ),
        "relu6 in the dense layer": (
            _cnn(dense='layers.Dense(128, activation="relu6")'),
            "activation wrong",
        ),
        "ReLU with a ceiling of 20": (
            _cnn(
                dense="layers.Dense(128)",
                order="flat, dense, layers.ReLU(max_value=20), drop, last",
            ),
            None,
        ),
        "leaky ReLU": (_cnn(dense='layers.Dense(128, "leaky_relu")'), "activation wrong"),
        "a slightly leaky ReLU": (
            _cnn(conv='layers.Conv2D(n, 3, padding="same"), layers.LeakyReLU(negative_slope=0.01)'),
            None,
        ),
        "swish": (_cnn(dense='layers.Dense(128, "swish")'), "activation wrong"),
        "pooling with a border": (
            _cnn(pool='layers.MaxPooling2D(2, padding="same")'),
            "pooling with a border",
        ),
        "pooling windows that overlap": (
            _cnn(pool='layers.MaxPooling2D(3, strides=2, padding="same")'),
            None,
        ),
        "tanh at the end": (_cnn(last='layers.Dense(num_classes, "tanh")'), "tanh at the end"),
        "softmax and no ReLU": (
            _cnn(
                conv='layers.Conv2D(n, 3, padding="same")',
                last='layers.Dense(num_classes, "softmax")',
            ),
            "ReLU missing",
        ),
        "softmax and dropout of 0.2": (
            _cnn(drop="layers.Dropout(0.2)", last='layers.Dense(num_classes, "softmax")'),
            "dropout rate wrong",
        ),
        "sizes of one's own": (
            _cnn().replace("keras.Input(input_shape)", "keras.Input((64, 64, 3))"),
            "does not fit",
        ),
        "a shape that is not used": (
            _cnn().replace("keras.Input(input_shape)", "keras.Input((None, None, 3))"),
            None,
        ),
        "a penalty on the weights": (
            _cnn(dense='layers.Dense(128, activation="relu", kernel_regularizer="l2")'),
            "penalty",
        ),
        "frozen": (_cnn(end="model.trainable = False\n    return model"), "frozen"),
        "a gradient that is stopped": (
            "import tensorflow as tf\n"
            + _cnn(order="flat, layers.Lambda(tf.stop_gradient), dense, drop, last"),
            "gradient stopped",
        ),
        "a gradient that is stopped while training": (
            """import tensorflow as tf

class Still(layers.Layer):
    def call(self, x, training=False):
        return tf.stop_gradient(x) if training else x

"""
            + _cnn(flat="keras.Sequential([Still(), layers.Flatten()])"),
            "gradient stopped",
        ),
        "all weights zero": (
            _cnn(dense='layers.Dense(128, activation="relu", kernel_initializer="zeros")'),
            "weights all equal",
        ),
        "batch normalization, too": (
            _cnn(order="flat, dense, layers.BatchNormalization(), drop, last"),
            None,
        ),
        "no bias": (
            _cnn(conv='layers.Conv2D(n, 3, padding="same", activation="relu", use_bias=False)'),
            None,
        ),
        "stride instead of pooling": (
            _cnn(
                conv='layers.Conv2D(n, 3, padding="same", activation="relu", strides=2)',
                pool="layers.Identity()",
            ),
            None,
        ),
        "the course's network": (
            "def build_cnn(input_shape, num_classes):\n"
            "    return models.small_cnn(input_shape, num_classes, filters=(32, 64, 128))\n",
            "helper used",
        ),
        "nothing returned": (_cnn(end="model.summary()"), "nothing returned"),
        "a list of layers": (_cnn(end="return model.layers"), None),
    },
    equivalent={
        "L2: [keras.Input(input_shape), layers.Rescaling(1 / 255)] → without "
        "keras.Input(input_shape)": "Keras asks for the shape when the first batch comes",
    },
)

# --- 03.3: the broken network ------------------------------------------------------------------


def _mended(
    rescale="layers.Rescaling(1 / 255)",
    first='layers.Conv2D(8, 3, activation="relu")',
    second='layers.Conv2D(16, 3, activation="relu")',
    pool="layers.MaxPooling2D(2)",
    flat="layers.Flatten()",
    last="layers.Dense(num_classes)",
) -> str:
    parts = [rescale, first, pool, second, "layers.MaxPooling2D(2)", flat, last]
    body = ", ".join(["keras.Input(input_shape)", *(part for part in parts if part)])
    return f"def build_mended(input_shape, num_classes):\n    return keras.Sequential([{body}])\n"


MENDED = Answers(
    right={
        "mended": _mended(),
        "ReLU as a layer": _mended(second='layers.Conv2D(16, 3), layers.Activation("relu")'),
        "functional": """def build_mended(input_shape, num_classes):
    x = inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, activation="relu")(x))
    x = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(num_classes)(layers.Flatten()(x)))
""",
        "ReLU behind the pooling": _mended(
            second="layers.Conv2D(16, 3)", flat="layers.ReLU(), layers.Flatten()"
        ),
        "rescaled by hand, weights drawn otherwise": """def build_mended(input_shape, num_classes):
    inputs = keras.layers.Input(shape=input_shape)
    x = keras.layers.Lambda(lambda pixels: pixels / 255.0)(inputs)
    for filters in [8, 16]:
        x = layers.Conv2D(filters, (3, 3), kernel_initializer="he_uniform")(x)
        x = keras.ops.relu(x)
        x = layers.MaxPool2D()(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, activation=None, name="logits")(x)
    return keras.Model(inputs=inputs, outputs=outputs, name="mended")
""",
        "layers added one by one": """def build_mended(input_shape, num_classes):
    model = keras.models.Sequential()
    model.add(keras.Input(shape=input_shape))
    model.add(layers.Rescaling(scale=1.0 / 255.0))
    model.add(layers.Conv2D(8, 3, padding="valid", activation="relu"))
    model.add(layers.MaxPooling2D())
    model.add(layers.Conv2D(16, 3, padding="valid"))
    model.add(layers.Activation(keras.activations.relu))
    model.add(layers.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(num_classes))
    model.build((None, *input_shape))
    return model
""",
        "from the broken one": """def build_mended(input_shape, num_classes):
    old = build_broken(input_shape, num_classes).layers
    keep = [layer for k, layer in enumerate(old[:-1]) if k != 1]
    keep[3].activation = keras.activations.relu
    return keras.Sequential(
        [keras.Input(input_shape), *keep, layers.Flatten(), layers.Dense(num_classes)])
""",
    },
    wrong={
        "as it was": (
            "def build_mended(input_shape, num_classes):\n"
            "    return build_broken(input_shape, num_classes)\n",
            "flatten missing",
        ),
        "only flattened": (
            _mended(
                rescale="layers.Rescaling(1 / 255), layers.Rescaling(1 / 255)",
                second="layers.Conv2D(16, 3)",
                last='layers.Dense(num_classes, activation="softmax")',
            ),
            "softmax at the end",
        ),
        "still rescaled twice": (
            _mended(rescale="layers.Rescaling(1 / 255), layers.Rescaling(1 / 255)"),
            "rescaled twice",
        ),
        "not rescaled at all": (_mended(rescale=""), None),
        "still without ReLU": (_mended(second="layers.Conv2D(16, 3)"), "ReLU missing"),
        "first ReLU lost": (_mended(first="layers.Conv2D(8, 3)"), "ReLU missing"),
        "still softmax": (
            _mended(last='layers.Dense(num_classes, activation="softmax")'),
            "softmax at the end",
        ),
        "still not flattened": (_mended(flat=""), "flatten missing"),
        "averaged": (
            _mended(flat="layers.GlobalAveragePooling2D()"),
            "averaged instead of flattened",
        ),
        "with a border": (
            _mended(
                first='layers.Conv2D(8, 3, activation="relu", padding="same")',
                second='layers.Conv2D(16, 3, activation="relu", padding="same")',
            ),
            "padding wrong",
        ),
        "no second pooling": (_mended(pool=""), None),
        "relu6": (_mended(second='layers.Conv2D(16, 3, activation="relu6")'), None),
        "pooling with a border": (
            _mended(pool='layers.MaxPooling2D(2, padding="same")'),
            None,
        ),
        "both poolings with a border": (
            _mended(pool='layers.MaxPooling2D(2, padding="same")').replace(
                "layers.MaxPooling2D(2),", 'layers.MaxPooling2D(2, padding="same"),'
            ),
            "pooling with a border",
        ),
        "average pooling": (_mended(pool="layers.AveragePooling2D(2)"), None),
        "dropout added": (_mended(flat="layers.Flatten(), layers.Dropout(0.2)"), None),
        "sigmoid": (
            _mended(last='layers.Dense(num_classes, activation="sigmoid")'),
            "sigmoid at the end",
        ),
        "always five outputs": (_mended(last="layers.Dense(5)"), "number of outputs"),
        "sizes of the lesson": (
            _mended().replace("keras.Input(input_shape)", "keras.Input((32, 32, 3))"),
            "does not fit",
        ),
        "the second ReLU behind the pooling of the end": (
            _mended(
                second="layers.Conv2D(16, 3)", flat='layers.Flatten(), layers.Activation("tanh")'
            ),
            None,
        ),
        "ReLU at the end instead": (
            _mended(second="layers.Conv2D(16, 3)", last='layers.Dense(num_classes, "relu")'),
            "ReLU missing",
        ),
        "twice, and without ReLU": (
            _mended(
                rescale="layers.Rescaling(1 / 255), layers.Rescaling(1 / 255)",
                second="layers.Conv2D(16, 3)",
            ),
            "rescaled twice",
        ),
    },
    equivalent={
        "L2: [keras.Input(input_shape), layers.Rescaling(1 / 255)] → without "
        "keras.Input(input_shape)": "Keras asks for the shape when the first batch comes",
    },
)

# --- 03.4: one output --------------------------------------------------------------------------


def _detector(
    body="layers.Conv2D(12, 5, strides=4, activation='relu')",
    flat="layers.GlobalAveragePooling2D()",
    last="layers.Dense(1)",
    loss="keras.losses.BinaryCrossentropy(from_logits=True)",
    optimizer="keras.optimizers.Adam(0.01)",
    end="return model",
) -> str:
    return f"""def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape), layers.Rescaling(1 / 255),
        {body}, {flat}, {last}])
    model.compile(optimizer={optimizer}, loss={loss}, metrics=["accuracy"])
    {end}
"""


DETECTOR = Answers(
    right={
        "a small one": _detector(),
        "sigmoid": _detector(
            last='layers.Dense(1, activation="sigmoid")', loss='"binary_crossentropy"'
        ),
        "sigmoid as a layer": _detector(
            last='layers.Dense(1), layers.Activation("sigmoid")',
            loss="keras.losses.BinaryCrossentropy()",
            optimizer="keras.optimizers.RMSprop(0.01)",
        ),
        "with batch normalization and SGD": _detector(
            body="layers.Conv2D(8, 5, strides=4, use_bias=False), layers.BatchNormalization(), "
            "layers.ReLU()",
            optimizer="keras.optimizers.SGD(0.1, momentum=0.9)",
        ),
        "pooled and flattened": _detector(
            body="layers.AveragePooling2D(8), layers.Conv2D(8, 3, activation='relu')",
            flat="layers.Flatten()",
            optimizer='"adam"',
        ),
        "separable, SGD as it comes": _detector(
            body="layers.SeparableConv2D(16, 3, strides=2, activation='relu')",
            optimizer='"sgd"',
        ),
        "the largest number of a map": _detector(
            body="layers.Conv2D(8, 3, strides=3, activation='relu'), layers.Conv2D(1, 3)",
            flat="layers.GlobalMaxPooling2D()",
            last="layers.Identity()",
        ),
        "no bias at the end, sigmoid": _detector(
            last="layers.Dense(1, use_bias=False, activation='sigmoid')",
            loss="keras.losses.BinaryCrossentropy(from_logits=False)",
            optimizer="keras.optimizers.Adam(1e-3)",
        ),
        "rescaled to −1 to 1": _detector().replace("1 / 255", "1 / 127.5, offset=-1"),
        "one number per picture": _detector(last="layers.Dense(1), layers.Reshape(())"),
        "a class": """class Detector(keras.Model):
    def __init__(self):
        super().__init__()
        self.one = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")
        self.two = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")
        self.pool = layers.GlobalAveragePooling2D()
        self.last = layers.Dense(1)

    def call(self, x):
        return self.last(self.pool(self.two(self.one(x / 255))))

def build_detector(input_shape):
    model = Detector()
    model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return model
""",
        "augmented, leaky, with a penalty": _detector(
            body="layers.RandomFlip('horizontal'), layers.Conv2D(16, 3, strides=2, "
            "kernel_regularizer=keras.regularizers.L2(1e-4)), layers.LeakyReLU(), "
            "layers.MaxPooling2D(), layers.Conv2D(16, 3, activation='elu')",
        ),
        "three convolutions": _detector(
            body="layers.Conv2D(8, 3, strides=2, activation='relu'), "
            "layers.Conv2D(16, 3, strides=2, activation='relu'), "
            "layers.Conv2D(32, 3, strides=2, activation='relu'), layers.Dropout(0.1)",
        ),
    },
    wrong={
        "two outputs": (_detector(last="layers.Dense(2)"), "number of outputs"),
        "flattened, over budget": (
            _detector(flat="layers.Flatten(), layers.Dense(64)"),
            "over budget",
        ),
        "not flattened": (_detector(flat="layers.Identity()"), "flatten missing"),
        "softmax of one output": (
            _detector(last='layers.Dense(1, "softmax")', loss='"binary_crossentropy"'),
            "softmax of one output",
        ),
        "sigmoid with from_logits": (
            _detector(last='layers.Dense(1, activation="sigmoid")'),
            "sigmoid with from_logits",
        ),
        "logits taken for probabilities": (
            _detector(loss='"binary_crossentropy"'),
            "logits taken for probabilities",
        ),
        "squared error": (_detector(loss='"mse"'), "another loss"),
        "categorical": (
            _detector(loss="keras.losses.CategoricalCrossentropy(from_logits=True)"),
            "another loss",
        ),
        "sparse categorical": (
            _detector(loss="keras.losses.SparseCategoricalCrossentropy(from_logits=True)"),
            None,
        ),
        "ReLU at the end": (_detector(last='layers.Dense(1, "relu")'), "ReLU at the end"),
        "not compiled": (
            _detector().replace("model.compile(", "dict("),
            "not compiled",
        ),
        "learning rate of zero": (_detector(optimizer="keras.optimizers.Adam(0.0)"), None),
        "learning rate far too small": (_detector(optimizer="keras.optimizers.Adam(1e-7)"), None),
        "frozen": (_detector(end="model.trainable = False\n    return model"), None),
        "label smoothing": (
            _detector(
                loss="keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.3)"
            ),
            "another loss",
        ),
        "tanh": (_detector(last='layers.Dense(1, "tanh")'), "tanh at the end"),
        "tanh, taken for a probability": (
            _detector(last='layers.Dense(1, "tanh")', loss='"binary_crossentropy"'),
            "tanh at the end",
        ),
        "hard sigmoid": (
            _detector(last='layers.Dense(1, "hard_sigmoid")', loss='"binary_crossentropy"'),
            None,
        ),
        "sigmoid twice": (
            _detector(
                last='layers.Dense(1, "sigmoid"), layers.Activation("sigmoid")',
                loss='"binary_crossentropy"',
            ),
            None,
        ),
        "ReLU before the sigmoid": (
            _detector(
                last='layers.Dense(1, "relu"), layers.Activation("sigmoid")',
                loss='"binary_crossentropy"',
            ),
            None,
        ),
        "not rescaled": (
            _detector().replace("layers.Rescaling(1 / 255),", ""),
            "rescaling missing",
        ),
        "not rescaled, normalized between": (
            _detector(
                body="layers.Conv2D(8, 3, strides=4, use_bias=False), "
                "layers.BatchNormalization(), layers.ReLU()"
            ).replace("layers.Rescaling(1 / 255),", ""),
            "rescaling missing",
        ),
        "not rescaled, separable": (
            _detector(body="layers.SeparableConv2D(16, 3, strides=2, activation='relu')").replace(
                "layers.Rescaling(1 / 255),", ""
            ),
            "rescaling missing",
        ),
        "rescaled twice": (
            _detector(body="layers.Rescaling(1 / 255), layers.Conv2D(12, 5, 4, activation='relu')"),
            "rescaled twice",
        ),
        "multiplied": (_detector().replace("1 / 255", "255"), "rescaling wrong"),
        "a little label smoothing": (
            _detector(
                loss="keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.01)"
            ),
            "another loss",
        ),
        "focal": (
            _detector(loss="keras.losses.BinaryFocalCrossentropy(from_logits=True)"),
            "another loss",
        ),
        "sizes of one's own": (
            _detector().replace("keras.Input(input_shape)", "keras.Input((128, 128, 3))"),
            "does not fit",
        ),
        "always three channels": (
            _detector().replace("keras.Input(input_shape)", "keras.Input((None, None, 3))"),
            "does not fit",
        ),
        "just above the budget": (
            _detector(
                body="layers.Conv2D(32, 3, strides=4, activation='relu'), "
                "layers.Conv2D(32, 3, activation='relu')"
            ),
            "over budget",
        ),
        "nothing returned": (_detector(end="model.summary()"), "nothing returned"),
    },
    mutants=False,  # the architecture is free, so most changes give another right answer
)

# --- 03.5: batch normalization -----------------------------------------------------------------


def _normalize(
    axis="(0, 1, 2)",
    variance="x.var(axis=axis)",
    first="gamma * (x - mean) / np.sqrt(variance + epsilon) + beta",
    later="gamma * (x - mean) / np.sqrt(variance + epsilon) + beta",
    mean="x.mean(axis=axis)",
) -> str:
    return f"""def normalize_training(x, gamma, beta, epsilon=0.001):
    axis = {axis}
    mean, variance = {mean}, {variance}
    return {first}

def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return {later}
"""


NORMALIZE = Answers(
    right={
        "short": _normalize(),
        "one by the other": """def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    scale = gamma / (variance + epsilon) ** 0.5
    return x * scale + (beta - mean * scale)

def normalize_training(x, gamma, beta, epsilon=0.001):
    rows = x.reshape(-1, x.shape[-1])
    return normalize_later(x, gamma, beta, rows.mean(0), rows.var(0), epsilon)
""",
        "channel by channel": """def normalize_training(x, gamma, beta, epsilon=0.001):
    result = np.empty(x.shape)
    for c in range(x.shape[3]):
        one = x[..., c]
        result[..., c] = gamma[c] * (one - one.mean()) / np.sqrt(one.var() + epsilon) + beta[c]
    return result

def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    result = np.zeros(x.shape)
    for c in range(len(gamma)):
        z = (x[:, :, :, c] - mean[c]) / np.sqrt(variance[c] + epsilon)
        result[:, :, :, c] = z * gamma[c] + beta[c]
    return result
""",
        "squares by hand": _normalize(variance="((x - x.mean(axis=axis)) ** 2).mean(axis=axis)"),
        "einsum": """def normalize_training(x, gamma, beta, epsilon=0.001):
    n = x[..., 0].size
    mean = np.einsum("bhwc->c", x) / n
    z = x - mean
    variance = np.einsum("bhwc,bhwc->c", z, z) / n
    return np.add(np.multiply(z, gamma / np.sqrt(variance + epsilon)), beta)

def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return (x - mean) * (gamma * np.reciprocal(np.sqrt(variance + epsilon))) + beta
""",
        "row by row": """def normalize_training(x, gamma, beta, epsilon=0.001):
    moved = np.moveaxis(x, -1, 0).reshape(x.shape[-1], -1)
    mean = [np.mean(row) for row in moved]
    variance = [np.var(row) for row in moved]
    return normalize_later(x, gamma, beta, np.array(mean), np.array(variance), epsilon)

def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return np.stack([(one - mean) / np.sqrt(variance + epsilon) * gamma + beta for one in x])
""",
        "in place, on a copy": """def normalize_training(x, gamma, beta, epsilon=0.001):
    x = np.array(x, dtype=float)
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    x -= mean
    x /= np.sqrt(variance + epsilon)
    x *= gamma
    x += beta
    return x

def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma / np.sqrt(variance + epsilon) * x + (
        beta - gamma * mean / np.sqrt(variance + epsilon))
""",
    },
    wrong={
        "over the batch only": (_normalize(axis="0"), "mean over the batch only"),
        "each picture": (
            _normalize(
                mean="x.mean(axis=(1, 2), keepdims=True)",
                variance="x.var(axis=(1, 2), keepdims=True)",
            ),
            "each picture by itself",
        ),
        "all channels together": (_normalize(axis="None"), "channels mixed"),
        "no gamma, no beta": (
            _normalize(first="(x - mean) / np.sqrt(variance + epsilon)"),
            "gamma and beta forgotten",
        ),
        "gamma for beta": (
            _normalize(first="beta * (x - mean) / np.sqrt(variance + epsilon) + gamma"),
            "gamma and beta exchanged",
        ),
        "no root": (
            _normalize(first="gamma * (x - mean) / (variance + epsilon) + beta"),
            "variance not rooted",
        ),
        "epsilon outside the root": (
            _normalize(first="gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta"),
            "epsilon in another place",
        ),
        "no epsilon": (
            _normalize(first="gamma * (x - mean) / np.sqrt(variance) + beta"),
            "epsilon forgotten",
        ),
        "mean left in": (
            _normalize(first="gamma * x / np.sqrt(variance + epsilon) + beta"),
            "mean not subtracted",
        ),
        "n − 1": (_normalize(variance="x.var(axis=axis, ddof=1)"), "divided by n − 1"),
        "std for variance": (_normalize(variance="x.std(axis=axis)"), "root taken twice"),
        "later from the batch": (
            _normalize(later="normalize_training(x, gamma, beta, epsilon)"),
            "mean of the batch used",
        ),
        "later without gamma and beta": (
            _normalize(later="(x - mean) / np.sqrt(variance + epsilon)"),
            "gamma and beta forgotten",
        ),
        "later without the root": (
            _normalize(later="gamma * (x - mean) / (variance + epsilon) + beta"),
            "variance not rooted",
        ),
        "later exchanged": (
            _normalize(later="beta * (x - mean) / np.sqrt(variance + epsilon) + gamma"),
            "gamma and beta exchanged",
        ),
        "later with epsilon outside": (
            _normalize(later="gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta"),
            "epsilon in another place",
        ),
        "later without epsilon": (
            _normalize(later="gamma * (x - mean) / np.sqrt(variance) + beta"),
            "epsilon forgotten",
        ),
        "with Keras": (
            _normalize()
            + """
def normalize_training(x, gamma, beta, epsilon=0.001):
    layer = keras.layers.BatchNormalization(epsilon=epsilon)
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer(x, training=True).numpy()
""",
            "helper used",
        ),
        "later with Keras": (
            _normalize()
            + """
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return keras.ops.batch_normalization(
        x.astype("float32"), mean.astype("float32"), variance.astype("float32"), axis=-1,
        offset=beta.astype("float32"), scale=gamma.astype("float32"), epsilon=epsilon)
""",
            "helper used",
        ),
        "x overwritten": (
            _normalize(
                mean="x.mean(axis=axis); x -= mean; mean = 0; variance",
                variance="x.var(axis=axis)",
            )
            .replace("mean, variance = ", "mean = ")
            .replace("variance, x.var", "variance = x.var"),
            "arguments changed",
        ),
        "x overwritten later": (
            _normalize()
            + """
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    if x.dtype.kind == "f":
        x -= mean
    else:
        x = x - mean
    return gamma * x / np.sqrt(variance + epsilon) + beta
""",
            "arguments changed",
        ),
        "whole numbers stay whole": (
            _normalize()
            + """
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    result = np.zeros_like(x)
    for c in range(len(gamma)):
        z = (x[:, :, :, c] - mean[c]) / np.sqrt(variance[c] + epsilon)
        result[:, :, :, c] = z * gamma[c] + beta[c]
    return result
""",
            None,
        ),
        "the default of Keras' predecessors": (
            _normalize().replace(
                "normalize_training(x, gamma, beta, epsilon=0.001)",
                "normalize_training(x, gamma, beta, epsilon=1e-5)",
            ),
            "default of epsilon wrong",
        ),
        "another default later": (
            _normalize().replace("variance, epsilon=0.001", "variance, epsilon=1e-5"),
            "default of epsilon wrong",
        ),
        "epsilon always the same": (
            _normalize().replace("variance + epsilon", "variance + 0.001"),
            "epsilon not used",
        ),
        "the variances of the pictures averaged": (
            _normalize(variance="x.var(axis=(1, 2)).mean(axis=0)"),
            None,
        ),
        "beta before gamma": (
            _normalize(first="gamma * ((x - mean) / np.sqrt(variance + epsilon) + beta)"),
            None,
        ),
        "spread to 0 to 1": (_normalize(first="(x - x.min()) / (x.max() - x.min())"), None),
        "first channel's mean": (_normalize(mean="x[..., 0].mean()"), None),
    },
)

# --- 03.6: the experiment ----------------------------------------------------------------------


_MEASURED = """HISTORIES = {
    name: {
        "loss": [first, 1.5], "accuracy": [k / 750, (k + 60) / 750],
        "val_loss": [1.58, 1.47], "val_accuracy": [n / 300, (n + 37) / 300],
    }
    for name, first, k, n in zip(
        VARIANTS, (1.604, 1.613, 1.61, 1.605), (169, 148, 152, 161), (71, 60, 60, 80))
}
"""


def _results(
    parameters="(6197, 16821, 32757, 6197)",
    seconds="(2.1, 3.0, 4.2, 2.2)",
    accuracy="[h['val_accuracy'][-1] for h in HISTORIES.values()]",
    claims="['a', 'b', 'd']",
    names="VARIANTS",
    histories="HISTORIES.values()",
    change="",
    end="",
) -> str:
    return f"""{_MEASURED}
{change}
results = {{
    name: {{"parameters": p, "seconds": s, "accuracy": a, "history": h}}
    for name, p, s, a, h in zip({names}, {parameters}, {seconds}, {accuracy}, {histories})
}}
true_claims = {claims}
{end}
"""


def _trained(
    fit="data.train, validation_data=data.validation, epochs=settings.epochs(4), shuffle=False, "
    "verbose=0",
    before="model = build_variant(name)",
    first="",
) -> str:
    return f"""results = {{}}
{first}
for name in VARIANTS:
    {before}
    start = time.perf_counter()
    curves = model.fit({fit})
    took = time.perf_counter() - start
    results[name] = dict(
        parameters=build_variant(name).count_params(), seconds=took, history=curves,
        accuracy=curves.history["val_accuracy"][-1])
true_claims = ["a", "b", "d"]
"""


EXPERIMENT = Answers(
    right={
        "numbers": _results(),
        "counted by Keras": _results("[build_variant(n).count_params() for n in VARIANTS]"),
        "NumPy numbers": _results(
            accuracy="np.float32([h['val_accuracy'][-1] for h in HISTORIES.values()])",
            claims='"abd"',
        ),
        "rounded": _results(
            accuracy="[round(h['val_accuracy'][-1], 2) for h in HISTORIES.values()]",
            seconds="(2, 3, 4, 2)",
        ),
        "claims in another order": _results(claims='("D", "A", "B")'),
        "arrays": _results(
            histories="[{k: np.array(v) for k, v in h.items()} for h in HISTORIES.values()]"
        ),
        "History objects": _trained(),
        "ordered dictionaries, histories of Keras": _results(
            histories="[kept(h) for h in HISTORIES.values()]",
            change="""import collections

def kept(curves):
    history = keras.callbacks.History()
    history.history = collections.OrderedDict(curves)
    return history
""",
        ),
        "a table": _results(
            change="import pandas as pd\n",
            end="results = pd.DataFrame(results).T.to_dict(orient='index')",
        ),
    },
    wrong={
        "percent": (_results(accuracy="(40, 50, 45, 35)"), "accuracy in percent"),
        "one network for all": (_results("(6197,) * 4"), "another network"),
        "time the wrong way": (_results(seconds="(-1, -2, -3, -4)"), "time reversed"),
        "one time for all": (_results(seconds="(3.0,) * 4"), "not measured"),
        "the clock": (
            _results(seconds="(1732650000.2, 1732650003.1, 1732650007.9, 1732650010.4)"),
            "not seconds",
        ),
        "milliseconds": (_results(seconds="(2100, 3000, 4200, 2200)"), "not seconds"),
        "histories": (_results(accuracy="([0.1],) * 4"), None),
        "all accuracies": (
            _results(accuracy="[h['val_accuracy'] for h in HISTORIES.values()]"),
            None,
        ),
        "training accuracy": (
            _results(accuracy="[h['accuracy'][-1] for h in HISTORIES.values()]"),
            "training accuracy taken",
        ),
        "first accuracy": (
            _results(accuracy="[h['val_accuracy'][0] for h in HISTORIES.values()]"),
            "another accuracy",
        ),
        "no history": (_results(histories="(None,) * 4"), "history missing"),
        "no validation": (
            _results(end="for one in results.values(): del one['history']['val_accuracy']"),
            "curve missing",
        ),
        "validation on the training pictures": (
            _results(change="for h in HISTORIES.values(): h['val_accuracy'] = h['accuracy']"),
            "other pictures for validation",
        ),
        "trained on the validation pictures": (
            _results(change="for h in HISTORIES.values(): h['accuracy'] = [0.2, 67 / 300]"),
            "other pictures for training",
        ),
        "one network trained on and on": (
            _trained(
                first="model = build_variant('3x3 max')",
                before="pass",
                fit="data.train, validation_data=data.validation, epochs=2, verbose=0",
            ),
            "not a new network",
        ),
        "trained on, as numbers": (
            _results(change="HISTORIES['5x5 max']['loss'][0] = 1.41"),
            "not a new network",
        ),
        "one history for all": (
            _results(
                histories="[HISTORIES['3x3 max']] * 4",
                accuracy="[HISTORIES['3x3 max']['val_accuracy'][-1]] * 4",
            ),
            "one history for all",
        ),
        "one trained for longer": (
            _results(change="for c in HISTORIES['3x3 mean'].values(): c.append(c[-1])"),
            "different epochs",
        ),
        "ten epochs": (
            _results(
                change="for h in HISTORIES.values():\n    for c in h.values(): c.extend(c[-1:] * 8)"
            ),
            "different epochs",
        ),
        "invented": (
            _results(change="for h in HISTORIES.values(): h['val_accuracy'] = [0.3142, 0.5271]"),
            "other pictures for validation",
        ),
        "a variant missing": (_results(names="['3x3 max', '5x5 max']"), "variant missing"),
        "more is better": (_results(claims="['a', 'b', 'c', 'd']"), "more is better"),
        "one training is enough": (
            _results(claims="['a', 'b', 'd', 'e']"),
            "one training is enough",
        ),
        "a missing": (_results(claims="['b', 'd']"), None),
        "b missing": (_results(claims="['a', 'd']"), None),
        "d missing": (_results(claims="['a', 'b']"), None),
        "all of them": (_results(claims="'abcde'"), None),
        "a list": ("results = [1, 2, 3]\ntrue_claims = ['a', 'b', 'd']\n", "not a dictionary"),
    },
    mutants=False,
)

ANSWERS = {
    "03.1": PAPER,
    "03.2": CNN,
    "03.3": MENDED,
    "03.4": DETECTOR,
    "03.5": NORMALIZE,
    "03.6": EXPERIMENT,
}

for _question, _answers in ANSWERS.items():
    _right, _wrong = unseen.of(_question)
    ANSWERS[_question] = dataclasses.replace(
        _answers, right={**_answers.right, **_right}, wrong={**_answers.wrong, **_wrong}
    )
