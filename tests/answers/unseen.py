"""Answers to exercises 03 and 04, written without knowledge of the checks.

Each wrong one has the reason why it is wrong. Answers that train a network are omitted: they take
long.
"""

from __future__ import annotations

# ruff: noqa: E501

E03_1_RIGHT = {
    "NumPy numbers": """\
side = np.int64((128 - 5 + 1) // 3)
after_pooling = (side, side, np.int64(32))
second_parameters = np.prod([3, 3, 32, 64]) + 64
receptive_field = np.int16(5 + (3 - 1) * 1 + (3 - 1) * 3)
""",
    "asked of Keras": """\
stack = keras.Sequential([
    keras.Input((128, 128, 3)),
    layers.Conv2D(32, 5),
    layers.MaxPooling2D(3),
    layers.Conv2D(64, 3, padding="same"),
])
after_pooling = stack.layers[1].output.shape[1:]
second_parameters = stack.layers[-1].count_params()

field, step = 1, 1
for window, stride in ((5, 1), (3, 3), (3, 1)):
    field, step = field + (window - 1) * step, step * stride
receptive_field = field
""",
    "namedtuple and float": """\
from collections import namedtuple

Shape = namedtuple("Shape", "height width channels")
after_pooling = Shape(height=41, width=41, channels=32)
second_parameters = 64 * (3 * 3 * 32 + 1)
receptive_field = 13.0
""",
}

E03_1_WRONG = {
    "no pooling": (
        """\
after_pooling = (124, 124, 32)
second_parameters = 18496
receptive_field = 13
""",
        "This is the shape after layer 1.",
    ),
    "rounded up": (
        """\
after_pooling = (42, 42, 32)
second_parameters = 18496
receptive_field = 13.0
""",
        "124 / 3 is rounded up to 42.",
    ),
    "with the batch": (
        """\
after_pooling = (None, 41, 41, 32)
second_parameters = 18496
receptive_field = 13
""",
        "The shape of one picture has no batch axis.",
    ),
    "channels of layer 3": (
        """\
after_pooling = (41, 41, 64)
second_parameters = 18496
receptive_field = 13
""",
        "64 are the channels after layer 3, not after layer 2.",
    ),
    "three channels in": (
        """\
after_pooling = (41, 41, 32)
second_parameters = 64 * (3 * 3 * 3 + 1)
receptive_field = 13
""",
        "Layer 3 takes 32 channels, not 3.",
    ),
    "biases of the channels": (
        """\
after_pooling = (41, 41, 32)
second_parameters = 64 * 32 * (3 * 3 + 1)
receptive_field = 13
""",
        "One bias for each filter and channel.",
    ),
    "parameters of all layers": (
        """\
after_pooling = (41, 41, 32)
second_parameters = 18496 + 2432
receptive_field = 13
""",
        "These are the parameters of all layers.",
    ),
}

E03_2_RIGHT = {
    "functional in a loop, ReLU as a layer": """\
def build_cnn(input_shape, num_classes):
    inputs = keras.Input(shape=input_shape)
    x = inputs / 255.0
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, (3, 3), strides=(1, 1), padding="same")(x)
        x = layers.ReLU()(x)
        x = layers.MaxPool2D(pool_size=(2, 2), strides=(2, 2), padding="valid")(x)
    x = layers.Reshape((-1,))(x)
    x = layers.Dense(128)(x)
    x = layers.Activation("relu")(x)
    x = layers.Dropout(rate=0.5, seed=7)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation=None)(x))
""",
    "a class of its own": """\
class ThreeBlocks(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.rescale = layers.Rescaling(scale=1.0 / 255.0, offset=0.0)
        self.convolutions = [
            layers.Conv2D(filters, 3, padding="same", activation=keras.activations.relu)
            for filters in (32, 64, 128)
        ]
        self.pool = layers.MaxPooling2D()
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(128, "relu")
        self.dropout = layers.Dropout(0.5)
        self.logits = layers.Dense(num_classes)

    def call(self, x, training=False):
        x = self.rescale(x)
        for convolution in self.convolutions:
            x = self.pool(convolution(x))
        x = self.hidden(self.flatten(x))
        return self.logits(self.dropout(x, training=training))


def build_cnn(input_shape, num_classes):
    model = ThreeBlocks(num_classes)
    model(np.zeros((1, *input_shape), "float32"))
    return model
""",
    "networks inside a network": """\
def block(filters):
    return keras.Sequential([
        layers.Conv2D(filters, kernel_size=3, activation="relu", padding="SAME".lower()),
        layers.MaxPooling2D(pool_size=2),
    ], name=f"block_{filters}")


def build_cnn(input_shape, num_classes):
    body = keras.Sequential([block(32), block(64), block(128)], name="body")
    head = keras.Sequential([
        layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(1 / 2),
        layers.Dense(num_classes, activation="linear", name="logits"),
    ], name="head")
    return keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255), body, head])
""",
}

