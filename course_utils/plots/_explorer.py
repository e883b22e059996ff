"""The convolution of lesson 01 to play with: a small page of HTML inside the notebook.

It needs no extension and no running kernel. Where scripts are not run (a notebook that is not
trusted, a preview on a website), the tables that Python computed are shown instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import convolution as cv
from course_utils.exceptions import InvalidInput

_LARGEST = 12


@dataclass(frozen=True)
class ConvolutionExplorer:
    """What :func:`explore_convolution` returns; notebooks show it as a page to click on."""

    html: str
    summary: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.summary


def explore_convolution(
    image: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    bias: float | None = None,
) -> ConvolutionExplorer:
    """Make a small page on which image, filter, bias, stride and padding can be changed.

    Point at (or tab to) a value of the feature map, and its window and its arithmetic are shown.

    Parameters
    ----------
    image : array of shape (H, W), optional
        0 is white, 1 is black; at most 12×12. By default the letter O of lesson 01.
    kernel : array of shape (kh, kw), optional
        At most 5×5. By default the filter of lesson 01.
    bias : float, optional
        By default that of lesson 01.

    Returns
    -------
    ConvolutionExplorer
        Shown by notebooks as HTML.

    Raises
    ------
    InvalidInput
        If an array is too large for the page, or not flat, or image and kernel do not fit.
    """
    pixels = np.asarray(cv.LETTER_O if image is None else image)
    weights = np.asarray(cv.ANTI_DIAGONAL if kernel is None else kernel, dtype=float)
    offset = cv.BIAS if bias is None else float(bias)
    if pixels.ndim != 2 or weights.ndim != 2:
        raise InvalidInput(
            f"The explorer shows one image and one kernel of shape (height, width), but theirs are "
            f"{pixels.shape} and {weights.shape}."
        )
    if max(pixels.shape) > _LARGEST or max(weights.shape) > 5:
        raise InvalidInput(
            f"The explorer has room for images up to {_LARGEST}×{_LARGEST} and kernels up to 5×5, "
            f"but it was given {pixels.shape} and {weights.shape}."
        )
    result = cv.feature_map(pixels, weights, offset)  # refuses what does not fit
    letters = {"O": cv.LETTER_O, "X": cv.LETTER_X, "shifted X": cv.LETTER_X_SHIFTED}
    network = cv.LetterNetwork()
    start = {
        "image": pixels.astype(int).tolist(),
        "kernel": weights.tolist(),
        "bias": offset,
        "letters": {name: letter.tolist() for name, letter in letters.items()}
        if pixels.shape == (6, 6)
        else {},
        "network": {
            "hidden": [*network.hidden_weights.tolist(), network.hidden_bias],
            "outputs": network.output_weights.tolist(),
            "biases": network.output_biases.tolist(),
        },
    }
    html = (
        _PAGE.replace("/*SCRIPT*/", _SCRIPT)
        .replace("/*START*/", json.dumps(start, separators=(",", ":")))
        .replace("<!--IMAGE-->", _table(pixels, "image"))
        .replace("<!--KERNEL-->", _table(weights, "filter"))
        .replace("<!--MAP-->", _table(result, "feature map"))
    )
    shapes = "×".join(map(str, pixels.shape)), "×".join(map(str, weights.shape))
    return ConvolutionExplorer(
        html, f"Explorer of a convolution: an image of {shapes[0]} and a filter of {shapes[1]}."
    )


def _table(values: NDArray, caption: str) -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{value:g}</td>" for value in row) + "</tr>"
        for row in np.asarray(values, dtype=float)
    )
    return f"<table><caption>{caption}</caption>{rows}</table>"


# Pure functions first (the tests run them with Node, where it is installed), the page after.
_SCRIPT = """
function outputSize(n, k, stride, same) {
  return same ? Math.ceil(n / stride) : Math.floor((n - k) / stride) + 1;
}
function border(n, k, stride, same) {
  if (!same) return 0;
  return Math.floor(Math.max((outputSize(n, k, stride, true) - 1) * stride + k - n, 0) / 2);
}
function convolve(image, kernel, bias, stride, same) {
  const kh = kernel.length, kw = kernel[0].length;
  const rows = outputSize(image.length, kh, stride, same);
  const columns = outputSize(image[0].length, kw, stride, same);
  const up = border(image.length, kh, stride, same);
  const left = border(image[0].length, kw, stride, same);
  const map = [];
  for (let r = 0; r < rows; r++) {
    map.push([]);
    for (let c = 0; c < columns; c++) {
      const cell = {top: r * stride - up, left: c * stride - left, terms: [], sum: 0, value: 0};
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const row = image[cell.top + i] || [], pixel = row[cell.left + j] || 0;
        cell.terms.push([pixel, kernel[i][j]]);
        cell.sum += pixel * kernel[i][j];
      }
      cell.value = cell.sum + bias;
      map[r].push(cell);
    }
  }
  return map;
}
function answer(map, network) {
  const pooled = [];
  for (const r of [0, 2]) for (const c of [0, 2]) {
    const four = [map[r][c], map[r][c + 1], map[r + 1][c], map[r + 1][c + 1]];
    pooled.push(Math.max(0, ...four.map(cell => cell.value)));
  }
  let hidden = network.hidden[4];
  pooled.forEach((value, i) => { hidden += value * network.hidden[i]; });
  hidden = Math.max(0, hidden);
  return {pooled, outputs: network.outputs.map((w, i) => w * hidden + network.biases[i])};
}
"""

_PAGE = """<div class="cnn-explorer">
<style>
.cnn-explorer{background:#fff;color:#222;padding:10px;border:1px solid #bbb;border-radius:6px;
 font:14px/1.4 sans-serif;max-width:860px}
