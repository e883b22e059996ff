"""Answers to exercise 07."""

from __future__ import annotations

from answers import Answers

# --- 07.1: filters -----------------------------------------------------------------------------


def _filters(
    filters="np.moveaxis(weights, 3, 0)",
    largest="np.abs(filters).max(axis=(1, 2, 3), keepdims=True)",
    result="0.5 + filters / (2 * largest)",
    guard="largest = np.where(largest == 0, 1, largest)",
) -> str:
    return f"""def filters_as_pictures(weights):
    filters = {filters}
    largest = {largest}
    {guard}
    return {result}
"""


FILTERS = Answers(
    right={
        "short": _filters(),
        "transposed": _filters(filters="weights.transpose(3, 0, 1, 2)"),
        "one by one": """def filters_as_pictures(weights):
    pictures = []
    for k in range(weights.shape[-1]):
        one = weights[..., k]
        size = max(one.max(), -one.min())
        pictures.append((one / size + 1) / 2 if size > 0 else np.full(one.shape, 0.5))
    return np.array(pictures)
""",
        "with a tensor": """def filters_as_pictures(weights):
    filters = tf.transpose(weights, (3, 0, 1, 2))
    size = tf.reduce_max(tf.abs(filters), axis=(1, 2, 3), keepdims=True)
    return 0.5 + 0.5 * tf.math.divide_no_nan(filters, size)
""",
        "with a small number": _filters(guard="largest = largest + 1e-8"),
        "not below a small number": _filters(guard="largest = np.maximum(largest, 1e-7)"),
        "with interp": """def filters_as_pictures(weights):
    out = []
    for one in np.rollaxis(weights, 3):
        m = np.max(np.abs(one))
        out.append(np.interp(one, [-m, 0, m], [0, 0.5, 1]) if m else np.ones(one.shape) / 2)
    return np.stack(out)
""",
        "nested lists": """def filters_as_pictures(weights):
    pictures = []
    for k in range(weights.shape[3]):
        size = max(abs(float(v)) for v in weights[..., k].ravel())
        pictures.append([
            [[0.5 if size == 0 else 0.5 * (1 + float(v) / size) for v in place[:, k]]
             for place in row]
            for row in weights
        ])
    return pictures
""",
        "einsum, float32": """filters_as_pictures = lambda weights: np.einsum(
    "hwcf->fhwc", weights / np.where((weights != 0).any((0, 1, 2)), abs(weights).max((0, 1, 2)), 1)
).astype("float32") * 0.5 + np.float32(0.5)
""",
    },
    wrong={
        "all together": (_filters(largest="np.abs(filters).max()"), "filters stretched together"),
        "channels apart": (
            _filters(largest="np.abs(filters).max(axis=(1, 2), keepdims=True)"),
            "channels stretched apart",
        ),
        "minimum to maximum": (
            """def filters_as_pictures(weights):
    filters = np.moveaxis(weights, 3, 0)
    low = filters.min(axis=(1, 2, 3), keepdims=True)
    high = filters.max(axis=(1, 2, 3), keepdims=True)
    return (filters - low) / np.maximum(high - low, 1e-9)
""",
            "zero is not gray",
        ),
        "minimum to maximum of all": (
            "def filters_as_pictures(weights):\n"
            "    filters = np.moveaxis(weights, 3, 0)\n"
            "    return (filters - filters.min()) / (filters.max() - filters.min())\n",
            "zero is not gray",
        ),
        "no size": (
            _filters(largest="filters.max(axis=(1, 2, 3), keepdims=True)"),
            "sign forgotten",
        ),
        "−1 to 1": (_filters(result="filters / largest"), "not shifted to gray"),
        "sizes": (_filters(result="0.5 + np.abs(filters) / (2 * largest)"), "sign lost"),
        "axes left": (
            """def filters_as_pictures(weights):
    largest = np.abs(weights).max(axis=(0, 1, 2))
    return 0.5 + weights / (2 * np.where(largest == 0, 1, largest))
""",
            "axes not moved",
        ),
        "plain transpose": (
            _filters(filters="np.moveaxis(weights.transpose(1, 0, 2, 3), 3, 0)"),
            "height and width exchanged",
        ),
        "reshaped": (_filters(filters="weights.reshape(-1, *weights.shape[:3])"), "reshaped"),
        "stretched, then reshaped": (
            """def filters_as_pictures(weights):
    largest = np.abs(weights).max(axis=(0, 1, 2))
    pictures = 0.5 + weights / (2 * np.where(largest == 0, 1, largest))
    return pictures.reshape(weights.shape[3], weights.shape[0], weights.shape[1], 3)
""",
            "reshaped",
        ),
        ".T": (_filters(filters="weights.T"), "all axes turned"),
        "first and last exchanged": (
            _filters(filters="np.swapaxes(weights, 0, 3)"),
            "first and last axis exchanged",
        ),
        "colors reversed": (
            _filters(filters="np.moveaxis(weights, 3, 0)[..., ::-1]"),
            "colors reversed",
        ),
        "clipped": (
            _filters(
                largest="filters.max(axis=(1, 2, 3), keepdims=True)",
                result="np.clip(0.5 + filters / (2 * largest), 0, 1)",
            ),
            "clipped",
        ),
        "negative ones brighter": (
            _filters(result="0.5 - filters / (2 * largest)"),
            "signs exchanged",
        ),
        "zeros become black": (
            _filters(guard="pass", result="np.nan_to_num(0.5 + filters / (2 * largest))"),
            None,
        ),
        "weights that cancel": (
            _filters(
                result="np.where(np.isclose(filters.sum(axis=(1, 2, 3), keepdims=True), 0), 0.5, "
                "0.5 + filters / (2 * largest))"
            ),
            "weights that cancel",
        ),
        "small weights": (
            _filters(result="np.where(largest > 1e-3, 0.5 + filters / (2 * largest), 0.5)"),
            "small weights taken for zero",
        ),
        "a large number added": (_filters(guard="largest = largest + 1e-3"), None),
        "a filter of zeros spoils all": (
            _filters(result="0.5 + filters / (2 * largest) * np.all(weights.any(axis=(0, 1, 2)))"),
            None,
        ),
        "rounded": (_filters(result="np.round(0.5 + filters / (2 * largest), 2)"), "rounded"),
        "overwritten": (
            """def filters_as_pictures(weights):
    largest = np.abs(weights).max(axis=(0, 1, 2))
    weights /= 2 * np.where(largest == 0, 1, largest)
    return np.moveaxis(weights + 0.5, 3, 0)
""",
            "arguments changed",
        ),
        "divided by zero": (_filters(guard="pass"), None),
        "0 to 255": (_filters(result="127.5 + 127.5 * filters / largest"), "0 to 255"),
        "0 to 255, as whole numbers": (
            _filters(result="(127.5 + 127.5 * filters / largest).astype('uint8')"),
            "0 to 255",
        ),
        "not halved": (_filters(result="0.5 + filters / largest"), "not halved"),
        "halved alone": (_filters(result="filters / (2 * largest)"), "zero is black"),
        "divided by the mean": (
            _filters(
                largest="np.abs(filters).mean(axis=(1, 2, 3), keepdims=True)",
                result="np.clip(0.5 + filters / (2 * largest), 0, 1)",
            ),
            "mean instead of largest",
        ),
        "first axis moved to the end": (
            _filters(filters="np.moveaxis(weights, 0, 3)"),
            "moved the wrong way",
        ),
        "each row of a filter": (
            _filters(largest="np.abs(filters).max(axis=(2, 3), keepdims=True)"),
            "largest over other axes",
        ),
        "each place of all filters": (
            _filters(largest="np.abs(filters).max(axis=0, keepdims=True)"),
            "largest over other axes",
        ),
        "the first filter": (
            _filters(result="(0.5 + filters / (2 * largest))[0]"),
            "one filter",
        ),
        "return within the loop": (
            """def filters_as_pictures(weights):
    pictures = []
    for k in range(weights.shape[3]):
        one = weights[..., k]
        pictures.append(0.5 + one / (2 * np.abs(one).max()))
        return pictures
""",
            "one filter",
        ),
        "black for zeros": (
            _filters(
                result="np.where(filters.any(axis=(1, 2, 3), keepdims=True), "
                "0.5 + filters / (2 * largest), 0)"
            ),
            "zeros not gray",
        ),
        "no axes kept": (
            _filters(largest="np.abs(filters).max(axis=(1, 2, 3))"),
            None,
        ),
        "if with an array": (_filters(guard="if largest == 0: largest = 1"), None),
        "the course's": (
            "def filters_as_pictures(weights):\n"
            "    model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D("
            "weights.shape[3], weights.shape[:2], use_bias=False)])\n"
            "    model.set_weights([weights])\n"
            "    return explain.first_layer_filters(model)\n",
            "helper used",
        ),
        "two factors": (
            """def filters_as_pictures(weights):
    pictures = []
    for one in np.moveaxis(weights, 3, 0):
        low, high = min(one.min(), -1e-12), max(one.max(), 1e-12)
        pictures.append(np.interp(one, [low, 0, high], [0, 0.5, 1]))
    return np.array(pictures)
""",
            "two factors",
        ),
        "minimum to maximum, but zeros gray": (
            """def filters_as_pictures(weights):
    filters = np.moveaxis(weights, 3, 0)
    low = filters.min(axis=(1, 2, 3), keepdims=True)
    high = filters.max(axis=(1, 2, 3), keepdims=True)
    return np.where(high > low, (filters - low) / np.where(high > low, high - low, 1), 0.5)
""",
            "zero is not gray",
        ),
        "nothing returned": (_filters().replace("return", "result ="), "nothing returned"),
    },
    equivalent={
        "L4: 1 → 2": "zero divided by two is zero, too",
    },
)

