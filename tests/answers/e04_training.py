"""Answers to exercise 04."""

from __future__ import annotations

import dataclasses

from answers import Answers, unseen

# --- 04.1: losses ------------------------------------------------------------------------------


def _losses(
    softmax="np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)",
    result="-np.log(p[np.arange(len(labels)), labels]).mean()",
    one_hot="keras.losses.CategoricalCrossentropy(from_logits=not softmax)",
    index="keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)",
) -> str:
    return f"""def batch_loss(logits, labels):
    p = {softmax}
    return {result}

def choose_loss(one_hot, softmax):
    return {one_hot} if one_hot else {index}
"""


LOSSES = Answers(
    right={
        "short": _losses(),
        "with a loop": """def batch_loss(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels):
        total += np.log(np.exp(row).sum()) - row[label]
    return total / len(labels)

def choose_loss(one_hot, softmax):
    losses = {
        (False, False): keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        (False, True): keras.losses.SparseCategoricalCrossentropy(),
        (True, False): keras.losses.CategoricalCrossentropy(from_logits=True),
        (True, True): keras.losses.CategoricalCrossentropy(),
    }
    return losses[bool(one_hot), bool(softmax)]
""",
        "one-hot": _losses(result="-(np.eye(p.shape[1])[labels] * np.log(p)).sum() / len(p)"),
        "maximum subtracted": _losses(
            softmax="np.exp(logits - logits.max(1)[:, None])",
            result="np.mean(np.log(p.sum(axis=1)) - np.log(p[np.arange(len(p)), labels]))",
        ),
        "told in other words": _losses(
            softmax="np.exp(logits) / np.exp(logits).sum(-1)[:, np.newaxis]",
            index="keras.losses.SparseCategoricalCrossentropy(from_logits=softmax is False)",
        ),
        "log of the sum": """def batch_loss(logits, labels):
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return np.array(-np.take_along_axis(log_p, labels.reshape(-1, 1), axis=1).mean())

def choose_loss(one_hot, softmax):
    kind = [keras.losses.SparseCategoricalCrossentropy, keras.losses.CategoricalCrossentropy]
    return kind[int(one_hot)](from_logits=not softmax, name="loss")
""",
        "divergence for one-hot probabilities": _losses(
            one_hot="(keras.losses.KLDivergence() if softmax else "
            "keras.losses.CategoricalCrossentropy(from_logits=True))",
        ),
        "functions of Keras": """import functools

def batch_loss(logits, labels):
    z = np.asarray(logits)
    return float(np.mean(np.log(np.exp(z).sum(-1)) - np.take_along_axis(
        z, np.asarray(labels)[:, None], 1)[:, 0]))

def choose_loss(one_hot, softmax):
    name = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    return functools.partial(getattr(keras.losses, name), from_logits=not softmax)
""",
    },
    wrong={
        "small number added": (
            _losses(result="-np.log(p[np.arange(len(labels)), labels] + 1e-12).mean()"),
            "probabilities limited",
        ),
        "clipped as Keras does": (
            _losses(
                result="-np.log(np.clip(p, 1e-7, 1 - 1e-7)[np.arange(len(labels)), labels]).mean()"
            ),
            "probabilities limited",
        ),
        "no mean of the loss": (
            _losses(
                one_hot="keras.losses.CategoricalCrossentropy(not softmax, reduction=None)",
                index="keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax,"
                " reduction='none')",
            ),
            "not averaged",
        ),
        "no softmax": (_losses(softmax="logits"), "softmax forgotten"),
        "sum": (_losses(result="-np.log(p[range(len(p)), labels]).sum()"), None),
        "sum of all": (
            _losses(result="-np.log(p[np.arange(len(p)), labels]).sum()"),
            "summed instead of averaged",
        ),
        "one each": (
            _losses(result="-np.log(p[np.arange(len(p)), labels])"),
            "one loss per image",
        ),
        "no minus": (
            _losses(result="np.log(p[np.arange(len(p)), labels]).mean()"),
            "minus forgotten",
        ),
        "over the batch": (
            _losses(softmax="np.exp(logits) / np.exp(logits).sum(axis=0)"),
            "softmax over the batch",
        ),
        "softmax and softmax": (
            _losses(
                softmax="np.exp(logits) / np.exp(logits).sum(1)[:, None]; "
                "p = np.exp(p) / np.exp(p).sum(1)[:, None]"
            ),
            "softmax twice",
        ),
        "log2": (
            _losses(result="-np.log2(p[np.arange(len(p)), labels]).mean()"),
            "another logarithm",
        ),
        "log10": (
            _losses(result="-np.log10(p[np.arange(len(p)), labels]).mean()"),
            "another logarithm",
        ),
        "all classes": (_losses(result="-np.log(p).mean()"), "all classes counted"),
        "the predicted class": (
            _losses(result="-np.log(p.max(axis=1)).mean()"),
            "largest probability taken",
        ),
        "mean first": (
            _losses(result="-np.log(p[np.arange(len(p)), labels].mean())"),
            "logarithm of the mean",
        ),
        "no logarithm": (
            _losses(result="1 - p[np.arange(len(p)), labels].mean()"),
            "logarithm forgotten",
        ),
        "columns for rows": (_losses(result="-np.log(p[:, labels]).mean()"), None),
        "always from logits": (
            _losses(
                one_hot="keras.losses.CategoricalCrossentropy(from_logits=True)",
                index="keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
            ),
            "softmax twice",
        ),
        "never from logits": (
            _losses(
                one_hot="keras.losses.CategoricalCrossentropy()",
                index="keras.losses.SparseCategoricalCrossentropy()",
            ),
            "logits taken for probabilities",
        ),
        "logits the wrong way round": (
            _losses(
                one_hot="keras.losses.CategoricalCrossentropy(from_logits=softmax)",
                index="keras.losses.SparseCategoricalCrossentropy(from_logits=softmax)",
            ),
            "logits taken for probabilities",
        ),
        "categorical always": (
            _losses(index="keras.losses.CategoricalCrossentropy(from_logits=not softmax)"),
            "labels one-hot",
        ),
        "sparse always": (
            _losses(one_hot="keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)"),
            "class indices",
        ),
        "names": (
            _losses(
                one_hot='"categorical_crossentropy"', index='"sparse_categorical_crossentropy"'
            ),
            None,
        ),
        "a class": (_losses(index="keras.losses.SparseCategoricalCrossentropy"), "class"),
        "squared error": (_losses(one_hot="keras.losses.MeanSquaredError()"), "another loss"),
        "smoothed": (
            _losses(
                one_hot="keras.losses.CategoricalCrossentropy(from_logits=not softmax, "
                "label_smoothing=0.1)"
            ),
            "another loss",
        ),
        "with Keras": (
            _losses(softmax="keras.ops.convert_to_numpy(keras.ops.softmax(logits))"),
            "helper used",
        ),
        "Keras's own loss": (
            _losses(
                result="float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
                "(labels, logits))"
            ),
            "helper used",
        ),
        "with SciPy": (
            "import scipy.special\n"
            + _losses(
                softmax="scipy.special.log_softmax(logits, axis=1)",
                result="-p[np.arange(len(labels)), labels].mean()",
            ),
            "helper used",
        ),
        "the largest of the batch subtracted": (
            _losses(softmax="np.exp(logits - logits.max()); p = p / p.sum(axis=1, keepdims=True)"),
            None,
        ),
        "cut off at a thousandth": (
            _losses(result="-np.log(np.maximum(p[np.arange(len(labels)), labels], 1e-3)).mean()"),
            None,
        ),
        "the logits overwritten": (
            _losses(
                softmax="np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True); "
                "logits -= logits.max()"
            ),
            "arguments changed",
        ),
        "absolute logits": (
            _losses(softmax="np.exp(abs(logits)); p /= p.sum(1, keepdims=True)"),
            None,
        ),
        "sum of the batch, by Keras": (
            _losses(
                index="keras.losses.SparseCategoricalCrossentropy("
                "from_logits=not softmax, reduction='sum')"
            ),
            "another loss",
        ),
        "a little smoothing": (
            _losses(
                one_hot="keras.losses.CategoricalCrossentropy(from_logits=not softmax, "
                "label_smoothing=0.01)"
            ),
            "another loss",
        ),
        "focal": (
            _losses(one_hot="keras.losses.CategoricalFocalCrossentropy(from_logits=not softmax)"),
            "another loss",
        ),
        "nothing returned": (_losses(one_hot="None", index="None"), "nothing returned"),
    },
)