E03_2_WRONG = {
    "gaussian dropout": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.GaussianDropout(0.5),
        layers.Dense(num_classes),
    ])
""",
        "GaussianDropout multiplies by random numbers; it drops nothing.",
    ),
    "spatial dropout": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.SpatialDropout2D(0.5), layers.Flatten(),
        layers.Dense(128, activation="relu"),
        
        layers.Dense(num_classes),
    ])
""",
        "Whole maps are dropped before flattening instead of units after the dense layer.",
    ),
    "leaky relu": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation=keras.layers.LeakyReLU(negative_slope=0.01)),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(num_classes),
    ])
""",
        "Leaky ReLU lets a hundredth of negative values through.",
    ),
    "pooling 3 by 3 with stride 2": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(num_classes),
    ])
""",
        "The pooling windows are 3 by 3 and overlap.",
    ),
    "127 units": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(127, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(num_classes),
    ])
""",
        "The dense layer has 127 units.",
    ),
    "rescaled after the first convolution": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        
        layers.Conv2D(32, 3, padding="same", activation="relu"),layers.Rescaling(1 / 255),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(num_classes),
    ])
""",
        "The pixels are rescaled after the first convolution, not first.",
    ),
    "four blocks": (
        """\
def build_cnn(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(128, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(num_classes),
    ])
""",
        "There is a fourth block with 16 filters.",
    ),
}

E03_3_RIGHT = {
    "functional": """\
def build_mended(input_shape, num_classes):
    picture = keras.Input(input_shape)
    x = layers.Rescaling(1.0 / 255)(picture)
    for filters in (8, 16):
        x = layers.Conv2D(filters, (3, 3), padding="valid", activation="relu")(x)
        x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Flatten()(x)
    return keras.Model(picture, layers.Dense(num_classes)(x))
""",
    "the broken one taken apart": """\
def build_mended(input_shape, num_classes):
    _, rescale, conv8, pool1, conv16, pool2, _ = build_broken(input_shape, num_classes).layers
    net = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    net.add(layers.Conv2D(conv8.filters, conv8.kernel_size, activation="relu"))
    net.add(layers.MaxPooling2D(pool1.pool_size))
    net.add(layers.Conv2D(conv16.filters, conv16.kernel_size))
    net.add(layers.ReLU())
    net.add(layers.MaxPooling2D(pool2.pool_size))
    net.add(layers.Flatten())
    net.add(layers.Dense(num_classes, activation="linear"))
    return net
""",
    "a class": """\
class Mended(keras.Model):
    def __init__(self, classes, **options):
        super().__init__(**options)
        self.steps = [
            layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Flatten(), layers.Dense(classes),
        ]

    def call(self, pixels):
        x = pixels / 255
        for step in self.steps:
            x = step(x)
        return x


def build_mended(input_shape, num_classes):
    net = Mended(num_classes)
    net(keras.ops.zeros((1, *input_shape)))
    return net
""",
}

E03_3_WRONG = {
    "both rescalings removed": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(num_classes),
    ])
""",
        "The pixels are not rescaled any more.",
    ),
    "still softmax": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(num_classes, activation="softmax"),
    ])
""",
        "The network still ends in softmax.",
    ),
    "flatten after the dense layer": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dense(num_classes),
        layers.Flatten(),
    ])
""",
        "Flatten stands after the dense layer, so there is a logit for each class and place.",
    ),
    "global maximum": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.GlobalMaxPooling2D(),
        layers.Dense(num_classes),
    ])
""",
        "Flatten was meant, not global max pooling.",
    ),
    "32 filters": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(num_classes),
    ])
""",
        "32 instead of 16 filters.",
    ),
    "extra dense layer": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(num_classes),
    ])
""",
        "There is a dense layer that was not meant.",
    ),
    "softmax as a layer": (
        """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(num_classes),
        layers.Softmax(),
    ])
""",
        "The network still ends in softmax.",
    ),
}

