"""The layer builder: its arithmetic against Keras, its sentences, and the piece in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import keras
import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import models, settings, widgets
from course_utils.exceptions import InvalidInput
from course_utils.widgets.lesson_03 import keras_layer

WIDGETS = settings.course_root() / "course_utils/widgets"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def in_node(expression: str):
    """Return the value of a JavaScript expression in which the functions of the piece are known."""
    script = "\n".join(
        (WIDGETS / name).read_text("utf-8") for name in ("kit.js", "layer_builder.js")
    )
    script += f"\nconsole.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def random_layer(rng) -> dict:
    kind = rng.choice(
        ["Conv2D", "MaxPooling2D", "Flatten", "GlobalAveragePooling2D", "Dense"]
        + ["Dropout", "BatchNormalization", "Conv2D", "Conv2D", "MaxPooling2D"]
    )
    settings_of = {
        "Conv2D": {
            "filters": int(rng.integers(1, 40)),
            "kernel_size": int(rng.integers(1, 8)),
            "strides": int(rng.integers(1, 5)),
            "padding": str(rng.choice(["valid", "same"])),
        },
        "MaxPooling2D": {"pool_size": int(rng.integers(1, 5))},
        "Dense": {"units": int(rng.integers(1, 200))},
        "Dropout": {"rate": 0.4},
    }
    return {"kind": str(kind), **settings_of.get(kind, {})}


def in_keras(stack, shape):
    """Return shape and parameters of each layer; the first that Keras refuses ends the list."""
    x = keras.Input(tuple(shape))
    found = []
    for entry in stack:
        layer = keras_layer(entry)
        try:
            x = layer(x)
        except ValueError:
            return [*found, "refused"]
        found.append([list(x.shape[1:]), layer.count_params()])
    return found


@needs_node
def test_shapes_and_parameters_are_those_of_keras_for_many_random_stacks(request):
    number = 250 if request.config.getoption("--all") else 50
    rng = np.random.default_rng(3)
    cases = [
        {
            "input": [int(n) for n in (*rng.integers(1, 70, 2), rng.choice([1, 3, 5]))],
            "stack": [random_layer(rng) for _ in range(rng.integers(1, 9))],
        }
        for _ in range(number)
    ]
    steps = in_node(f"{json.dumps(cases)}.map(one => walk(one.stack, one.input))")
    refused = 0
    for case, ours in zip(cases, steps, strict=True):
        expected = in_keras(case["stack"], case["input"])
        for ours_one, theirs in zip(ours, expected, strict=False):
            if theirs == "refused":
                refused += 1
                assert re.fullmatch(r"[A-Z].*\.", ours_one["problem"]), (case, ours)
            else:
                assert [ours_one.get("shape"), ours_one.get("parameters")] == theirs, (case, ours)
        assert all(step == {"waiting": True} for step in ours[len(expected) :])
    assert 0.24 < refused / number < 0.92  # both kinds of stacks are tried


@needs_node
def test_the_sum_shown_is_that_of_the_layer_table():
    stack = [
        {"kind": "Conv2D", "filters": 12, "kernel_size": 5, "strides": 2, "padding": "same"},
        {"kind": "Flatten"},
        {"kind": "Dense", "units": 7},
    ]
    model = keras.Sequential([keras.Input((20, 30, 3)), *map(keras_layer, stack)])
    table = models.layer_table(model)["how the number comes about"]
    steps = in_node(f"walk({json.dumps(stack)}, [20, 30, 3])")
    for i in (0, 2):
        assert table[i].startswith(steps[i]["how"] + " = ")


CONV = {"kind": "Conv2D", "filters": 16, "kernel_size": 3, "strides": 2, "padding": "valid"}
POOL = {"kind": "MaxPooling2D", "pool_size": 2}


@needs_node
@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        ({**CONV, "kernel_size": 5}, [4, 9, 3], "A window of 5×5 does not fit on maps of 4×9."),
        ({**CONV, "filters": 2.5}, [8, 8, 1], "The filters of Conv2D must be a whole number"),
        ({**POOL, "pool_size": 3}, [9, 2, 3], "3×3 does not fit on maps of 9×2."),
        ({"kind": "GlobalAveragePooling2D"}, [128], "needs maps (height, width, channels), but a"),
        ({"kind": "Dense", "units": None}, [128], "units of Dense must be a whole number from 1"),
        ({"kind": "Dropout", "rate": 1.5}, [8], "of Dropout must be a number from 0 to 0.9."),
    ],
)
def test_what_does_not_fit_is_named(layer, shape, words):
    step = in_node(f"afterLayer({json.dumps(layer)}, {json.dumps(shape)})")
    assert set(step) == {"problem"}
    assert words in step["problem"]


@needs_node
@pytest.mark.parametrize(
    ("layer", "shape", "given", "words"),
    [
        (CONV, [20, 30, 3], [9, 14, 16], "Right."),
        (CONV, [20, 30, 3], [10, 15, 16], 'with padding "same"'),
        (CONV, [20, 30, 3], [9, 14, 3], "one output channel for each filter"),
        (CONV, [20, 30, 3], [8, 13, 16], "plus 1"),
        (CONV, [20, 30, 3], [9, 30, 16], "makes the maps smaller"),
        (CONV, [20, 30, 3], [32, 9, 14, 16], "Leave the batch out"),
        (CONV, [20, 30, 3], [9, 14], "Three numbers"),
        (POOL, [45, 44, 8], [23, 22, 8], "Round down"),
        (POOL, [45, 44, 8], [22, 22, 4], "keeps the number of channels"),
        ({"kind": "Flatten"}, [5, 5, 8], [25], "Multiply height, width and channels"),
        ({"kind": "Flatten"}, [5, 5, 8], [], "One number"),
    ],
)
def test_a_wrong_shape_gets_the_idea_behind_it(layer, shape, given, words):
    layer, shape = json.dumps(layer), json.dumps(shape)
    verdict = in_node(f"judgeShape({layer}, walk([{layer}], {shape})[0], {json.dumps(given)})")
    assert words in verdict["say"]
    assert verdict["right"] == (words == "Right.")


@needs_node
@pytest.mark.parametrize(
    ("layer", "given", "words"),
    [
        (CONV, 448, "Right."),
        (CONV, 432, "has a bias"),
        (CONV, 160, "for each of the 3 channels"),
        (CONV, 5, "window × window"),
        (POOL, 4, "nothing to learn"),
        ({"kind": "Dense", "units": 7}, 21, "has a bias"),
        ({"kind": "Dense", "units": 7}, 28, "Right."),
        ({"kind": "BatchNormalization"}, 6, "running mean and variance"),
        ({"kind": "BatchNormalization"}, 12, "Right."),
    ],
)
def test_a_wrong_number_of_parameters_gets_the_idea_behind_it(layer, given, words):
    layer = json.dumps(layer)
    verdict = in_node(f"judgeParameters({layer}, walk([{layer}], [20, 30, 3])[0], {given})")
    assert words in verdict["say"]
    assert verdict["right"] == (words == "Right.")


@needs_node
def test_shapes_are_understood_as_people_write_them():
    texts = ["94, 94, 16", "94,94,16", "(94, 94, 16)", "94 x 94 x 16", "(None, 94, 94, 16)"]
    assert in_node(f"{texts}.map(text => typedShape(text, 3))") == [[94, 94, 16]] * 5
    rows = ["18432", "18,432", "18 432", "(18432,)", "(None, 18432)"]
    assert in_node(f"{rows}.map(text => typedShape(text, 1))") == [[18432]] * 5
    assert in_node('["", "n", "24, 24, 32"].map(text => typedShape(text, 1))') == [
        [],
        [],
        [24, 24, 32],
    ]


@needs_node
def test_random_stacks_fit_and_end_in_the_classes():
    sizes = [[96, 96, 3], [4, 5, 1], [1, 1, 1], [28, 28, 1]]
    drawn = in_node(
        f"""{sizes}.flatMap(input => Array.from({{length: 50}}, () => {{
            const stack = randomStack(input, 5, Math.random), steps = walk(stack, input);
            return {{last: stack[stack.length - 1], steps, say: ending(steps, input, 5)}};
        }}))"""
    )
    assert len(drawn) == 200
    for one in drawn:
        assert all("shape" in step for step in one["steps"])
        assert one["last"] == {"kind": "Dense", "units": 5}
        assert one["say"] == "The output has one number for each of the 5 classes."


@needs_node
def test_the_python_code_builds_the_same_network():
    stack = [
        {**CONV, "padding": "same"},
        POOL,
        {"kind": "BatchNormalization"},
        {"kind": "GlobalAveragePooling2D"},
        {"kind": "Dropout", "rate": 0.3},
        {"kind": "Dense", "units": 4},
    ]
    code = in_node(f"kerasCode({json.dumps(stack)}, [20, 30, 3])")
    model = eval(code, {"keras": keras, "layers": keras.layers})
    steps = in_node(f"walk({json.dumps(stack)}, [20, 30, 3])")
    assert [list(layer.output.shape[1:]) for layer in model.layers] == [s["shape"] for s in steps]
    assert model.count_params() == sum(step["parameters"] for step in steps)
    assert model.layers[4].rate == 0.3


def test_a_stack_is_built_and_shapes_follow(tmp_path):
    with opened(tmp_path, widgets.layer_builder((96, 96, 3), 5)) as browser:
        page = browser.page
        piece = page.locator('[data-widget="layer_builder"]')
        rows = piece.locator("li")
        assert rows.count() == 7
        assert (
            "97,253 parameters in all; each bar is the share of a layer. The output has one number"
            in piece.inner_text()
        )
        page.get_by_role("button", name="Remove layer 5, Flatten").click()
        assert "Flatten or GlobalAveragePooling2D is missing before it." in rows.nth(5).inner_text()
        assert "The output still has places" in piece.inner_text()
        piece.get_by_role("button", name="GlobalAveragePooling2D", exact=True).click()
        page.get_by_role("button", name="Move up layer 6, GlobalAveragePooling2D").focus()
        page.keyboard.press("Enter")
        assert "5,253 parameters in all;" in piece.inner_text()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
            "Move up layer 5, GlobalAveragePooling2D"
        )
        rows.nth(1).get_by_label("window").fill("100")
        assert "must be a whole number from 1 to 15." in rows.nth(1).inner_text()
        assert "Layer 1 does not fit." in piece.inner_text()
        assert "waits for the layer above" in rows.nth(2).inner_text()
        rows.nth(1).get_by_label("window").fill("15")
        rows.nth(1).get_by_label("stride").fill("8")
        assert "12 × 12 × 16" in rows.nth(1).inner_text()
        rows.nth(1).get_by_label("padding").select_option("valid")
        assert "11 × 11 × 16" in rows.nth(1).inner_text()
        rows.nth(0).get_by_label("channels").fill("")
        assert "must be whole numbers" in piece.inner_text()
        rows.nth(0).get_by_label("channels").fill("1")
        assert "3,616 parameters" in rows.nth(1).inner_text()
        browser.sound()


def test_shapes_are_predicted_and_checked(tmp_path):
    with opened(tmp_path, widgets.layer_builder((96, 96, 3), 5)) as browser:
        page = browser.page
        piece = page.locator('[data-widget="layer_builder"]')
        page.get_by_label("Shapes").select_option("predict")
        assert "0 of 6 layers predicted." in piece.inner_text()
        assert "97,253" not in piece.inner_text()
        browser.sound()
        first = piece.locator("li").nth(1)

        def typed(row, shape, parameters):
            row.get_by_label("output shape").fill(shape)
            row.get_by_label("parameters").fill(parameters)
            row.get_by_label("parameters").press("Enter")

        typed(first, "94, 94, 16", "432")
        assert 'That is the size with padding "valid".' in first.inner_text()
        assert "Each filter has a bias, too." in first.inner_text()
        typed(first, "(96, 96, 16)", "448")
        assert "→ 96 × 96 × 16" in first.inner_text()
        typed(piece.locator("li").nth(5), "18,432", "0")
        assert "→ 18432" in piece.locator("li").nth(5).inner_text()
        assert "2 of 6 layers predicted." in piece.inner_text()
        for _ in range(4):
            piece.get_by_role("button", name="Show", exact=True).first.click()
        assert "97,253 parameters in all." in piece.inner_text()
        piece.get_by_role("button", name="Another stack").click()
        assert re.search(r"0 of \d layers predicted\.", piece.inner_text())
        browser.sound()


def test_the_piece_fits_a_narrow_window(tmp_path):
    with opened(tmp_path, widgets.layer_builder(), width=360) as browser:
        for mode in ("show", "predict"):
            browser.page.get_by_label("Shapes").select_option(mode)
            assert browser.page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.sound()


def test_without_scripts_the_first_stack_is_a_table(tmp_path):
    with opened(tmp_path, widgets.layer_builder((28, 28, 1), 10), scripts=False) as browser:
        text = browser.page.inner_text("main")
        assert "20,490 parameters in all for images of 28 × 28 pixels" in text
        assert "14 × 14 × 16" in text


@pytest.mark.parametrize("shape", [(3, 96, 3), (96, 96), (96.5, 96, 3), (96, 96, 0)])
def test_a_shape_that_is_no_image_is_refused(shape):
    with pytest.raises(InvalidInput):
        widgets.layer_builder(shape)


def test_the_stored_html_is_small():
    assert len(widgets.layer_builder()._repr_html_()) < 60_000
