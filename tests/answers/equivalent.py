"""Mutants that are not mistakes in any solution to a question, with the reason.

Those that depend on the source of one solution are listed with the answers to its question; see
:class:`answers.Answers`.
"""

from __future__ import annotations

_NUMBER = {"* → returned transposed": "one number, which has no axes"}
_ROW = {
    "* → returned transposed": "one axis only",
    "* → returned flat": "one axis only",
}
_NO_SIGN = {"* → returned without sign": "never negative"}
_WHOLE = {
    "* → returned as whole numbers": "whole numbers already",
    "* → returned rounded": "whole numbers already",
}
_SMALL = {"* → returned in half precision": "small whole numbers, which stay as they are"}
_SET = {
    "* → returned in reverse order": "positions of a split have no order",
    "* → returned sorted": "positions of a split have no order",
}
_OBJECT = {"* → returned transposed": "an object without axes is not changed"}

EQUIVALENT: dict[str, dict[str, str]] = {
    "01.3": {**_NUMBER, **_NO_SIGN, **_WHOLE},
    "01.6": _ROW,
    "02.1": {
        **{f"*np.argmax(one_hot, axis=1){name[1:]}": why for name, why in _ROW.items()},
        **{f"*positions{name[1:]}": why for name, why in _ROW.items()},
        **{f"*new_labels{name[1:]}": why for name, why in _ROW.items()},
        **_NO_SIGN,
        **_WHOLE,
        "*np.eye(num_classes)[labels] → returned in half precision": "zeros and ones",
        "*positions → returned sorted": "in this order already",
    },
    "02.2": {**_ROW, **_NO_SIGN, **_WHOLE, **_SET},
    "02.3": {
        **_ROW,
        **_NO_SIGN,
        **_WHOLE,
        **_SET,
        "*:round(share * len(people)) → :round(share * len(people)) + 1": "one more is fine",
        "*:round(share * len(people)) → :round(share * len(people)) - 1": "one less, too",
    },
    "02.4": {
        **_OBJECT,
        "*dataset.class_names → returned sorted": "in this order already",
        "*dataset.class_names → returned flat": "one axis only",
    },
    "02.5": _OBJECT,
    "02.7": {
        **_ROW,
        "* → returned in reverse order": "the files may come in any order",
        "* → returned sorted": "the files may come in any order",
    },
    "04.1": {
        **_NUMBER,
        **_NO_SIGN,
        "*one_hot is set to 0 in choose_loss": "only an array can be set in place",
    },
    "04.2": {
        **_NUMBER,
        **_NO_SIGN,
        **{
            f"*{one} → returned {form}": "a whole number already, and 2.0 is as good as 2"
            for one in ("len(losses)", "best + 1", "epoch + 1")
            for form in ("as whole numbers", "rounded", "in half precision")
        },
    },
    "05.2": {
        **{f"*matrix{name[1:]}": why for name, why in _WHOLE.items()},
        **_NO_SIGN,
        "*np.maximum(both, 1) → returned transposed": "one axis only",
        "*np.maximum(both, 1) → returned flat": "one axis only",
        "*.mean() → returned transposed": "one number, which has no axes",
    },
    "05.3": {**_NUMBER, **_NO_SIGN},
    "05.4": {
        "L6: answers.numpy() → answers": "NumPy joins tensors, too",
        **{
            f"*np.concatenate(labels){name[1:]}": why
            for name, why in (_ROW | _WHOLE | _NO_SIGN | _SMALL).items()
        },
        "*np.concatenate(probabilities) → returned without sign": "never negative",
        **{f"*names{name[1:]}": why for name, why in _ROW.items()},
        "*load_model(folder / 'model.keras') → returned transposed": _OBJECT[
            "* → returned transposed"
        ],
    },
    "06.2": {"L7: int(count) → count": "a number of NumPy is as good"},
    "06.3": {
        **{f"L7: result{name[1:]}": why for name, why in (_ROW | _WHOLE | _SMALL).items()},
        **_NO_SIGN,
    },
    "06.4": {
        **_ROW,
        **_NO_SIGN,
        "*!= labe… → returned as whole numbers": "1 and 0 are as good as True and False",
        "*!= labe… → returned in half precision": "1 and 0 are as good as True and False",
    },
    "06.5": {
        **_NUMBER,
        "*found / n → returned without sign": "never negative",
        "*found / len(wrong) → returned without sign": "never negative",
        "*np.sqrt(len(gains)) → returned without sign": "never negative",
    },
    "07.1": _NO_SIGN,
    "07.2": {
        "*gradients.mean(axis=(0, 1)) → returned transposed": "one axis only",
        "*gradients.mean(axis=(0, 1)) → returned flat": "one axis only",
        "*0) → returned without sign": "never negative",
    },
    "07.3": {
        "*.n… → tf.nn.relu(tf.reduce_sum(weights * feature_maps, axis=3))": "a tensor is as good",
        "*.n… → returned without sign": "never negative",
        "*.n… → returned in half precision": "an error below a thousandth, as GPUs make it",
    },
    "07.4": {**_NUMBER, **_NO_SIGN},
    "09.2": {
        **{f"*largest / highest, 1.0){name[1:]}": why for name, why in _ROW.items()},
        "*largest / highest, 1.0) → returned without sign": "never negative",
        **{f"*np.round(weights / scales){name[1:]}": why for name, why in _WHOLE.items()},
        "*np.round(weights / scales) → returned in half precision": "small whole numbers",
    },
    "09.3": {**_NUMBER, **_NO_SIGN},
    "09.4": {
        **_NUMBER,
        **_NO_SIGN,
        "* → without return None": "it returns None all the same",
        "*None → printed instead of returned": "it returns None all the same",
    },
}