E03_4_RIGHT = {
    "sigmoid, loss by name": """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model
""",
    "functional, strides, global maximum": """\
def build_detector(input_shape):
    pixels = keras.Input(input_shape)
    x = pixels / 255
    for filters in (8, 16, 24):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.GlobalMaxPooling2D()(x)
    logit = layers.Dense(1)(x)
    probability = layers.Activation("sigmoid")(logit)
    model = keras.Model(pixels, probability)
    model.compile(loss=keras.losses.BinaryCrossentropy(), optimizer=keras.optimizers.RMSprop(0.002))
    return model
""",
    "a class with batch normalization": """\
class Detector(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = keras.Sequential([
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 5, strides=2, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
            layers.Conv2D(16, 3, strides=2, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
            layers.GlobalAveragePooling2D(),
        ])
        self.out = layers.Dense(1, name="logit")

    def call(self, x, training=False):
        return self.out(self.blocks(x, training=training))


def build_detector(input_shape):
    net = Detector()
    net(np.zeros((1,) + tuple(input_shape), dtype="float32"))
    loss = keras.losses.BinaryCrossentropy(from_logits=True, name="bce")
    net.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003), loss=loss)
    return net
""",
}

E03_4_WRONG = {
    "logit, loss by name": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1),
    ])
    model.compile("adam", "binary_crossentropy")
    return model
""",
        "The loss by name expects probabilities, the network gives logits.",
    ),
    "relu on the logit": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="relu"),
    ])
    model.compile(keras.optimizers.Adam(0.003), keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
""",
        "The logit cannot be negative, so class 0 is never likely.",
    ),
    "two outputs": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    ])
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
""",
        "Two outputs instead of one.",
    ),
    "mean squared error": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile(keras.optimizers.Adam(0.003), "mse", metrics=["accuracy"])
    return model
""",
        "Mean squared error instead of binary cross-entropy.",
    ),
    "not compiled": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1),
    ])
    pass
    return model
""",
        "The network is not compiled.",
    ),
    "too many that are not trained": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(150, activation="relu", trainable=False),
        layers.Dense(1),
    ])
    model.compile(keras.optimizers.Adam(0.003), keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
""",
        "Over 10,000 parameters, of which only some are trained.",
    ),
    "huge learning rate": (
        """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1),
    ])
    model.compile(keras.optimizers.SGD(1000.0), keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
""",
        "With this learning rate the weights explode.",
    ),
}

E03_5_RIGHT = {
    "the one calls the other": """\
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    scale = np.asarray(gamma) / np.sqrt(np.asarray(variance) + epsilon)
    shift = np.asarray(beta) - np.asarray(mean) * scale
    return np.asarray(x) * scale + shift


def normalize_training(x, gamma, beta, epsilon=0.001):
    flat = np.reshape(x, (-1, np.shape(x)[-1]))
    return normalize_later(x, gamma, beta, np.mean(flat, axis=0), np.var(flat, axis=0), epsilon)
""",
    "channel by channel": """\
def one_channel(values, g, b, m, v, e):
    return (values - m) / (v + e) ** 0.5 * g + b


def normalize_training(x, gamma, beta, epsilon=0.001):
    result = np.empty(x.shape, dtype=float)
    for c in range(x.shape[3]):
        values = x[:, :, :, c].astype(float)
        m = values.sum() / values.size
        v = ((values - m) ** 2).sum() / values.size
        result[..., c] = one_channel(values, gamma[c], beta[c], m, v, epsilon)
    return result


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    parts = [
        one_channel(x[..., c], gamma[c], beta[c], mean[c], variance[c], epsilon) for c in range(x.shape[-1])
    ]
    return np.stack(parts, axis=-1)
""",
    "einsum and keyword arguments": """\
class Normalizer:
    def __init__(self, epsilon):
        self.epsilon = epsilon

    def apply(self, x, *, mean, variance, gamma, beta):
        centered = np.subtract(x, mean)
        return np.add(np.multiply(np.divide(centered, np.sqrt(np.add(variance, self.epsilon))), gamma), beta)


def normalize_training(x, gamma, beta, epsilon=0.001):
    count = np.prod(x.shape[:-1])
    mean = np.einsum("bhwc->c", x, dtype="float64") / count
    variance = np.einsum("bhwc,bhwc->c", x - mean, x - mean) / count
    return Normalizer(epsilon).apply(x, beta=beta, gamma=gamma, mean=mean, variance=variance)


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return Normalizer(epsilon).apply(x, mean=mean, variance=variance, gamma=gamma, beta=beta)
""",
}