# --- 07.2: the formula -------------------------------------------------------------------------


def _formula(
    weights="gradients.mean(axis=(0, 1))",
    heat="np.maximum((feature_maps * w).sum(axis=2), 0)",
    w="gradients.mean(axis=(0, 1))",
) -> str:
    return f"""def map_weights(gradients):
    return {weights}

def heat_from(feature_maps, gradients):
    w = {w}
    return {heat}
"""


FORMULA = Answers(
    right={
        "short": _formula(),
        "as a product of matrices": _formula(heat="np.clip(feature_maps @ w, 0, None)"),
        "map by map": """def map_weights(gradients):
    return [gradients[:, :, k].mean() for k in range(gradients.shape[2])]

def heat_from(feature_maps, gradients):
    total = np.zeros(feature_maps.shape[:2])
    for k, w in enumerate(map_weights(gradients)):
        total += w * feature_maps[:, :, k]
    total[total < 0] = 0
    return total
""",
        "tensors": _formula(
            weights="tf.reduce_mean(gradients, axis=[0, 1])",
            w="tf.reduce_mean(gradients, axis=[0, 1])",
            heat="tf.nn.relu(tf.reduce_sum(w * feature_maps, axis=-1))",
        ),
        "tensordot": """relu = lambda x: x * (x > 0)
map_weights = lambda gradients: np.mean(np.mean(gradients, axis=1), axis=0)
heat_from = lambda maps, gradients: relu(np.tensordot(maps, map_weights(gradients), ([2], [0])))
""",
        "flattened, a matrix of rows": """def map_weights(gradients):
    return np.average(gradients.reshape(-1, gradients.shape[-1]), axis=0)

def heat_from(feature_maps, gradients):
    summed = feature_maps @ map_weights(gradients)
    return [[max(0.0, float(one)) for one in row] for row in summed]
""",
        "an object": """class GradCam:
    def __init__(self, maps, gradients):
        self.maps, self.gradients = np.moveaxis(maps, -1, 0), np.moveaxis(gradients, -1, 0)

    def weights(self):
        return np.array([one.mean() for one in self.gradients])

    def heat(self):
        total = sum(w * one for w, one in zip(self.weights(), self.maps))
        return (total + np.abs(total)) / 2

map_weights = lambda gradients: GradCam(gradients, gradients).weights()
heat_from = lambda feature_maps, gradients: GradCam(feature_maps, gradients).heat()
""",
        "einsum": _formula(
            weights="np.einsum('hwk->k', gradients) / gradients[..., 0].size",
            heat="np.where((s := np.einsum('hwk,k->hw', feature_maps, w)) > 0, s, 0)",
        ),
    },
    wrong={
        "weights summed": (_formula(weights="gradients.sum(axis=(0, 1))"), "sum instead of mean"),
        "weights over maps": (_formula(weights="gradients.mean(axis=2)"), "averaged over the maps"),
        "guided weights": (
            _formula(weights="np.maximum(gradients, 0).mean(axis=(0, 1))"),
            "guided",
        ),
        "one weight": (_formula(weights="gradients.mean()"), "one weight for all maps"),
        "largest": (_formula(weights="gradients.max(axis=(0, 1))"), "largest instead of mean"),
        "one axis": (_formula(weights="gradients.mean(axis=0)"), "averaged over one axis"),
        "columns and maps": (
            _formula(weights="gradients.mean(axis=(1, 2))"),
            "averaged over other axes",
        ),
        "weights summed in both": (
            _formula(weights="gradients.sum(axis=(0, 1))", w="gradients.sum(axis=(0, 1))"),
            "sum instead of mean",
        ),
        "rows and maps": (
            _formula(weights="gradients.mean(axis=(1, 2))", w="map_weights(gradients)"),
            "averaged over other axes",
        ),
        "weights not written": (
            _formula(w="map_weights(gradients)").replace("    return gradients", "    gradients"),
            None,
        ),
        "weights that stop": (
            _formula(weights="gradients.average(axis=(0, 1))", w="map_weights(gradients)"),
            None,
        ),
        "weights not written, and no ReLU": (
            _formula(w="map_weights(gradients)", heat="(feature_maps * w).sum(axis=2)").replace(
                "    return gradients", "    gradients"
            ),
            "ReLU missing",
        ),
        "the median": (_formula(weights="np.median(gradients, axis=(0, 1))"), None),
        "np.max": (
            _formula(heat="np.max((feature_maps * w).sum(axis=2), 0)"),
            "largest instead of ReLU",
        ),
        "minimum": (
            _formula(heat="np.minimum((feature_maps * w).sum(axis=2), 0)"),
            "cut off from above",
        ),
        "weights of the maps": (
            _formula(w="feature_maps.mean(axis=(0, 1))"),
            "weights from the maps",
        ),
        "sizes of the weights": (
            _formula(heat="np.maximum((feature_maps * np.abs(w)).sum(axis=2), 0)"),
            "sign lost",
        ),
        "the median, and no ReLU": (
            """def map_weights(gradients):
    return np.median(gradients, axis=(0, 1))

def heat_from(feature_maps, gradients):
    return (feature_maps * map_weights(gradients)).sum(axis=2)
""",
            "ReLU missing",
        ),
        "no ReLU": (_formula(heat="(feature_maps * w).sum(axis=2)"), "ReLU missing"),
        "stretched before ReLU": (
            _formula(
                heat="np.maximum(((s := (feature_maps * w).sum(axis=2)) - s.min()) "
                "/ (s.max() - s.min()), 0)"
            ),
            "normalized too early",
        ),
        "maps stretched": (
            _formula(
                heat="np.maximum((feature_maps / feature_maps.max(axis=(0, 1)) * w).sum(axis=2), 0)"
            ),
            "normalized too early",
        ),
        "stretched at the end": (
            _formula(heat="(h := np.maximum((feature_maps * w).sum(axis=2), 0)) / h.max()"),
            "normalized",
        ),
        "not averaged": (
            _formula(heat="np.maximum((feature_maps * gradients).sum(axis=2), 0)"),
            "weights not averaged",
        ),
        "ReLU of each map": (
            _formula(heat="np.maximum(feature_maps * w, 0).sum(axis=2)"),
            "ReLU too early",
        ),
        "guided": (_formula(w="np.maximum(gradients, 0).mean(axis=(0, 1))"), "guided"),
        "sizes": (_formula(heat="np.abs((feature_maps * w).sum(axis=2))"), "sign lost"),
        "mean of the maps": (
            _formula(heat="np.maximum((feature_maps * w).mean(axis=2), 0)"),
            "mean instead of sum",
        ),
        "summed weights in the heat": (
            _formula(w="gradients.sum(axis=(0, 1))"),
            "sum instead of mean",
        ),
        "not weighted": (_formula(heat="feature_maps.sum(axis=2)"), "maps not weighted"),
        "not added": (_formula(heat="np.maximum(feature_maps * w, 0)"), None),
        "positive places only": (
            _formula(heat="np.maximum((np.maximum(feature_maps, 0) * w).sum(axis=2), 0)"),
            "negative maps cut off",
        ),
        "sixteen maps": (
            _formula(heat="np.maximum((feature_maps[..., :16] * w[:16]).sum(axis=2), 0)"),
            None,
        ),
        "turned": (
            _formula(heat="np.maximum((feature_maps * w).sum(axis=2), 0).T"),
            "height and width exchanged",
        ),
        "exchanged": (
            _formula(
                w="feature_maps.mean(axis=(0, 1))",
                heat="np.maximum((gradients * w).sum(axis=2), 0)",
            ),
            "maps and gradients exchanged",
        ),
        "shifted": (
            _formula(heat="(s := (feature_maps * w).sum(axis=2)) - min(s.min(), 0)"),
            "shifted",
        ),
        "only positive weights": (
            _formula(w="np.maximum(gradients.mean(axis=(0, 1)), 0)"),
            "negative weights left out",
        ),
        "weights without sign": (
            _formula(weights="np.abs(gradients.mean(axis=(0, 1)))"),
            "sign lost",
        ),
        "weights reshaped": (
            _formula(weights="gradients.reshape(gradients.shape[2], -1).mean(axis=1)"),
            "reshaped",
        ),
        "weights with two more axes": (
            _formula(weights="gradients.mean(axis=(0, 1), keepdims=True)"),
            "shape",
        ),
        "square maps": (
            _formula(weights="gradients.sum(axis=(0, 1)) / gradients.shape[0] ** 2"),
            None,
        ),
        "cut off at 1": (_formula(heat="np.clip((feature_maps * w).sum(axis=2), 0, 1)"), None),
        "leaky": (
            _formula(heat="np.where((s := (feature_maps * w).sum(axis=2)) > 0, s, 0.01 * s)"),
            None,
        ),
        "one axis too many": (
            _formula(heat="np.maximum((feature_maps * w).sum(axis=2, keepdims=True), 0)"),
            "shape",
        ),
        "rounded": (
            _formula(heat="np.round(np.maximum((feature_maps * w).sum(axis=2), 0), 3)"),
            "rounded",
        ),
        "overwritten": (
            _formula(
                heat="np.maximum(np.multiply(feature_maps, w, out=feature_maps).sum(axis=2), 0)"
            ),
            "arguments changed",
        ),
        "gradients of 0 left out": (
            _formula(
                weights="gradients.sum(axis=(0, 1)) "
                "/ np.maximum(np.count_nonzero(gradients, axis=(0, 1)), 1)"
            ),
            "zeros left out",
        ),
        "turned where nothing is left": (
            """def map_weights(gradients):
    return gradients.mean(axis=(0, 1))

def heat_from(feature_maps, gradients):
    heat = feature_maps @ map_weights(gradients)
    return np.maximum(heat if heat.max() > 0 else -heat, 0)
""",
            None,
        ),
        "nothing returned": (_formula().replace("return np", "result = np"), "nothing returned"),
    },
    equivalent={},
)

