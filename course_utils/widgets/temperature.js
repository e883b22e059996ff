// Logits divided by a temperature: the classes stay, the confidence changes.
function softmaxAt(logits, heat) {
  const largest = Math.max(...logits);
  const powers = logits.map(value => Math.exp((value - largest) / heat));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(value => value / sum);
}

/** Count, mean confidence and accuracy in ten bins of equal width; and the calibration error. */
function reliability(logits, labels, heat) {
  const bins = Array.from({length: 10}, () => ({count: 0, confidence: 0, right: 0}));
  let total = 0, right = 0;
  logits.forEach((row, i) => {
    const probabilities = softmaxAt(row, heat);
    const confidence = Math.max(...probabilities);
    const correct = probabilities.indexOf(confidence) === labels[i] ? 1 : 0;
    const bin = bins[Math.min(9, Math.max(0, Math.ceil(confidence * 10 - 1e-9) - 1))];
    bin.count += 1; bin.confidence += confidence; bin.right += correct;
    total += confidence; right += correct;
  });
  const n = logits.length;
  const error = bins.reduce((sum, bin) => sum + Math.abs(bin.right - bin.confidence), 0) / n;
  return {bins, confidence: total / n, accuracy: right / n, error};
}

function temperature(root, data, kit) {
  const size = 300, left = 44, bottom = 40, top = 10;
  const x = value => left + value * (size - left - 10);
  const y = value => size - bottom - value * (size - bottom - top);
  const draw = (tag, parent, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    if (text) node.textContent = text;
    parent.appendChild(node);
    return node;
  };
  kit.make("h3", root, "Divide all logits by a temperature");
  const bar = kit.make("div", root, null, {class: "cw-bar"});
  let heat = 1;
  const slider = kit.slider(bar, "temperature", {min: 0.3, max: 6, step: 0.01, value: 1},
    value => { heat = value; update(); });
  if (data.best) {
    kit.button(bar, "set " + kit.number(data.best) + ", chosen on validation",
      () => { slider.set(data.best); heat = data.best; update(); });
  }
  kit.button(bar, "set 1", () => slider.set(1));
  const row = kit.make("div", root, null, {class: "cw-row"});
  const svg = draw("svg", row, {viewBox: "0 0 " + size + " " + size, width: size,
    "aria-hidden": "true"});
  const say = kit.live(row, {style: "max-width:300px"});
  [0, 0.5, 1].forEach(value => {
    draw("text", svg, {x: x(0) - 6, y: y(value) + 4, "text-anchor": "end", "font-size": 12},
      String(value));
    draw("text", svg, {x: x(value), y: size - 22, "text-anchor": "middle", "font-size": 12},
      String(value));
  });
  draw("text", svg, {x: x(0.5), y: size - 5, "text-anchor": "middle", "font-size": 12},
    "confidence");
  draw("text", svg, {x: 12, y: y(0.5), "text-anchor": "middle", "font-size": 12,
    transform: "rotate(-90 12 " + y(0.5) + ")"}, "accuracy");
  const bars = draw("g", svg, {});
  draw("line", svg, {x1: x(0), y1: y(0), x2: x(1), y2: y(1), stroke: "#222",
    "stroke-dasharray": "5 4"});

  function update() {
    const now = reliability(data.logits, data.labels, heat);
    bars.textContent = "";
    now.bins.forEach((bin, i) => {
      if (!bin.count) return;
      const accuracy = bin.right / bin.count;
      draw("rect", bars, {x: x(i / 10) + 1, width: x(0.1) - x(0) - 2, y: y(accuracy),
        height: y(0) - y(accuracy), fill: "#0072B2",
        "fill-opacity": bin.count < 10 ? 0.25 : 0.75});
      draw("circle", bars, {cx: x(bin.confidence / bin.count), cy: y(accuracy), r: 4,
        fill: "#D55E00"});
    });
    say.textContent = "";
    kit.make("p", say, "accuracy " + kit.number(now.accuracy, 3));
    kit.make("p", say, "mean confidence " + kit.number(now.confidence, 3));
    kit.make("p", say, "expected calibration error " + kit.number(now.error, 3));
    const gap = now.confidence - now.accuracy;
    kit.make("p", say, Math.abs(gap) < 0.02 ? "On average, the confidence is about right."
      : gap > 0 ? "Too sure: the confidence is above the accuracy."
      : "Not sure enough: the confidence is below the accuracy.");
  }
  update();
}