E03_5_WRONG = {
    "epsilon outside of the root later": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta
""",
        "In normalize_later epsilon is added to the root, not to the variance.",
    ),
    "epsilon built in later": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / np.sqrt(variance + 0.001) + beta
""",
        "In normalize_later epsilon is always 0.001.",
    ),
    "all channels together": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean()
    variance = x.var()
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
""",
        "Mean and variance are those of all channels together; right for one channel only.",
    ),
    "not divided by the root later": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / (variance + epsilon) + beta
""",
        "normalize_later divides by the variance, not by its root.",
    ),
    "later with its own batch": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return normalize_training(x, gamma, beta, epsilon)
""",
        "normalize_later takes the mean and the variance of its own pictures.",
    ),
    "rounded": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return (gamma * (x - mean) / np.sqrt(variance + epsilon) + beta).round(3)


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
""",
        "The numbers are rounded.",
    ),
    "reshaped wrongly": (
        """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.reshape(x.shape[-1], -1).mean(axis=1)
    variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
""",
        "The reshape mixes the channels before the mean is taken.",
    ),
}

E04_1_RIGHT = {
    "logaddexp and a table": """\
def batch_loss(logits, labels):
    logits = np.array(logits, dtype="float64")
    right = np.take_along_axis(logits, np.reshape(labels, (-1, 1)), axis=1)[:, 0]
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - right))


LOSSES = {
    (True, True): keras.losses.CategoricalCrossentropy(),
    (True, False): keras.losses.CategoricalCrossentropy(from_logits=True),
    (False, True): keras.losses.SparseCategoricalCrossentropy(),
    (False, False): keras.losses.SparseCategoricalCrossentropy(from_logits=True),
}


def choose_loss(one_hot, softmax):
    return LOSSES[bool(one_hot), bool(softmax)]
""",
    "image by image": """\
def one_loss(row, label):
    row = [float(z) for z in row]
    top = max(row)
    return top + np.log(sum(np.exp(z - top) for z in row)) - row[int(label)]


def batch_loss(logits, labels):
    losses = [one_loss(row, label) for row, label in zip(logits, labels)]
    return sum(losses) / len(losses)


def choose_loss(one_hot, softmax):
    kind = keras.losses.CategoricalCrossentropy if one_hot else keras.losses.SparseCategoricalCrossentropy
    return kind(from_logits=False) if softmax else kind(from_logits=True, name="loss")
""",
    "one-hot rows, a zero-dimensional array": """\
def batch_loss(logits, labels):
    logits = np.asarray(logits, float)
    rows = np.eye(logits.shape[1])[np.asarray(labels)]
    highest = np.max(logits, axis=1)
    total = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    return np.array(np.average(total - (rows * logits).sum(axis=1)))


choose_loss = lambda one_hot, softmax: getattr(
    keras.losses, ("" if one_hot else "Sparse") + "CategoricalCrossentropy"
)(from_logits=(False if softmax else True))
""",
}

E04_1_WRONG = {
    "median": (
        """\
def batch_loss(logits, labels):
    logits = np.asarray(logits, dtype=float)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.median(-log_p[np.arange(len(labels)), labels])


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
""",
        "The median instead of the mean.",
    ),
    "every label with every image": (
        """\
def batch_loss(logits, labels):
    logits = np.asarray(logits, dtype=float)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[:, labels].mean()


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
""",
        "It takes the mean over all pairs of images and labels.",
    ),
    "softmax over everything": (
        """\
def batch_loss(logits, labels):
    logits = np.asarray(logits, dtype=float)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum())
    return -log_p[np.arange(len(labels)), labels].mean()


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
""",
        "Softmax is computed over all numbers of the batch.",
    ),
    "logarithm of the mean": (
        """\
def batch_loss(logits, labels):
    powers = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(labels)), labels].mean())


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
""",
        "The logarithm of the mean instead of the mean of the logarithms.",
    ),
    "Keras": (
        """\
def batch_loss(logits, labels):
    return float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits))


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
""",
        "It lets Keras do it; the question says NumPy alone.",
    ),
    "always logits": (
        """\
def batch_loss(logits, labels):
    logits = np.asarray(logits, dtype=float)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
""",
        "from_logits is always True.",
    ),
    "sum of the batch": (
        """\
def batch_loss(logits, labels):
    logits = np.asarray(logits, dtype=float)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax, reduction="sum")
""",
        "The loss of class indices is the sum over the batch instead of the mean.",
    ),
}