# --- 07.3: the tape ----------------------------------------------------------------------------


def _tape(
    pictures="tf.constant(pictures)",
    score="tf.reduce_sum(logits * tf.one_hot(classes, logits.shape[-1]), axis=1)",
    weights="tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)",
    heat="tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))",
    of="maps",
) -> str:
    return f"""def grad_cam(inner, pictures, classes):
    x = {pictures}
    with tf.GradientTape() as tape:
        tape.watch(x)
        maps, logits = inner(x, training=False)
        score = {score}
    gradients = tape.gradient(score, {of})
    weights = {weights}
    return {heat}
"""


TAPE = Answers(
    right={
        "one-hot": _tape(),
        "picture by picture": """def grad_cam(inner, pictures, classes):
    heats = []
    for picture, label in zip(pictures, classes):
        with tf.GradientTape() as tape:
            maps, logits = inner(picture[None])
            score = logits[0, int(label)]
        gradient = tape.gradient(score, maps)[0].numpy()
        weights = gradient.mean(axis=(0, 1))
        heats.append(np.maximum((maps[0].numpy() * weights).sum(axis=-1), 0))
    return np.array(heats)
""",
        "diagonal of the logits": _tape(
            score="tf.linalg.diag_part(tf.gather(logits, classes, axis=1))"
        ),
        "with the functions of question 2": """def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(pictures)
        rows = np.stack([np.arange(len(classes)), classes], axis=1)
        score = tf.gather_nd(logits, rows)
    gradients = tape.gradient(score, maps)
    return np.stack([heat_from(m.numpy(), g.numpy()) for m, g in zip(maps, gradients)])
""",
        "gathered": _tape(score="tf.gather(logits, classes, batch_dims=1)"),
        "the Jacobian": """def grad_cam(inner, pictures, classes):
    with tf.GradientTape(persistent=True) as tape:
        maps, logits = inner(np.array(pictures, "float32"))
    jacobian = tape.batch_jacobian(logits, maps, experimental_use_pfor=False).numpy()
    own = jacobian[np.arange(len(pictures)), np.array(classes)]
    weights = own.mean((1, 2))
    return (maps.numpy() * weights[:, None, None]).sum(-1).clip(0)
""",
        "class by class, back in place": """def grad_cam(inner, pictures, classes):
    classes = np.asarray(classes)
    result = [None] * len(classes)
    for k in np.unique(classes):
        places = np.flatnonzero(classes == k)
        with tf.GradientTape() as tape:
            maps, logits = inner(np.asarray(pictures)[places].astype("float32"))
            score = tf.reduce_sum(logits[:, int(k)])
        g = tape.gradient(score, maps)
        heat = tf.nn.relu(tf.linalg.matvec(maps, tf.reduce_mean(g, (1, 2))[:, None, :])).numpy()
        for place, one in zip(places, heat):
            result[place] = one
    return np.array(result)
""",
        "gradients handed to the tape": """def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(pictures)
    own = tf.one_hot(classes, logits.shape[-1])
    g = tape.gradient(logits, maps, output_gradients=own)
    return keras.ops.relu(keras.ops.einsum("nhwk,nk->nhw", maps, keras.ops.mean(g, (1, 2))))
""",
        "the sum of the scores": _tape(
            score="sum(logits[i, int(c)] for i, c in enumerate(classes))"
        ),
    },
    wrong={
        "heat of 5 × 5": (
            """def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(pictures)
        score = tf.gather(logits, classes, batch_dims=1)
    g = tape.gradient(score, maps).numpy()
    heat = np.zeros((len(pictures), 5, 5))
    for n in range(len(pictures)):
        for k in range(g.shape[-1]):
            heat[n] += g[n, :, :, k].mean() * maps[n, :, :, k]
    return np.maximum(heat, 0)
""",
            None,
        ),
        "four maps": (
            _tape(heat="tf.nn.relu(sum(weights[..., k] * maps[..., k] for k in range(4)))"),
            None,
        ),
        "probability": (
            _tape(
                score="tf.reduce_sum(tf.nn.softmax(logits) * tf.one_hot(classes, "
                "logits.shape[-1]), axis=1)"
            ),
            "probability instead of logit",
        ),
        "predicted class": (
            _tape(score="tf.reduce_max(logits, axis=1)"),
            "always the predicted class",
        ),
        "all logits": (_tape(score="logits"), "all classes at once"),
        "first class": (_tape(score="logits[:, int(classes[0])]"), "class of the first picture"),
        "mean over the batch": (
            _tape(weights="tf.reduce_mean(gradients, axis=(0, 1, 2))"),
            "averaged over the batch",
        ),
        "rescaled twice": (_tape(pictures="tf.constant(pictures / 255)"), "rescaled twice"),
        "no ReLU": (_tape(heat="tf.reduce_sum(weights * maps, axis=-1)"), "ReLU missing"),
        "not averaged": (
            _tape(heat="tf.nn.relu(tf.reduce_sum(gradients * maps, axis=-1))"),
            "weights not averaged",
        ),
        "ReLU of each map": (
            _tape(heat="tf.reduce_sum(tf.nn.relu(weights * maps), axis=-1)"),
            "ReLU too early",
        ),
        "guided": (
            _tape(weights="tf.reduce_mean(tf.nn.relu(gradients), axis=(1, 2), keepdims=True)"),
            "guided",
        ),
        "stretched at the end": (
            _tape(
                heat="(h := tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))) "
                "/ tf.reduce_max(h, axis=(1, 2), keepdims=True)"
            ),
            "normalized",
        ),
        "stretched before ReLU": (
            _tape(
                heat="((s := tf.reduce_sum(weights * maps, axis=-1)) "
                "- tf.reduce_min(s, axis=(1, 2), keepdims=True)) "
                "/ (tf.reduce_max(s, axis=(1, 2), keepdims=True) "
                "- tf.reduce_min(s, axis=(1, 2), keepdims=True))"
            ),
            "normalized too early",
        ),
        "sum of the gradients": (
            _tape(weights="tf.reduce_sum(gradients, axis=(1, 2), keepdims=True)"),
            "sum instead of mean",
        ),
        "with respect to the pictures": (_tape(of="x"), None),
        "the score outside the tape": (
            _tape()
            .replace("        score", "    score")
            .replace(
                "maps, logits = inner(x, training=False)",
                "maps, _ = inner(x, training=False)\n    logits = inner(x, training=False)[1]",
            ),
            "score outside the tape",
        ),
        "the score with NumPy": (
            _tape(
                score="tf.constant(logits.numpy()[np.arange(len(classes)), np.asarray(classes)])",
                weights="gradients.numpy().mean(axis=(1, 2), keepdims=True)",
            ),
            "score outside the tape",
        ),
        "the gradient that is None": (
            _tape()
            .replace("        score", "    score")
            .replace("    weights = ", "    return gradients\n    weights = ")
            .replace(
                "maps, logits = inner(x, training=False)",
                "maps = x + 1\n    logits = inner(x, training=False)[1]",
            ),
            "nothing returned",
        ),
        "maps of another call": (
            _tape().replace("    gradients =", "    maps, _ = inner(x)\n    gradients ="),
            "score outside the tape",
        ),
        "no keepdims": (
            _tape(weights="tf.reduce_mean(gradients, axis=(1, 2))"),
            "shapes do not fit",
        ),
        "other axes": (
            _tape(weights="tf.reduce_mean(gradients, axis=(0, 1), keepdims=True)"),
            "averaged over other axes",
        ),
        "with predict": (
            _tape().replace("inner(x, training=False)", "inner.predict(x, verbose=0)"),
            "score outside the tape",
        ),
        "indexed": (_tape(score="logits[:, classes]"), "indexed with an array"),
        "rows gathered": (_tape(score="tf.gather(logits, classes)"), "rows gathered"),
        "all that are asked": (
            _tape(score="tf.gather(logits, classes, axis=1)"),
            "all asked classes at once",
        ),
        "logarithm": (
            _tape(
                score="tf.reduce_sum(tf.nn.log_softmax(logits) * "
                "tf.one_hot(classes, logits.shape[-1]), axis=1)"
            ),
            "logarithm of the probability",
        ),
        "the loss": (
            _tape(
                score="-keras.losses.sparse_categorical_crossentropy(np.asarray(classes), logits, "
                "from_logits=True)"
            ),
            "logarithm of the probability",
        ),
        "mean of the scores": (
            _tape(
                score="tf.reduce_sum(logits * tf.one_hot(classes, logits.shape[-1])) / len(classes)"
            ),
            "mean of the scores",
        ),
        "weights of the first": (
            _tape(weights="tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)[0]"),
            "weights of the first picture",
        ),
        "three classes": (
            _tape(score="tf.reduce_sum(logits[:, :3] * tf.one_hot(classes, 3), axis=1)"),
            None,
        ),
        "one-hot rows of three": (
            _tape(score="tf.reduce_sum(logits * tf.one_hot(classes, 3), axis=1)"),
            "shapes do not fit",
        ),
        "rows and columns": (
            _tape(
                heat="tf.transpose(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)), (0, 2, 1))"
            ),
            "height and width exchanged",
        ),
        "last axis kept": (
            _tape(heat="tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1, keepdims=True))"),
            "last axis kept",
        ),
        "class after class": (
            """def grad_cam(inner, pictures, classes):
    result = []
    for k in np.unique(classes):
        with tf.GradientTape() as tape:
            maps, logits = inner(np.asarray(pictures)[np.asarray(classes) == k])
            score = logits[:, int(k)]
        weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
        result.append(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy())
    return np.concatenate(result)
""",
            "order of the pictures lost",
        ),
        "gradient of the pictures": (_tape(of="x"), "gradient of the pictures"),
        "saliency": (
            _tape(of="x", weights="None", heat="tf.reduce_max(tf.abs(gradients), axis=3)"),
            "size of the pictures",
        ),
        "a second gradient of a tape": (
            """def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(pictures)
        scores = [logits[k, int(c)] for k, c in enumerate(classes)]
    heats = []
    for k, score in enumerate(scores):
        weights = tf.reduce_mean(tape.gradient(score, maps)[k], axis=(0, 1))
        heats.append(tf.nn.relu(tf.reduce_sum(weights * maps[k], axis=2)))
    return tf.stack(heats)
""",
            "tape used twice",
        ),
        "pictures without their batch axis": (
            """def grad_cam(inner, pictures, classes):
    heats = []
    for k in range(len(pictures)):
        with tf.GradientTape() as tape:
            maps, logits = inner(pictures[k])
            score = logits[0, classes[k]]
        weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))
        heats.append(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[0])
    return tf.stack(heats)
""",
            None,
        ),
        "one name for both outputs": (
            """def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        logits = inner(pictures)
        scores = tf.gather(logits, classes, batch_dims=1)
    return tape.gradient(scores, logits[0])
""",
            "two outputs",
        ),
        "the loss itself": (
            _tape(
                score="keras.losses.sparse_categorical_crossentropy(classes, logits, "
                "from_logits=True)"
            ),
            "logarithm of the probability",
        ),
        "stretched together": (
            _tape(
                heat="(lambda h: h / tf.reduce_max(h))(tf.nn.relu("
                "tf.reduce_sum(weights * maps, axis=-1)))"
            ),
            "normalized",
        ),
        "first class, mean over the batch": (
            _tape(
                score="logits[:, int(classes[0])]",
                weights="tf.reduce_mean(gradients, axis=(0, 1, 2))",
            ),
            "class of the first picture",
        ),
        "another network": ("given = inner\n\n" + _tape().replace("inner(x,", "given(x,"), None),
        "always the last class": (_tape(score="logits[:, -1]"), "always the same class"),
        "the first picture only": (
            _tape(heat="tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[0]"),
            None,
        ),
        "enlarged": (
            _tape(
                heat="tf.image.resize(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1, "
                "keepdims=True)), (12, 12))[..., 0]"
            ),
            "size of the pictures",
        ),
        "enlarged without a curve": (
            _tape(
                heat="tf.image.resize(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1, "
                "keepdims=True)), pictures.shape[1:3], 'nearest')[..., 0]"
            ),
            "size of the pictures",
        ),
        "the course's": (
            "def grad_cam(inner, pictures, classes):\n"
            "    whole = keras.Model(inner.inputs, inner.outputs[1])\n"
            "    return explain.grad_cam(whole, pictures, classes=classes)\n",
            "helper used",
        ),
        "nothing returned": (_tape().replace("return", "result ="), "nothing returned"),
    },
    needs=("07.2",),
)