# --- 04.2: a schedule, and when to stop ----------------------------------------------------------


def _plans(
    test="step < warmup",
    rise="peak * step / warmup",
    done="(step - warmup) / (steps - warmup)",
    fall="peak * (1 + np.cos(np.pi * done)) / 2",
    start="float('inf')",
    better="value < best",
    waits="waited = 0",
    first="1",
    stop="waited == patience",
    answer="epoch, best_epoch",
    end="len(losses), best_epoch",
    otherwise="waited += 1",
) -> str:
    return f"""def rate_at(step, steps, warmup=0, peak=0.001):
    if {test}:
        return {rise}
    done = {done}
    return {fall}

def when_to_stop(losses, patience):
    best, best_epoch, waited = {start}, 0, 0
    before = float("inf")
    for epoch, value in enumerate(losses, start={first}):
        if {better}:
            best, best_epoch = value, epoch
            {waits}
        else:
            {otherwise}
        before = value
        if {stop}:
            return {answer}
    return {end}
"""


PLANS = Answers(
    right={
        "by halves of an angle": _plans(
            fall="peak * (1 - np.sin(np.pi / 2 * done) ** 2)", stop="epoch - best_epoch == patience"
        ),
        "a dictionary of the best": """def rate_at(step, steps, warmup=0, peak=0.001):
    from math import cos, pi

    rising = warmup > 0 and step <= warmup
    if rising:
        return step * (peak / warmup)
    return 0.5 * peak * (1.0 + cos(pi * (step - warmup) / float(steps - warmup)))

def when_to_stop(losses, patience):
    best = {"loss": np.inf, "epoch": 0}
    epoch = 0
    while epoch < len(losses):
        epoch += 1
        if losses[epoch - 1] < best["loss"]:
            best = {"loss": losses[epoch - 1], "epoch": epoch}
        elif epoch - best["epoch"] >= patience:
            break
    return np.array([epoch, best["epoch"]])
""",
        "fractions": """from fractions import Fraction

def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * Fraction(step, warmup)
    return peak * (1 + np.cos(float(np.pi * Fraction(step - warmup, steps - warmup)))) / 2

def when_to_stop(losses, patience):
    history = list(losses)
    for epoch in range(1, len(history) + 1):
        best = min(range(epoch), key=history.__getitem__)
        if epoch - 1 - best == patience:
            break
    return {"last": epoch, "best": best + 1}.values()
""",
        "as in the lesson": _plans(),
        "cosine of degrees": _plans(fall="peak * np.cos(np.deg2rad(90 * done)) ** 2"),
        "up to and with the end of the warm-up": _plans(test="warmup and step <= warmup"),
        "waits by epochs": _plans(stop="epoch - best_epoch >= patience", start="losses[0] + 1"),
        "with slices": """def rate_at(step, steps, warmup=0, peak=0.001):
    left = max(step - warmup, 0) / (steps - warmup)
    return peak * min(step / warmup if warmup else 1, 1) * (0.5 + 0.5 * np.cos(np.pi * left))

def when_to_stop(losses, patience):
    for n in range(1, len(losses) + 1):
        best = losses[:n].index(min(losses[:n])) + 1
        if n - best >= patience:
            return [n, best]
    return [n, best]
""",
        "with NumPy": """def rate_at(step, steps, warmup=0, peak=0.001):
    after = peak * 0.5 * (1 + np.cos(np.pi * (step - warmup) / (steps - warmup)))
    return np.where(step < warmup, peak * step / max(warmup, 1), after)

def when_to_stop(losses, patience):
    epochs = np.arange(len(losses))
    best = np.array([np.argmin(losses[: k + 1]) for k in epochs])
    late = np.flatnonzero(epochs - best == patience)
    last = late[0] if late.size else epochs[-1]
    return last + 1, best[last] + 1
""",
    },
    wrong={
        "curved warm-up": (
            _plans(rise="peak * (1 - np.cos(np.pi * step / warmup)) / 2"),
            None,
        ),
        "a warm-up of one step taken for all": (
            _plans().replace(
                "    if step < warmup",
                "    if warmup == 1:\n        warmup = steps\n    if step < warmup",
            ),
            None,
        ),
        "squared warm-up": (_plans(rise="peak * (step / warmup) ** 2"), None),
        "never quite 0": (
            _plans(fall="1e-6 + (peak - 1e-6) * (1 + np.cos(np.pi * done)) / 2"),
            None,
        ),
        "best is 10 at first": (_plans(start="10"), None),
        "a thousandth better": (_plans(better="value < best - 1e-3"), None),
        "a hundredth of a percent better": (_plans(better="value < best * 0.9999"), None),
        "empties the list": (
            _plans().replace(
                "    before = float",
                "    todo, losses = losses, list(losses)\n    todo.clear()\n    before = float",
            ),
            "arguments changed",
        ),
        "sorts the list": (
            _plans()
            .replace("    return epoch, best_epoch", "    return epoch, best_epoch")
            .replace(
                "    return len(losses), best_epoch",
                "    last = len(losses)\n    losses.sort()\n    return last, best_epoch",
            )
            .replace(
                "            return epoch, best_epoch",
                "            losses.sort()\n            return epoch, best_epoch",
            ),
            "arguments changed",
        ),
        "no warm-up": (
            _plans(test="False", done="step / steps"),
            "warm-up forgotten",
        ),
        "level at first": (_plans(rise="peak"), "warm-up forgotten"),
        "one ahead": (_plans(rise="peak * (step + 1) / warmup"), "off by one"),
        "cosine from the start": (_plans(done="step / steps"), "cosine counts the warm-up"),
        "twice the peak": (_plans(fall="peak * (1 + np.cos(np.pi * done))"), "half forgotten"),
        "whole wave": (
            _plans(fall="peak * (1 + np.cos(2 * np.pi * done)) / 2"),
            "a whole wave",
        ),
        "quarter": (
            _plans(fall="peak * (1 + np.cos(np.pi / 2 * done)) / 2"),
            "a quarter wave",
        ),
        "straight": (_plans(fall="peak * (1 - done)"), "straight line"),
        "degrees": (_plans(fall="peak * (1 + np.cos(180 * done)) / 2"), "degrees"),
        "sine": (_plans(fall="peak * (1 + np.sin(np.pi * done)) / 2"), None),
        "peak forgotten": (_plans(fall="(1 + np.cos(np.pi * done)) / 2"), None),
        "steps of the cosine not reduced": (_plans(done="(step - warmup) / steps"), None),
        "exchanged": (
            _plans(answer="best_epoch, epoch", end="best_epoch, len(losses)"),
            "order exchanged",
        ),
        "from 0": (
            _plans(first="0", answer="epoch, best_epoch", end="len(losses) - 1, best_epoch"),
            "counted from 0",
        ),
        "the last twice": (
            _plans(answer="epoch, epoch", end="epoch, epoch"),
            "last epoch is the best",
        ),
        "one late": (_plans(stop="waited > patience"), "one epoch late"),
        "one early": (_plans(stop="waited and waited == patience - 1"), None),
        "one early, from the start": (
            _plans(stop="waited == patience - 1"),
            "one epoch early",
        ),
        "the epoch before": (
            """def when_to_stop(losses, patience):
    best, best_epoch, waited, before = float("inf"), 0, 0, float("inf")
    for epoch, value in enumerate(losses, start=1):
        if value < best:
            best, best_epoch = value, epoch
        waited = 0 if value < before else waited + 1
        before = value
        if waited == patience:
            return epoch, best_epoch
    return len(losses), best_epoch
""",
            "compared with the epoch before",
        ),
        "not reset": (_plans(waits="pass"), "waiting not reset"),
        "equal is better": (_plans(better="value <= best"), "equal counts as better"),
        "best of all": (
            _plans(answer="epoch, losses.index(min(losses)) + 1"),
            "looks into the future",
        ),
        "never stops": (_plans(stop="False"), "never stops"),
        "higher is better": (_plans(better="value > best", start="-1"), None),
        "one number": (_plans(answer="epoch", end="len(losses)"), None),
        "nothing returned": (_plans(answer="", end="None"), None),
    },
    equivalent={
        "L10: 1 → 0": "epoch 0 is the best so far, and no patience is over",
    },
)

