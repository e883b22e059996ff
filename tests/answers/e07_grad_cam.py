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
        "with a small number": _filters(guard="largest = largest + 1e-9"),
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
            "zero is not grey",
        ),
        "minimum to maximum of all": (
            "def filters_as_pictures(weights):\n"
            "    filters = np.moveaxis(weights, 3, 0)\n"
            "    return (filters - filters.min()) / (filters.max() - filters.min())\n",
            "zero is not grey",
        ),
        "no size": (
            _filters(largest="filters.max(axis=(1, 2, 3), keepdims=True)"),
            "sign forgotten",
        ),
        "−1 to 1": (_filters(result="filters / largest"), "not shifted to grey"),
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
        "reshaped": (_filters(filters="weights.reshape(-1, *weights.shape[:3])"), None),
        "divided by zero": (_filters(guard="pass"), None),
        "0 to 255": (_filters(result="127.5 + 127.5 * filters / largest"), None),
        "the course's": (
            "def filters_as_pictures(weights):\n"
            "    model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D("
            "weights.shape[3], weights.shape[:2], use_bias=False)])\n"
            "    model.set_weights([weights])\n"
            "    return explain.first_layer_filters(model)\n",
            "helper used",
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
        "no ReLU": (_formula(heat="(feature_maps * w).sum(axis=2)"), "ReLU missing"),
        "stretched before ReLU": (
            _formula(
                heat="np.maximum(((s := (feature_maps * w).sum(axis=2)) - s.min()) "
                "/ (s.max() - s.min()), 0)"
            ),
            "normalised too early",
        ),
        "maps stretched": (
            _formula(
                heat="np.maximum((feature_maps / feature_maps.max(axis=(0, 1)) * w).sum(axis=2), 0)"
            ),
            "normalised too early",
        ),
        "stretched at the end": (
            _formula(heat="(h := np.maximum((feature_maps * w).sum(axis=2), 0)) / h.max()"),
            "normalised",
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
        "nothing returned": (_formula().replace("return np", "result = np"), "nothing returned"),
    },
    equivalent={},
)

# --- 07.3: the tape ----------------------------------------------------------------------------


def _tape(
    pictures="tf.constant(pictures)",
    score="tf.reduce_sum(logits * tf.one_hot(classes, 3), axis=1)",
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
        "the sum of the scores": _tape(
            score="sum(logits[i, int(c)] for i, c in enumerate(classes))"
        ),
    },
    wrong={
        "probability": (
            _tape(score="tf.reduce_sum(tf.nn.softmax(logits) * tf.one_hot(classes, 3), axis=1)"),
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
            "normalised",
        ),
        "stretched before ReLU": (
            _tape(
                heat="((s := tf.reduce_sum(weights * maps, axis=-1)) "
                "- tf.reduce_min(s, axis=(1, 2), keepdims=True)) "
                "/ (tf.reduce_max(s, axis=(1, 2), keepdims=True) "
                "- tf.reduce_min(s, axis=(1, 2), keepdims=True))"
            ),
            "normalised too early",
        ),
        "sum of the gradients": (
            _tape(weights="tf.reduce_sum(gradients, axis=(1, 2), keepdims=True)"),
            "sum instead of mean",
        ),
        "with respect to the pictures": (_tape(of="x"), None),
        "always the last class": (_tape(score="logits[:, -1]"), None),
        "the first picture only": (
            _tape(heat="tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[0]"),
            None,
        ),
        "enlarged": (
            _tape(
                heat="tf.image.resize(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1, "
                "keepdims=True)), (12, 12))[..., 0]"
            ),
            "shape",
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
        "coldest": (_game(peak="heat.argmin()"), "coldest pixel"),
        "a list": (_game(result="hits"), None),
        "first pixel left out": (_game(inside="x0 < x < x1 and y0 < y < y1"), None),
        "only the columns": (_game(inside="x0 <= x < x1"), None),
        "width for x1": (_game(inside="x0 <= x < x0 + x1 and y0 <= y < y0 + y1"), None),
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
        "roughly": _cheat("'Roses'", "[36.0, 9.5]", "'bd'"),
        "by its number": _cheat("class_names[4]", "np.array([38, 7])", "('d', 'b')"),
    },
    wrong={
        "another class": (_cheat("'tulips'"), "another class"),
        "a number": (_cheat("4"), None),
        "exchanged": (_cheat(place="(8, 37)"), "row and column exchanged"),
        "from the bottom": (_cheat(place="(10, 8)"), "rows from the bottom"),
        "the flower": (_cheat(place="(24, 24)"), "the flower"),
        "elsewhere": (_cheat(place="(5, 44)"), None),
        "one number": (_cheat(place="37"), None),
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