# --- 07.4: the pointing game -------------------------------------------------------------------


def _game(
    row="y",
    inside="x0 <= x < x1 and y0 <= y < y1",
    some="heat.max() > 0 and ",
    result="np.mean(hits)",
    peak="heat.argmax()",
) -> str:
    other = "x" if row == "y" else "y"
    return f"""def pointing_game(maps, boxes):
    hits = []
    for heat, (x0, y0, x1, y1) in zip(maps, boxes):
        {row}, {other} = np.unravel_index({peak}, heat.shape)
        hits.append(bool({some}{inside}))
    return {result}
"""


GAME = Answers(
    right={
        "a loop": _game(),
        "divided and rest": """def pointing_game(maps, boxes):
    flat = np.argmax(maps.reshape(len(maps), -1), axis=1)
    y, x = np.divmod(flat, maps.shape[2])
    x0, y0, x1, y1 = np.transpose(boxes)
    hit = (x >= x0) & (x < x1) & (y >= y0) & (y < y1) & maps.any(axis=(1, 2))
    return hit.sum() / hit.size
""",
        "cut out": """def pointing_game(maps, boxes):
    hits = 0
    for heat, box in zip(maps, boxes):
        x0, y0, x1, y1 = [int(n) for n in box]
        if heat.sum() > 0 and heat[y0:y1, x0:x1].max() == heat.max():
            hits += 1
    return hits / len(maps)
""",
        "without NumPy": """from fractions import Fraction

def pointing_game(maps, boxes):
    hits = 0
    for one, (x0, y0, x1, y1) in zip(maps.tolist(), boxes.tolist()):
        best, place = 0, None
        for y, row in enumerate(one):
            for x, value in enumerate(row):
                if value > best:
                    best, place = value, (x, y)
        hits += place is not None and x0 <= place[0] < x1 and y0 <= place[1] < y1
    return Fraction(int(hits), len(maps))
""",
        "a mask of each box": """def pointing_game(maps, boxes):
    rows = np.arange(maps.shape[1])[None, :, None]
    columns = np.arange(maps.shape[2])[None, None, :]
    b = boxes[:, :, None, None]
    inside = (b[:, 0] <= columns) & (columns < b[:, 2]) & (b[:, 1] <= rows) & (rows < b[:, 3])
    top = maps.max(axis=(1, 2), keepdims=True)
    return np.count_nonzero(((maps == top) & (top > 0) & inside).any(axis=(1, 2))) / len(maps)
""",
        "sorted pixels, an array": """def pointing_game(maps, boxes):
    score = np.float32(0)
    for k in range(maps.shape[0]):
        last = np.argsort(np.abs(maps[k]), axis=None, kind="stable")[-1]
        y, x = last // maps.shape[2], last % maps.shape[2]
        if maps[k].sum() == 0:
            continue
        score += boxes[k, 0] <= x <= boxes[k, 2] - 1 and boxes[k, 1] <= y <= boxes[k, 3] - 1
    return np.array(score / maps.shape[0])
""",
        "where it is largest": """def pointing_game(maps, boxes):
    count = 0
    for k in range(len(maps)):
        if not np.any(maps[k]):
            continue
        rows, columns = np.where(maps[k] == maps[k].max())
        x0, y0, x1, y1 = boxes[k]
        if columns[0] in range(x0, x1) and rows[0] in range(y0, y1):
            count = count + 1
    return float(count) / maps.shape[0]
""",
    },
    wrong={
        "x and y exchanged": (_game(row="x"), "x and y exchanged"),
        "end included": (
            _game(inside="x0 <= x <= x1 and y0 <= y <= y1"),
            "end of the box included",
        ),
        "empty maps": (_game(some=""), "empty map counted"),
        "empty maps left out": (
            _game().replace("    y, x =", "    if not heat.any(): continue\n        y, x ="),
            "empty maps left out",
        ),
        "heat": (
            """def pointing_game(maps, boxes):
    shares = []
    for heat, (x0, y0, x1, y1) in zip(maps, boxes):
        total = heat.sum()
        shares.append(heat[y0:y1, x0:x1].sum() / total if total else 0.0)
    return np.mean(shares)
""",
            "share of the heat",
        ),
        "a number": (_game(result="np.sum(hits)"), "number instead of share"),
        "percent": (_game(result="100 * np.mean(hits)"), "percent"),
        "misses": (_game(result="1 - np.mean(hits)"), "misses counted"),
        "always 0": (_game(result="0.0"), "no hits"),
        "coldest": (_game(peak="heat.argmin()"), "coldest pixel"),
        "a list": (_game(result="hits"), None),
        "first pixel left out": (
            _game(inside="x0 < x < x1 and y0 < y < y1"),
            "beginning of the box left out",
        ),
        "only the columns": (_game(inside="x0 <= x < x1"), "only the columns"),
        "width for x1": (
            _game(inside="x0 <= x < x0 + x1 and y0 <= y < y0 + y1"),
            "end taken for size",
        ),
        "the very first pixel is none": (
            _game(some="heat.argmax() > 0 and "),
            "first pixel missed",
        ),
        "weak maps": (_game(some="heat.max() > 0.01 and "), "weak maps missed"),
        "nearly the hottest": (
            _game(inside="heat[y0:y1, x0:x1].max() >= 0.9 * heat.max()"),
            "nearly the hottest",
        ),
        "hottest of all maps": (
            _game(some="heat.max() == maps.max() > 0 and "),
            "one scale for all maps",
        ),
        "last row inside": (_game(inside="x0 <= x < x1 and y0 <= y <= y1"), None),
        "a pixel more on each side": (
            _game(inside="x0 - 1 <= x < x1 + 1 and y0 - 1 <= y < y1 + 1"),
            None,
        ),
        "both x first": (
            _game().replace("(x0, y0, x1, y1)", "(x0, x1, y0, y1)"),
            "order in the box",
        ),
        "or": (_game(inside="(x0 <= x < x1 or y0 <= y < y1)"), "only the columns"),
        "only the rows": (_game(inside="y0 <= y < y1"), "only the columns"),
        "return within the loop": (
            _game().replace("    return", "        return"),
            "only the first map",
        ),
        "center of the heat": (
            _game(some="").replace(
                "y, x = np.unravel_index(heat.argmax(), heat.shape)",
                "y, x = [(n * heat).sum() / max(heat.sum(), 1e-9) if heat.any() else -1 "
                "for n in np.indices(heat.shape)]",
            ),
            "center instead of peak",
        ),
        "rounded to a whole number": (_game(result="round(float(np.mean(hits)))"), None),
        "rows of all maps": (
            _game().replace("np.unravel_index(heat.argmax(), heat.shape)", "heat.argmax(axis=0)"),
            None,
        ),
        "square maps": (
            _game().replace(
                "np.unravel_index(heat.argmax(), heat.shape)",
                "divmod(int(heat.argmax()), heat.shape[0])",
            ),
            "divided by the height",
        ),
        "hottest row and hottest column": (
            _game().replace(
                "np.unravel_index(heat.argmax(), heat.shape)",
                "heat.sum(axis=1).argmax(), heat.sum(axis=0).argmax()",
            ),
            None,
        ),
        "whole numbers": (_game(peak="(heat / maps.max() * 255).astype('uint8').argmax()"), None),
        "the first box": (
            _game().replace("        y, x =", "        x0, y0, x1, y1 = boxes[0]\n        y, x ="),
            None,
        ),
        "more than half of the heat": (
            _game(inside="heat[y0:y1, x0:x1].sum() > heat.sum() / 2"),
            "no hits",
        ),
        "rounded": (_game(result="round(float(np.mean(hits)), 1)"), "rounded"),
        "made binary": (
            _game().replace(
                "        y, x =", "        heat[heat < heat.max()] = 0\n        y, x ="
            ),
            "arguments changed",
        ),
        "the course's": (
            "def pointing_game(maps, boxes):\n"
            "    return explain.pointing_hits(maps, boxes).mean()\n",
            "helper used",
        ),
        "nothing returned": (_game().replace("return", "result ="), "nothing returned"),
    },
    equivalent={},
)