# --- 04.3: callbacks -----------------------------------------------------------------------------


def _callbacks(
    stop='EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True)',
    plateau='ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2)',
    keep='ModelCheckpoint(file, monitor="val_loss", save_best_only=True)',
    result="[one for one in (stop, plateau, keep) if one is not None]",
) -> str:
    def made(text: str) -> str:
        return "None" if text == "None" else f"keras.callbacks.{text}"

    return f"""def make_callbacks(file):
    stop = {made(stop)}
    plateau = {made(plateau)}
    keep = {made(keep)}
    return {result}
"""


CALLBACKS = Answers(
    right={
        "in full": _callbacks(),
        "by default": _callbacks(
            stop="EarlyStopping(patience=5, restore_best_weights=True)",
            plateau="ReduceLROnPlateau(factor=0.5, patience=2, min_lr=1e-6)",
            keep="ModelCheckpoint(str(file), save_best_only=True)",
        ),
        "with modes, in another order": _callbacks(
            stop='EarlyStopping("val_loss", mode="min", patience=5, restore_best_weights=True)',
            plateau='ReduceLROnPlateau("val_loss", 0.5, 2, mode="min")',
            keep='ModelCheckpoint(file, "val_loss", save_best_only=True, mode="min")',
            result="[keep, plateau, stop]",
        ),
        "least changes at their defaults": _callbacks(
            stop="EarlyStopping('val_loss', min_delta=0, patience=5, start_from_epoch=0, "
            "restore_best_weights=True, verbose=1)",
            plateau="ReduceLROnPlateau('val_loss', factor=1 / 2, patience=2, min_delta=1e-4, "
            "cooldown=0, min_lr=0)",
            keep="ModelCheckpoint(filepath=file, save_best_only=True, save_freq='epoch')",
        ),
        "any lower loss for the rate": _callbacks(
            plateau="ReduceLROnPlateau(factor=0.5, patience=2, min_delta=0.0, min_lr=1e-5)"
        ),
        "with a history and a log": _callbacks(
            result="[keras.callbacks.History(), stop, plateau, keep, "
            "keras.callbacks.CSVLogger(str(file) + '.csv')]"
        ),
        "one more": _callbacks(result="(stop, keras.callbacks.TerminateOnNaN(), plateau, keep)"),
        "classes of their own": """class Halve(keras.callbacks.Callback):
    best, waited = float("inf"), 0

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best:
            self.best, self.waited = logs["val_loss"], 0
            return
        self.waited += 1
        if self.waited == 2:
            self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * 0.5
            self.waited = 0

def make_callbacks(file):
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    return [stop, Halve(), keras.callbacks.ModelCheckpoint(file, save_best_only=True)]
""",
    },
    wrong={
        "stops by the training loss": (
            _callbacks(stop='EarlyStopping("loss", patience=5, restore_best_weights=True)'),
            "watches the training loss",
        ),
        "stops by accuracy": (
            _callbacks(
                stop='EarlyStopping("val_accuracy", mode="max", patience=5, '
                "restore_best_weights=True)"
            ),
            "watches validation accuracy",
        ),
        "stops by accuracy, without a mode": (
            _callbacks(stop='EarlyStopping("val_accuracy", patience=5, restore_best_weights=True)'),
            "watches validation accuracy",
        ),
        "last weights": (
            _callbacks(stop='EarlyStopping("val_loss", patience=5)'),
            "best weights not restored",
        ),
        "patience of the plateau": (
            _callbacks(stop="EarlyStopping(patience=2, restore_best_weights=True)"),
            "patience wrong",
        ),
        "patience forgotten": (
            _callbacks(stop="EarlyStopping(restore_best_weights=True)"),
            "patience wrong",
        ),
        "waits for a rise": (
            _callbacks(stop='EarlyStopping(patience=5, mode="max", restore_best_weights=True)'),
            None,
        ),
        "no stopping": (_callbacks(stop="None"), "never stops"),
        "only a tenth is left": (
            _callbacks(plateau='ReduceLROnPlateau("val_loss", patience=2)'),
            "factor wrong",
        ),
        "plateau by the training loss": (
            _callbacks(plateau='ReduceLROnPlateau("loss", factor=0.5, patience=2)'),
            "watches the training loss",
        ),
        "plateau too late": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5, patience=5)"),
            "patience wrong",
        ),
        "plateau patience forgotten": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5)"),
            "patience wrong",
        ),
        "no plateau": (_callbacks(plateau="None"), "rate never lowered"),
        "plateau with a floor": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.05)"),
            None,
        ),
        "every epoch saved": (
            _callbacks(keep='ModelCheckpoint(file, "val_loss")'),
            "last instead of best",
        ),
        "saved by the training loss": (
            _callbacks(keep='ModelCheckpoint(file, "loss", save_best_only=True)'),
            "watches the training loss",
        ),
        "saved by accuracy": (
            _callbacks(
                keep='ModelCheckpoint(file, "val_accuracy", save_best_only=True, mode="max")'
            ),
            "watches validation accuracy",
        ),
        "saved elsewhere": (
            _callbacks(keep='ModelCheckpoint(f"{file}.other.keras", save_best_only=True)'),
            "nothing saved",
        ),
        "nothing saved": (_callbacks(keep="None"), "nothing saved"),
        "weights only": (
            _callbacks(keep="ModelCheckpoint(file, save_best_only=True, save_weights_only=True)"),
            None,
        ),
        "least change": (
            _callbacks(
                stop="EarlyStopping(patience=5, min_delta=0.001, restore_best_weights=True)"
            ),
            "least change asked for",
        ),
        "a tiny least change": (
            _callbacks(stop="EarlyStopping(patience=5, min_delta=1e-4, restore_best_weights=True)"),
            "least change asked for",
        ),
        "a least change that hardly shows": (
            _callbacks(stop="EarlyStopping(patience=5, min_delta=1e-5, restore_best_weights=True)"),
            "least change asked for",
        ),
        "starts later": (
            _callbacks(
                stop="EarlyStopping(patience=5, start_from_epoch=3, restore_best_weights=True)"
            ),
            "starts later",
        ),
        "a baseline": (
            _callbacks(stop="EarlyStopping(patience=5, baseline=2.0, restore_best_weights=True)"),
            "patience wrong",
        ),
        "least change of the rate": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5, patience=2, min_delta=2e-4)"),
            "least change asked for",
        ),
        "a fall of a thousandth lowers the rate": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5, patience=2, min_delta=0.001)"),
            "least change asked for",
        ),
        "a pause": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5, patience=2, cooldown=2)"),
            None,
        ),
        "a floor as in Keras's example": (
            _callbacks(plateau="ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.001)"),
            "not halved for long",
        ),
        "only good ones saved": (
            _callbacks(
                keep="ModelCheckpoint(file, save_best_only=True, initial_value_threshold=1.0)"
            ),
            "not at any time",
        ),
        "saved at the end only": (
            _callbacks(keep="None", result="[stop, plateau, AtTheEnd(file)]")
            + """
class AtTheEnd(keras.callbacks.Callback):
    def __init__(self, file):
        super().__init__()
        self.file, self.best = file, float("inf")

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best:
            self.best, self.kept = logs["val_loss"], self.model.get_weights()

    def on_train_end(self, logs=None):
        last = self.model.get_weights()
        self.model.set_weights(self.kept)
        self.model.save(self.file)
        self.model.set_weights(last)
""",
            "not at any time",
        ),
        "a file for each epoch": (
            _callbacks(
                keep='ModelCheckpoint(str(file).replace(".keras", "{epoch}.keras"), '
                "save_best_only=True)"
            ),
            "nothing saved",
        ),
        "made once for all": (
            "MADE = []\n" + _callbacks(result="MADE or MADE.extend([stop, plateau, keep]) or MADE"),
            None,
        ),
        "a class in the list": (
            _callbacks(result="[stop, plateau, keras.callbacks.ModelCheckpoint]"),
            None,
        ),
        "nothing returned": (_callbacks(result="None"), "nothing returned"),
    },
    equivalent={
        "L3: keras.callbacks.EarlyStopping(monitor='val_loss', patience=… → "
        "keras.callbacks.EarlyStopping without monitor": "the default",
        "L4: keras.callbacks.ReduceLROnPlateau(monitor='val_loss', facto… → "
        "keras.callbacks.ReduceLROnPlateau without monitor": "the default",
        "L5: keras.callbacks.ModelCheckpoint(file, monitor='val_loss', s… → "
        "keras.callbacks.ModelCheckpoint without monitor": "the default",
    },
)