E04_2_RIGHT = {
    "math, and a search with NumPy": """\
import math


def rate_at(step, steps, warmup=0, peak=0.001):
    if warmup and step <= warmup:
        return step / warmup * peak
    done = (step - warmup) / (steps - warmup)
    return peak * math.cos(math.pi * done / 2) ** 2


def when_to_stop(losses, patience):
    losses = np.asarray(losses)
    for last in range(1, len(losses) + 1):
        best = int(losses[:last].argmin()) + 1
        if last - best == patience:
            return np.int64(last), np.int64(best)
    return len(losses), int(np.argmin(losses)) + 1
""",
    "while and a namedtuple": """\
from collections import namedtuple

Stop = namedtuple("Stop", "last best")


def rate_at(step, steps, warmup=0, peak=0.001):
    rising = step < warmup
    if rising:
        return np.interp(step, [0, warmup], [0, peak])
    return 0.5 * peak + 0.5 * peak * np.cos(np.pi * (step - warmup) / (steps - warmup))


def when_to_stop(losses, patience):
    last, best, waited = 1, 1, 0
    while last < len(losses) and waited < patience:
        last += 1
        if losses[last - 1] < losses[best - 1]:
            best, waited = last, 0
        else:
            waited += 1
    return Stop(last=last, best=best)
""",
    "fractions and a list": """\
from fractions import Fraction


class Watch:
    def __init__(self, patience):
        self.patience, self.history = patience, []

    def stops(self, loss):
        self.history.append(loss)
        return len(self.history) - self.best() >= self.patience

    def best(self):
        return self.history.index(min(self.history)) + 1


def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return float(Fraction(int(step), int(warmup))) * peak
    t = Fraction(int(step) - int(warmup), int(steps) - int(warmup))
    return peak * (1 + np.cos(np.pi * float(t))) / 2


def when_to_stop(losses, patience):
    watch = Watch(patience)
    for loss in losses:
        if watch.stops(loss):
            break
    return [len(watch.history), watch.best()]
""",
}

E04_2_WRONG = {
    "last step is steps - 1": (
        """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - 1 - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch
""",
        "The rate is 0 one step too early.",
    ),
    "quarter of a wave": (
        """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * np.cos(np.pi * t / 2)


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch
""",
        "A quarter of a cosine wave; at both ends it does not show.",
    ),
    "default warm-up 1": (
        """\
def rate_at(step, steps, warmup=1, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch
""",
        "The default of warmup is another one.",
    ),
    "curved warm-up": (
        """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * (1 - np.cos(np.pi * step / warmup)) / 2
    t = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch
""",
        "The warm-up is a cosine instead of a straight line.",
    ),
    "one epoch less": (
        """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience - 1:
            return epoch, best_epoch
    return len(losses), best_epoch
""",
        "It stops one epoch too early.",
    ),
    "compared with the one before": (
        """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    waited = 0
    for k in range(1, len(losses)):
        waited = 0 if losses[k] < losses[k - 1] else waited + 1
        if waited == patience:
            return k + 1, int(np.argmin(losses[: k + 1])) + 1
    return len(losses), int(np.argmin(losses)) + 1
""",
        "Each loss is compared with the one before instead of the best.",
    ),
    "last of equals": (
        """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, max(k for k, x in enumerate(losses[:epoch], 1) if x == best)
    return len(losses), best_epoch
""",
        "Of equal losses the last one is taken for the best.",
    ),
}