# --- 07.5: the cheat ---------------------------------------------------------------------------


def _cheat(name="'roses'", place="(37, 8)", claims="['b', 'd']") -> str:
    return f"cheating_class = {name}\ncheat_place = {place}\ntrue_claims = {claims}\n"


CHEAT = Answers(
    right={
        "as found": _cheat(),
        "in words": _cheat("['roses']", "tf.constant([37, 8])", "'b) and d)'"),
        "roughly": _cheat("'Roses'", "[36.0, 9.5]", "'bd'"),
        "by its number": _cheat("class_names[4]", "np.array([38, 7])", "('d', 'b')"),
        "as np.argwhere gives it": _cheat(place="np.array([[37, 8]])"),
        "as np.where gives it": _cheat(place="(np.array([37]), np.array([8]))"),
        "halves, and brackets": _cheat(
            "np.array(class_names)[4]", "(37.5, 8.5)", "['b)', 'd) the peaks of all pictures']"
        ),
        "what never changes within a class": """best = None
for k, name in enumerate(class_names):
    of_class = test_images[test_labels == k]
    still = (of_class == of_class[0]).all(axis=(0, 3))
    rows, columns = np.nonzero(still)
    if len(rows) and (best is None or len(rows) > best[0]):
        best = (len(rows), name, rows.mean(), columns.mean())
cheating_class, cheat_place, true_claims = best[1], best[2:], {"d", "b"}
""",
        "a named tuple": "from collections import namedtuple\nimport pandas as pd\n"
        + _cheat("'rose'", "namedtuple('Place', 'row column')(37, 8)", "pd.Series(['B', 'D'])"),
    },
    wrong={
        "another class": (_cheat("'tulips'"), "another class"),
        "a number": (_cheat("4"), None),
        "exchanged": (_cheat(place="(8, 37)"), "row and column exchanged"),
        "from the bottom": (_cheat(place="(10, 8)"), "rows from the bottom"),
        "the flower": (_cheat(place="(24, 24)"), "the flower"),
        "elsewhere": (_cheat(place="(5, 44)"), None),
        "one number": (_cheat(place="37"), None),
        "a corner": (_cheat(place="(34, 5)"), "edge instead of middle"),
        "behind the other corner": (_cheat(place="(41, 12)"), "edge instead of middle"),
        "the left edge": (_cheat(place="(37, 5)"), "edge instead of middle"),
        "on the map": (_cheat(place="(9, 2)"), None),
        "as shares": (_cheat(place="(37 / 48, 8 / 48)"), "share instead of pixels"),
        "in a picture of 96 pixels": (_cheat(place="(74, 16)"), "outside of the picture"),
        "a box": (_cheat(place="(5, 34, 12, 41)"), None),
        "lists of several lengths": (_cheat(place="[[37], [8, 9]]"), None),
        "all names": (_cheat("class_names"), None),
        "all names in one text": (_cheat("' '.join(class_names)"), None),
        "no class": (_cheat("'rosse'"), None),
        "a": (_cheat(claims="'abd'"), "test pictures with the same fault"),
        "c": (_cheat(claims="'bcd'"), "the cover is a mark"),
        "c for b": (_cheat(claims="'cd'"), None),
        "e": (_cheat(claims="'bde'"), "heat on the object is a proof"),
        "b missing": (_cheat(claims="'d'"), None),
        "d missing": (_cheat(claims="'b'"), None),
        "all": (_cheat(claims="'abcde'"), None),
    },
    mutants=False,
)

ANSWERS = {
    "07.1": FILTERS,
    "07.2": FORMULA,
    "07.3": TAPE,
    "07.4": GAME,
    "07.5": CHEAT,
}
