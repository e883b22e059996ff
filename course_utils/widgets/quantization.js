// How do numbers change when they have only a few bits? The same rules as deployment.quantize.

/** Round to the nearest whole number, halves away from 0. */
function rounded(value) {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** Scale, zero point, whole numbers and restored values, for a number of bits. */
function quantized(values, bits, symmetric) {
  const highest = 2 ** (bits - 1) - 1;
  const lowest = symmetric ? -highest : -(2 ** (bits - 1));
  let scale, zero;
  if (symmetric) {
    scale = Math.max(...values.map(Math.abs)) / highest || 1;
    zero = 0;
  } else {
    const low = Math.min(0, ...values), high = Math.max(0, ...values);
    scale = (high - low) / (highest - lowest) || 1;
    zero = rounded(lowest - low / scale);
  }
  const whole = values.map(value =>
    Math.min(highest, Math.max(lowest, rounded(value / scale) + zero)));
  return {scale, zero, lowest, highest, whole, restored: whole.map(n => scale * (n - zero))};
}

function quantization(root, data, kit) {
  const width = 720, left = 16, svgns = "http://www.w3.org/2000/svg";
  const low = Math.min(0, ...data.values), high = Math.max(0, ...data.values);
  const side = Math.max(-low, high) * 1.05;
  const x = value => left + (value + side) / (2 * side) * (width - 2 * left);
  const draw = (tag, parent, attributes, text) => {
    const node = document.createElementNS(svgns, tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  };
  let bits = 4, symmetric = false;
  kit.make("h4", root, "Numbers with few bits");
  const bar = kit.make("div", root, null, {class: "cw-bar"});
  kit.slider(bar, "bits", {min: 2, max: 8, step: 1, value: bits},
    value => { bits = value; update(); });
  kit.choice(bar, "the steps go", [["", "from the lowest to the highest number"],
    ["yes", "equally far to both sides of 0"]],
    value => { symmetric = value === "yes"; update(); });
  const figure = draw("svg", root, {viewBox: "0 0 " + width + " 130", width, "aria-hidden": "true",
    style: "display:block"});
  const say = kit.live(root);
  const scroll = kit.make("div", root, null, {style: "overflow-x:auto", tabindex: "0",
    role: "region", "aria-label": "the numbers, one row each"});
  const table = kit.make("table", scroll);
  const net = kit.make("p", root);

  function line(now) {
    figure.textContent = "";
    for (let n = now.lowest; n <= now.highest; n++) {
      const place = x(now.scale * (n - now.zero));
      if (place >= 0 && place <= width)
        draw("line", figure, {x1: place, x2: place, y1: 78, y2: n === now.zero ? 112 : 100,
          stroke: n === now.zero ? "#222" : "#888", "stroke-width": bits > 6 ? 0.5 : 1.2});
    }
    draw("text", figure, {x: x(0), y: 126, "text-anchor": "middle", "font-size": 12}, "0");
    data.values.forEach((value, i) => {
      const from = x(value), to = x(now.restored[i]);
      draw("line", figure, {x1: from, x2: to, y1: 30, y2: 88, stroke: "#888"});
      draw("circle", figure, {cx: from, cy: 26, r: 6, fill: "#0072B2"});
      draw("rect", figure, {x: to - 5, y: 83, width: 10, height: 10, fill: "#D55E00"});
    });
  }

  function rows(now) {
    table.textContent = "";
    const head = kit.make("tr", table);
    ["number", "whole number", "kept as", "error"].forEach(text =>
      kit.make("th", head, text, {scope: "col", style: "padding:2px 14px 2px 0;text-align:right"}));
    data.values.forEach((value, i) => {
      const row = kit.make("tr", table);
      [kit.number(value, 3), kit.number(now.whole[i], 0), kit.number(now.restored[i], 3),
        kit.number(now.restored[i] - value, 3)].forEach(text =>
        kit.make("td", row, text, {style: "padding:1px 14px 1px 0;text-align:right"}));
    });
  }

  function update() {
    const now = quantized(data.values, bits, symmetric);
    line(now);
    rows(now);
    const error = Math.max(...now.restored.map((value, i) => Math.abs(value - data.values[i])));
    const used = new Set(now.whole).size;
    say.textContent = bits + " bits, " + (now.highest - now.lowest + 1) + " whole numbers from "
      + kit.number(now.lowest, 0) + " to " + now.highest + ": scale " + kit.number(now.scale, 4)
      + ", zero point " + kit.number(now.zero, 0) + ", largest error " + kit.number(error, 4)
      + "; " + used + " of " + data.values.length + " numbers stay different.";
    const reached = data.accuracies[bits];
    net.textContent = reached === undefined ? "" : "Our network with all its weights at " + bits
      + " bits: accuracy " + kit.number(reached, 3) + " on the validation pictures (with 32 bits: "
      + kit.number(data.accuracy, 3) + ").";
  }
  update();
}