# --- 04.4: augmentation, in training only --------------------------------------------------------


def _augmented(
    flip='layers.RandomFlip("horizontal")',
    shift="layers.RandomTranslation(0.1, 0.1)",
    more="",
    result="keras.Sequential([build_augmentation(), network])",
) -> str:
    inside = ", ".join(part for part in (flip, shift, more) if part)
    return f"""def build_augmentation():
    return keras.Sequential([{inside}])

def with_augmentation(network):
    return {result}
"""


AUGMENTED = Answers(
    right={
        "nearest pixels, other borders": _augmented(
            shift="layers.RandomTranslation(height_factor=(-0.1, 0.1), width_factor=(-0.1, 0.1), "
            'interpolation="nearest", fill_mode="wrap")'
        ),
        "a layer of one's own": """class Shaken(layers.Layer):
    def __init__(self):
        super().__init__()
        self.flip = layers.RandomFlip(mode="horizontal", seed=3)
        self.shift = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")

    def call(self, pictures, training=None):
        return self.shift(self.flip(pictures, training=training), training=training)

def build_augmentation():
    return Shaken()

def with_augmentation(network):
    model = keras.Sequential()
    model.add(Shaken())
    model.add(network)
    return model
""",
        "two shifts, a network with a name": _augmented(
            shift="layers.RandomTranslation(0.1, 0)",
            more="layers.RandomTranslation(0, 0.1)",
            result="keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), "
            'network], name="augmented")',
        ),
        "compiled": _augmented(result="compiled(keras.Sequential([build_augmentation(), network]))")
        + """
def compiled(model):
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
""",
        "shift first": _augmented(flip="", more='layers.RandomFlip("horizontal")'),
        "filled with black, both ways": _augmented(
            shift='layers.RandomTranslation((-0.1, 0.1), (-0.1, 0.1), fill_mode="constant")'
        ),
        "functional": _augmented(result="functional(network)")
        + """
def functional(network):
    inputs = keras.Input(network.input_shape[1:])
    return keras.Model(inputs, network(build_augmentation()(inputs)))
""",
        "functional, layer by layer": """def build_augmentation():
    inputs = keras.Input((None, None, 3))
    flipped = layers.RandomFlip("horizontal")(inputs)
    return keras.Model(inputs, layers.RandomTranslation(0.1, 0.1)(flipped))

def with_augmentation(network):
    inputs = keras.Input(network.input_shape[1:])
    x = layers.RandomFlip("horizontal")(inputs)
    return keras.Model(inputs, network(layers.RandomTranslation(0.1, 0.1)(x)))
""",
        "a class": _augmented(result="Augmented(network)")
        + """
class Augmented(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.change, self.network = build_augmentation(), network

    def call(self, x, training=False):
        return self.network(self.change(x, training=training), training=training)
""",
        "with the course's layer": """from course_utils import augmentation

def build_augmentation():
    return augmentation.geometric(rotation=0, zoom=0, translation=0.1)

def with_augmentation(network):
    return keras.Sequential([keras.Input(network.input_shape[1:]), build_augmentation(), network])
""",
        "its layers taken": _augmented(
            result="keras.Sequential([build_augmentation(), *network.layers])"
        ),
    },
    wrong={
        "every second picture flipped": (
            _augmented(flip="EverySecond()")
            + """
class EverySecond(layers.Layer):
    def call(self, pictures, training=False):
        odd = keras.ops.arange(keras.ops.shape(pictures)[0])[:, None, None, None] % 2 == 1
        return keras.ops.where(odd, pictures[:, :, ::-1], pictures) if training else pictures
""",
            "the same each time",
        ),
        "flips drawn once": (
            _augmented(flip="Flips()")
            + """
class Flips(layers.Layer):
    def call(self, pictures, training=False):
        dice = keras.random.uniform((keras.ops.shape(pictures)[0], 1, 1, 1), seed=3)
        return keras.ops.where(dice < 0.5, pictures[:, :, ::-1], pictures) if training else pictures
""",
            "the same each time",
        ),
        "shifts drawn once": (
            _augmented(shift="Shifts()")
            + """
class Shifts(layers.Layer):
    def call(self, pictures, training=False):
        if not training:
            return pictures
        ops, (number, height, width) = keras.ops, pictures.shape[:3]
        down = keras.random.randint((number, 1), -height // 10, height // 10 + 1, seed=1)
        right = keras.random.randint((number, 1), -width // 10, width // 10 + 1, seed=2)
        rows = (ops.arange(height)[None] - down) % height
        columns = (ops.arange(width)[None] - right) % width
        moved = ops.take_along_axis(pictures, rows[:, :, None, None], axis=1)
        return ops.take_along_axis(moved, columns[:, None, :, None], axis=2)
""",
            "the same each time",
        ),
        "upside down": (
            _augmented(flip='layers.RandomFlip("vertical")'),
            "vertical flip",
        ),
        "both flips": (_augmented(flip="layers.RandomFlip()"), "vertical flip"),
        "no flip": (_augmented(flip=""), "not flipped"),
        "no shift": (_augmented(shift=""), "not shifted"),
        "only up and down": (
            _augmented(shift="layers.RandomTranslation(0.1, 0)"),
            "shifted one way only",
        ),
        "10 pixels in a hundred of a percent": (
            _augmented(shift="layers.RandomTranslation(0.01, 0.01)"),
            "not shifted",
        ),
        "twice as far": (
            _augmented(shift="layers.RandomTranslation(0.2, 0.2)"),
            "shifted too far",
        ),
        "half as far": (
            _augmented(shift="layers.RandomTranslation(0.05, 0.05)"),
            "shifted too little",
        ),
        "to one side": (
            _augmented(shift="layers.RandomTranslation((0, 0.1), (0, 0.1))"),
            "one way",
        ),
        "turned, too": (_augmented(more="layers.RandomRotation(0.05)"), "turned"),
        "zoomed, too": (_augmented(more="layers.RandomZoom(0.1)"), "zoomed"),
        "brighter": (_augmented(more="layers.RandomBrightness(0.2)"), "colors changed"),
        "rescaled": (_augmented(more="layers.Rescaling(1 / 255)"), "rescaled twice"),
        "always on": (
            _augmented(result="keras.Sequential([Always(), network])")
            + """
class Always(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.change = build_augmentation()

    def call(self, x, training=False):
        return self.change(x, training=True)
""",
            "always on",
        ),
        "only the network": (_augmented(result="network"), "not augmented"),
        "behind the network": (
            _augmented(result="keras.Sequential([network, build_augmentation()])"),
            "behind the network",
        ),
        "rescaled before the network": (
            _augmented(
                result="keras.Sequential([build_augmentation(), layers.Rescaling(1 / 255), "
                "network])"
            ),
            "rescaled twice",
        ),
        "softmax added": (
            _augmented(
                result="keras.Sequential([build_augmentation(), network, layers.Softmax()])"
            ),
            None,
        ),
        "set by hand": (
            _augmented(result="functional(network)")
            + """
def functional(network):
    inputs = keras.Input(network.input_shape[1:])
    return keras.Model(inputs, network(build_augmentation()(inputs, training=True)))
""",
            "always on",
        ),
        "a class that is never told": (
            _augmented(result="Augmented(network)")
            + """
class Augmented(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.change, self.network = build_augmentation(), network

    def call(self, x):
        return self.network(self.change(x))
""",
            "always on",
        ),
        "another one in front": (
            _augmented(
                result="keras.Sequential([build_augmentation(), layers.RandomRotation(0.05), "
                "network])"
            ),
            "turned",
        ),
        "dropout in front": (
            _augmented(
                result="keras.Sequential([build_augmentation(), layers.Dropout(0.2), network])"
            ),
            "colors changed",
        ),
        "noise in front": (
            _augmented(
                result="keras.Sequential([build_augmentation(), layers.GaussianNoise(0.5), "
                "network])"
            ),
            "colors changed",
        ),
        "contrast in front": (
            _augmented(
                result="keras.Sequential([layers.RandomContrast(0.2, value_range=(0, 255)), "
                "build_augmentation(), network])"
            ),
            "colors changed",
        ),
        "only a flip in front": (
            _augmented(result='keras.Sequential([layers.RandomFlip("horizontal"), network])'),
            "not shifted",
        ),
        "twice in front": (
            _augmented(
                result="keras.Sequential([build_augmentation(), build_augmentation(), network])"
            ),
            "shifted too far",
        ),
        "the network frozen": (
            _augmented(result="frozen(network)")
            + """
def frozen(network):
    network.trainable = False
    return keras.Sequential([build_augmentation(), network])
""",
            "frozen",
        ),
        "the network never in training": (
            _augmented(result="Augmented(network)")
            + """
class Augmented(keras.Model):
    def __init__(self, network):
        super().__init__()
        self.change, self.network = build_augmentation(), network

    def call(self, x, training=False):
        return self.network(self.change(x, training=training), training=False)
""",
            "network not in training",
        ),
        "one size only": (
            _augmented(
                result="keras.Sequential([keras.Input((24, 32, 3)), build_augmentation(), network])"
            ),
            None,
        ),
        "a copy": (
            _augmented(
                result="keras.Sequential([build_augmentation(), keras.models.clone_model(network)])"
            ),
            None,
        ),
        "upside down, once": (
            _augmented(flip='layers.RandomFlip("vertical")'),
            "vertical flip",
        ),
        "sheared, too": (_augmented(more="layers.RandomShear(0.1, 0.1)"), None),
        "a hole": (
            _augmented(more="layers.RandomErasing(scale=(0.05, 0.1), value_range=(0, 255))"),
            None,
        ),
        "a little noise": (_augmented(more="layers.GaussianNoise(0.1)"), "colors changed"),
        "a little brighter": (
            _augmented(more="layers.RandomBrightness(0.01, value_range=(0, 255))"),
            "colors changed",
        ),
        "contrast": (
            _augmented(more="layers.RandomContrast(0.1, value_range=(0, 255))"),
            "colors changed",
        ),
        "12 percent": (_augmented(shift="layers.RandomTranslation(0.12, 0.12)"), "shifted too far"),
        "8 percent": (
            _augmented(shift="layers.RandomTranslation(0.08, 0.08)"),
            "shifted too little",
        ),
        "seldom flipped": (
            _augmented(flip="Seldom()")
            + """
class Seldom(layers.Layer):
    def call(self, x, training=False):
        if not training:
            return x
        chosen = keras.random.uniform((keras.ops.shape(x)[0], 1, 1, 1)) < 1 / 12
        return keras.ops.where(chosen, x[:, :, ::-1], x)
""",
            None,
        ),
        "a whole batch at once": (
            _augmented(flip="Batch()")
            + """
class Batch(layers.Layer):
    def call(self, x, training=False):
        if not training:
            return x
        return keras.ops.where(keras.random.uniform(()) < 0.5, x[:, :, ::-1], x)
""",
            "not flipped",
        ),
        "a list": (_augmented(result="[build_augmentation(), network]"), None),
        "nothing returned": (_augmented(result="None"), "nothing returned"),
    },
)