.cnn-explorer .cx-row{display:flex;flex-wrap:wrap;gap:26px;align-items:flex-start;margin:8px 0}
.cnn-explorer table{border-collapse:collapse;margin:0;font-size:13px}
.cnn-explorer caption{caption-side:top;color:#222;padding:2px;text-align:center;
 white-space:nowrap}
.cnn-explorer td{border:1px solid #999;width:30px;height:30px;text-align:center;padding:0;
 background:#fff;color:#222}
.cnn-explorer td.cx-pad{background:#eef4fa;color:#667;border-style:dotted}
.cnn-explorer td.cx-on{outline:3px solid #D55E00;outline-offset:-3px}
.cnn-explorer td button{all:unset;display:block;width:100%;min-width:30px;height:30px;
 line-height:30px;text-align:center;cursor:pointer;box-sizing:border-box}
.cnn-explorer td button:focus-visible{outline:3px solid #0072B2;outline-offset:-3px}
.cnn-explorer td.cx-black{background:#222}.cnn-explorer td.cx-black button{color:#fff}
.cnn-explorer td input{width:44px;height:30px;border:0;text-align:center;box-sizing:border-box;
 font:inherit;background:#f3f3f3;
 color:#222}
.cnn-explorer .cx-bar{gap:10px;align-items:center}
.cnn-explorer .cx-say{min-height:3em;font-variant-numeric:tabular-nums}
.cnn-explorer .cx-say b{color:#A44600}
</style>
<div class="cx-still"><p>One image, one filter, and the feature map they give. Run this cell,
and you can change them.</p><div class="cx-row"><!--IMAGE--><!--KERNEL--><!--MAP--></div></div>
<script type="application/json" class="cx-start">/*START*/</script>
<script>
(function () {
/*SCRIPT*/
const show = v => String(Math.round(v * 100) / 100 + 0).replace("-", "\\u2212");
const term = v => v < 0 ? "(" + show(v) + ")" : show(v);
function make(tag, parent, text, attributes) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  Object.entries(attributes || {}).forEach(([key, value]) => node.setAttribute(key, value));
  parent.appendChild(node);
  return node;
}
function build(root) {
  const start = JSON.parse(root.querySelector(".cx-start").textContent);
  let image = start.image.map(row => row.slice()), kernel = start.kernel.map(row => row.slice());
  let bias = start.bias, stride = 1, same = false, relu = false, at = [0, 0];
  const page = root.querySelector(".cx-still");
  page.textContent = "";
  const bar = make("div", page, "", {class: "cx-row cx-bar"});
  const tables = make("div", page, "", {class: "cx-row"});
  const say = make("div", page, "", {class: "cx-say", "aria-live": "polite"});
  const more = make("div", page);
  make("p", page, "Point at a value of the feature map to see how it comes about. Click on a pixel "
    + "to change it, or type other numbers into the filter.");
  function button(text, action) { make("button", bar, text).onclick = () => { action(); draw(); }; }
  Object.entries(start.letters).forEach(([name, letter]) =>
    button(name, () => { image = letter.map(row => row.slice()); }));
  const blank = () => image[0].map(() => 0);
  button("\\u2190", () => { image = image.map(row => [...row.slice(1), 0]); });
  button("\\u2192", () => { image = image.map(row => [0, ...row.slice(0, -1)]); });
  button("\\u2191", () => { image = [...image.slice(1), blank()]; });
  button("\\u2193", () => { image = [blank(), ...image.slice(0, -1)]; });
  button("clear", () => { image = image.map(blank); });
  function choose(label, options, action) {
    const box = make("label", bar, label + " "), list = make("select", box);
    options.forEach(text => make("option", list, text));
    list.onchange = () => { action(list.value); at = [0, 0]; draw(); };
  }
  choose("stride", ["1", "2", "3"], value => { stride = Number(value); });
  choose("padding", ["valid", "same"], value => { same = value === "same"; });
  choose("ReLU", ["off", "on"], value => { relu = value === "on"; });
  function field(parent, value, name, action) {
    const input = make("input", parent, "", {type: "number", step: "0.5", "aria-label": name});
    input.value = value;
    input.onchange = () => { action(Number(input.value) || 0); draw(); };
    return input;
  }
  const biasBox = make("label", bar, "bias ");
  field(biasBox, bias, "bias", value => { bias = value; }).style.width = "48px";
  const place = (what, r, c) => what + " " + (r + 1) + ", " + (c + 1);
  function draw() {
    const focused = document.activeElement && document.activeElement.getAttribute("aria-label");
    const map = convolve(image, kernel, bias, stride, same);
    at = [Math.min(at[0], map.length - 1), Math.min(at[1], map[0].length - 1)];
    tables.textContent = "";
    const kh = kernel.length, kw = kernel[0].length;
    const last = map[map.length - 1][map[0].length - 1];
    const up = Math.max(0, -map[0][0].top), left = Math.max(0, -map[0][0].left);
    const down = Math.max(0, last.top + kh - image.length);
    const right = Math.max(0, last.left + kw - image[0].length);
    const pixels = make("table", tables), cells = {};
    make("caption", pixels, "image");
    for (let r = -up; r < image.length + down; r++) {
      const row = make("tr", pixels);
      for (let c = -left; c < image[0].length + right; c++) {
        const cell = cells[r + "," + c] = make("td", row);
        if (r < 0 || c < 0 || r >= image.length || c >= image[0].length) {
          cell.className = "cx-pad"; cell.textContent = "0"; continue;
        }
        if (image[r][c]) cell.className = "cx-black";
        const name = {"aria-label": place("pixel", r, c)};
        const pixel = make("button", cell, String(image[r][c]), name);
        pixel.onclick = () => { image[r][c] = image[r][c] ? 0 : 1; draw(); };
      }
    }
    const filter = make("table", tables);
    make("caption", filter, "filter");
    kernel.forEach((values, r) => {
      const row = make("tr", filter);
      values.forEach((value, c) => field(make("td", row), value, place("filter", r, c),
        number => { kernel[r][c] = number; }));
    });
    const result = make("table", tables), spots = {};
    make("caption", result, "feature map " + map.length + "\\u00d7" + map[0].length);
    map.forEach((values, r) => {
      const row = make("tr", result);
      values.forEach((value, c) => {
        const spot = spots[r + "," + c] = make("td", row);
        const shown = relu ? Math.max(0, value.value) : value.value;
        spot.style.background = shown > 0 ? "#c9c7e2" : shown < 0 ? "#fdd5a2" : "#f5f5f5";
        const name = {"aria-label": place("value", r, c) + ": " + show(shown)};
        const inner = make("button", spot, show(shown), name);
        inner.onmouseenter = inner.onfocus = inner.onclick = () => { at = [r, c]; mark(); };
      });
    });
    function mark() {
      [...Object.values(cells), ...Object.values(spots)].forEach(c => c.classList.remove("cx-on"));
      const here = map[at[0]][at[1]];
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++)
        cells[(here.top + i) + "," + (here.left + j)].classList.add("cx-on");
      spots[at[0] + "," + at[1]].classList.add("cx-on");
      say.textContent = here.terms.map(([a, b]) => term(a) + "\\u00d7" + term(b)).join(" + ")
        + " = " + show(here.sum);
      make("br", say);
      make("b", say, show(here.sum) + " + " + term(bias) + " (the bias) = " + show(here.value)
        + (relu ? ",  after ReLU " + show(Math.max(0, here.value)) : ""));
    }
    mark();
    if (focused && focused.startsWith("pixel")) {
      const again = tables.querySelector('[aria-label="' + focused + '"]');
      if (again) again.focus();
    }
    more.textContent = "";
    const unseen = image[0].length - (last.left + kw);
    const unused = unseen > 1 ? unseen + " columns are" : "column is";
    if (unseen > 0) make("p", more, "The last " + unused + " never seen with this stride.");
    if (map.length === 4 && map[0].length === 4) {
      const result = answer(map, start.network);
      const names = result.outputs[0] >= result.outputs[1] ? "O" : "X";
      make("p", more, "ReLU and 2\\u00d72 max pooling: " + result.pooled.map(show).join(", ")
        + ".  The letter network: O " + show(result.outputs[0]) + ", X " + show(result.outputs[1])
        + ".  It says " + names + ".");
    }
  }
  draw();
}
document.querySelectorAll(".cnn-explorer:not([data-ready])").forEach(root => {
  root.setAttribute("data-ready", "1");
  build(root);
});
})();
</script>
</div>"""