E04_3_RIGHT = {
    "other order, defaults, text": """\
def make_callbacks(file):
    save = keras.callbacks.ModelCheckpoint(str(file), save_best_only=True)
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    slow = keras.callbacks.ReduceLROnPlateau(patience=2, factor=1 / 2)
    return [save, slow, stop]
""",
    "mode and no least change": """\
COMMON = {"monitor": "val_loss", "mode": "min"}


def make_callbacks(file):
    return list((
        keras.callbacks.EarlyStopping(**COMMON, patience=5, min_delta=0, restore_best_weights=True, verbose=0),
        keras.callbacks.ReduceLROnPlateau(**COMMON, factor=0.5, patience=2, min_delta=0.0, cooldown=0, min_lr=0),
        keras.callbacks.ModelCheckpoint(filepath=Path(file), **COMMON, save_best_only=True, save_weights_only=False, save_freq="epoch"),
    ))
""",
    "classes of one's own on top of Keras's": """\
class Stop(keras.callbacks.EarlyStopping):
    def __init__(self):
        super().__init__("val_loss", patience=5, restore_best_weights=True)


class Halve(keras.callbacks.ReduceLROnPlateau):
    def __init__(self):
        super().__init__("val_loss", 0.5, 2)


def make_callbacks(file):
    callbacks = []
    callbacks.append(Stop())
    callbacks.append(Halve())
    callbacks.append(keras.callbacks.ModelCheckpoint(file, "val_loss", 0, True))
    return callbacks
""",
}

E04_3_WRONG = {
    "patiences exchanged": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=5),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "The two patiences are exchanged.",
    ),
    "0.45": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.45, patience=2),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "The factor is 0.45.",
    ),
    "last weights": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "The network keeps its last weights.",
    ),
    "least change of the rate": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_delta=0.02),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "Small improvements do not count for the rate.",
    ),
    "not below 0.02": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_lr=0.02),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "The rate never falls below 0.02.",
    ),
    "mode max": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, mode="max", restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "It waits for the loss to grow.",
    ),
    "halved every two epochs": (
        """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch and epoch % 2 == 0 else rate),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
        "The rate is halved every two epochs, whatever the loss does.",
    ),
}

E04_4_RIGHT = {
    "functional": """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomTranslation(height_factor=(-0.1, 0.1), width_factor=(-0.1, 0.1), fill_mode="nearest"),
        layers.RandomFlip(mode="horizontal"),
    ], name="augmentation")


def with_augmentation(network):
    pictures = keras.Input(shape=network.input_shape[1:])
    return keras.Model(pictures, network(build_augmentation()(pictures)))
""",
    "one layer with three inside": """\
class Augment(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.steps = [
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.0),
            layers.RandomTranslation(0.0, 0.1),
        ]

    def call(self, x, training=False):
        for step in self.steps:
            x = step(x, training=training)
        return x

    def compute_output_shape(self, input_shape):
        return input_shape


def build_augmentation():
    return Augment()


def with_augmentation(network):
    return keras.Sequential([layers.InputLayer(shape=network.input_shape[1:]), Augment(), network])
""",
    "a class around the network": """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
    ])


class Augmented(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.augmentation = build_augmentation()
        self.network = network

    def call(self, pictures, training=False):
        return self.network(self.augmentation(pictures, training=training), training=training)


def with_augmentation(network):
    model = Augmented(network)
    model(np.zeros((1, *network.input_shape[1:]), "float32"))
    return model
""",
}

E04_4_WRONG = {
    "no flip": (
        """\
def build_augmentation():
    return keras.Sequential([
        
        layers.RandomTranslation(0.1, 0.1),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), network])
""",
        "Nothing is flipped.",
    ),
    "up to 5 %": (
        """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.05, 0.05),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), network])
""",
        "It shifts by up to 5 % only.",
    ),
    "down only": (
        """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation((0.0, 0.1), 0.1),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), network])
""",
        "It shifts down only.",
    ),
    "rescaled": (
        """\
def build_augmentation():
    return keras.Sequential([
        layers.Rescaling(1 / 255),
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), network])
""",
        "Pixels become 0 to 1, also while not training.",
    ),
    "without augmentation": (
        """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), network])
""",
        "with_augmentation does not augment.",
    ),
    "a copy": (
        """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), keras.models.clone_model(network)])
""",
        "The pictures go to a copy of the network with new weights.",
    ),
    "softmax added": (
        """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
    ])


def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), network, layers.Softmax()])
""",
        "A softmax was added that nobody asked for.",
    ),
}


def of(question: str) -> tuple[dict[str, str], dict[str, tuple[str, None]]]:
    """Return the right and the wrong answers to a question, by names with their origin."""
    name = "E" + question.replace(".", "_")
    right, wrong = globals().get(name + "_RIGHT", {}), globals().get(name + "_WRONG", {})
    return (
        {f"unseen: {key}": source for key, source in right.items()},
        {f"unseen: {key}": (source, None) for key, (source, _) in wrong.items()},
    )