# --- 04.5: the experiment ------------------------------------------------------------------------

_TRAINED = """TRAINED = {
    "dropout 0": ([1.6, 1.1, 0.5], [1.5, 1.2, 1.6]),
    "dropout 0.2": ([1.62, 1.2, 0.8], [1.52, 1.2, 1.3]),
    "dropout 0.5": ([1.65, 1.4, 1.1], [1.55, 1.3, 1.25]),
    "dropout 0.8": ([1.68, 1.6, 1.59], [1.61, 1.6, 1.58]),
    "SGD": ([1.61, 1.605, 1.6], [1.61, 1.607, 1.603]),
}
"""


def _results(
    entry='{"loss": t, "val_loss": v, "accuracy": [0.2, 0.5, 0.6], "val_accuracy": [0.2, 0.3, 0.4]}'
    "",
    gap='h["val_loss"][-1] - h["loss"][-1]',
    claims="['a', 'b', 'e']",
    names="TRAINED",
    end="",
) -> str:
    return f"""{_TRAINED}
histories = {{name: {entry} for name, (t, v) in TRAINED.items() if name in {names}}}
gaps = {{name: {gap} for name, h in histories.items()}}
true_claims = {claims}
{end}
"""


def _long(validation: str) -> str:
    """Twenty-five epochs with these validation losses; `t` is the training loss."""
    return f"""for k, name in enumerate(TRIALS):
    t = np.linspace(1.6, 1.59 if name == "SGD" else 0.6 + 0.2 * k, 25)
    noise = 0.03 * np.resize([1, -1, 1], 25)
    histories[name] = {{"loss": t, "val_loss": {validation}}}
    gaps[name] = histories[name]["val_loss"][-1] - t[-1]
"""


def _trained(
    before="model = build_trial(name)", epochs=1, train="data.train", validation="data.validation"
) -> str:
    return f"""histories, gaps = {{}}, {{}}
for name in TRIALS:
    {before}
    histories[name] = model.fit(
        {train}, validation_data={validation}, epochs={epochs}, shuffle=False, verbose=0)
    curves = histories[name].history
    gaps[name] = curves["val_loss"][-1] - curves["loss"][-1]
true_claims = ["a", "b", "e"]
"""


EXPERIMENT = Answers(
    right={
        "numbers": _results(),
        "rounded": _results(gap='round(h["val_loss"][-1] - h["loss"][-1], 3)'),
        "History objects": _trained(),
        "batches of another size": _trained(
            train="data.train.unbatch().batch(25)", validation="data.validation.unbatch().batch(60)"
        ),
        "trained with arrays": _trained(
            before="model = build_trial(name)\n"
            "    pairs = [list(zip(*split.unbatch())) for split in (data.train, data.validation)]\n"
            "    arrays = [(np.stack(x), np.stack(y)) for x, y in pairs]",
            train="*arrays[0]",
            validation="arrays[1]",
        ),
        "twenty-five epochs": _results(end=_long("1.6 - 0.3 * np.sin(np.linspace(0, 3.5, 25))")),
        "histories of Keras, in order": _results(
            end="""import collections

def kept(curves):
    history = keras.callbacks.History()
    history.history = curves
    return history

histories = collections.OrderedDict((name, kept(h)) for name, h in histories.items())
"""
        ),
        "a default dictionary, a series of gaps": _results(
            end="import collections\nimport pandas as pd\n"
            "gaps = pd.Series(gaps)\nhistories = collections.defaultdict(dict, histories)"
        ),
        "tables": _results(
            end="import pandas as pd\n"
            "histories = {name: pd.DataFrame(h) for name, h in histories.items()}"
        ),
        "arrays": _results('{"loss": np.array(t), "val_loss": np.array(v)}', claims='"a, b, e"'),
        "claims in another order": _results(claims='("E", "A", "B")'),
    },
    wrong={
        "a trial missing": (_results(names='["SGD", "dropout 0"]'), "trial missing"),
        "no validation": (
            _results('{"loss": t}', gap="0.0"),
            "no validation curve",
        ),
        "only the last": (_results('{"loss": t[-1], "val_loss": v[-1]}', gap="0.1"), None),
        "not a number": (_results('{"loss": t, "val_loss": [float("nan")] * 3}'), None),
        "one network trained on and on": (
            _trained(before="model = model if histories else build_trial(name)", epochs=4),
            "not a new network",
        ),
        "the second trial goes on": (
            _results(end='histories["dropout 0.2"]["loss"][0] = 0.48\ngaps["dropout 0.2"] = 0.5'),
            "not a new network",
        ),
        "thirty epochs": (
            _results(
                end="for h in histories.values():\n    for c in h.values(): c.extend(c[-1:] * 27)"
            ),
            "different epochs",
        ),
        "one missing picture": (
            _results(end='histories["SGD"]["val_accuracy"] = [0.2, 0.2015, 0.21]'),
            "other pictures for validation",
        ),
        "networks kept": (
            _results(end="histories = {name: build_trial(name) for name in TRIALS}"),
            None,
        ),
        "a list of histories": (
            _results(end="histories = list(histories.values())"),
            "not a dictionary",
        ),
        "without the sign": (
            _results(gap='abs(h["val_loss"][-1] - h["loss"][-1])'),
            "sign lost",
        ),
        "gaps of all epochs": (
            _results(gap='[v - t for v, t in zip(h["val_loss"], h["loss"])]'),
            "not a number",
        ),
        "the same network five times": (
            _results('{"loss": [1.6, 1.2, 1.0], "val_loss": v}'),
            "one network for all",
        ),
        "training pictures for validation": (
            _results(
                end="""for k, name in enumerate(TRIALS):
    falling = np.linspace(1.6, 1.59 if name == "SGD" else 0.3 + 0.1 * k, 25)
    histories[name] = {"loss": falling, "val_loss": falling - 0.02}
    gaps[name] = -0.02
"""
            ),
            "validated on what was learned",
        ),
        "training pictures, of which the last epoch was not so good": (
            _results(end=_long("t + noise")),
            "validated on what was learned",
        ),
        "the test pictures": (
            _trained(validation="data.test.take(1)"),
            "other pictures for validation",
        ),
        "some of the validation pictures": (
            _trained(validation="data.validation.unbatch().take(70).batch(35)"),
            "other pictures for validation",
        ),
        "two decimals": (
            _results(
                end="""histories["SGD"]["loss"][-1] = 1.5967
gaps = {name: round(h["val_loss"][-1] - h["loss"][-1], 2) for name, h in histories.items()}
"""
            ),
            "rounded",
        ),
        "SGD for longer": (
            _results(end='histories["SGD"]["loss"] = [1.5] * 9'),
            "different epochs",
        ),
        "sign": (_results(gap='h["loss"][-1] - h["val_loss"][-1]'), "sign reversed"),
        "first epoch": (_results(gap='h["val_loss"][0] - h["loss"][0]'), "first epoch taken"),
        "lowest": (
            _results(gap='min(h["val_loss"]) - min(h["loss"])'),
            "lowest losses taken",
        ),
        "ratio": (
            _results(gap='h["val_loss"][-1] / h["loss"][-1]'),
            "ratio instead of difference",
        ),
        "accuracies": (
            _results(gap='h["val_accuracy"][-1] - h["accuracy"][-1]'),
            "accuracy instead of loss",
        ),
        "gaps as a list": (_results(end="gaps = list(gaps.values())"), None),
        "smallest gap is best": (
            _results(claims="['a', 'b', 'c', 'e']"),
            "small gap taken for quality",
        ),
        "SGD is unfit": (_results(claims="'abde'"), "judged by one learning rate"),
        "one training is enough": (_results(claims="'abef'"), "one training is enough"),
        "a missing": (_results(claims="['b', 'e']"), None),
        "b missing": (_results(claims="['a', 'e']"), None),
        "e missing": (_results(claims="['a', 'b']"), None),
        "all of them": (_results(claims="'abcdef'"), None),
    },
    mutants=False,
)

ANSWERS = {
    "04.1": LOSSES,
    "04.2": PLANS,
    "04.3": CALLBACKS,
    "04.4": AUGMENTED,
    "04.5": EXPERIMENT,
}

for _question, _answers in ANSWERS.items():
    _right, _wrong = unseen.of(_question)
    ANSWERS[_question] = dataclasses.replace(
        _answers, right={**_answers.right, **_right}, wrong={**_answers.wrong, **_wrong}
    )
