// Above which probability does the network say the class? Precision and recall for each threshold.
function outcomes(probabilities, positive, level) {
  const found = {tp: 0, fp: 0, fn: 0, tn: 0};
  probabilities.forEach((p, i) => {
    if (p >= level) found[positive[i] ? "tp" : "fp"] += 1;
    else found[positive[i] ? "fn" : "tn"] += 1;
  });
  found.precision = found.tp + found.fp ? found.tp / (found.tp + found.fp) : NaN;
  found.recall = found.tp / (found.tp + found.fn);
  return found;
}

/** Which pictures lie between two thresholds, the likelier ones first? */
function between(probabilities, one, other) {
  const low = Math.min(one, other), high = Math.max(one, other);
  return probabilities.map((p, i) => [p, i]).filter(([p]) => p >= low && p < high)
    .sort((a, b) => b[0] - a[0]).map(([, i]) => i);
}

function threshold(root, data, kit) {
  const width = 560, height = 220, left = 44, bottom = 34, top = 10;
  const x = level => left + level * (width - left - 10);
  const y = share => height - bottom - share * (height - bottom - top);
  const svgns = "http://www.w3.org/2000/svg";
  const draw = (tag, parent, attributes, text) => {
    const node = document.createElementNS(svgns, tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    if (text) node.textContent = text;
    parent.appendChild(node);
    return node;
  };
  let level = 0.5;
  kit.make("h3", root, "Say \u201c" + data.name + "\u201d above which probability?");
  const slider = kit.slider(root, "threshold", {min: 0, max: 1, step: 0.01, value: level},
    value => { const before = level; level = value; update(before); });
  const figure = draw("svg", root, {viewBox: "0 0 " + width + " " + height, width: width, style: "display:block",
    "aria-hidden": "true"});
  const levels = Array.from({length: 101}, (_, i) => i / 100);
  const all = levels.map(value => outcomes(data.probabilities, data.positive, value));
  [0, 0.25, 0.5, 0.75, 1].forEach(share => {
    draw("line", figure, {x1: x(0), x2: x(1), y1: y(share), y2: y(share), stroke: "#ddd"});
    draw("text", figure, {x: x(0) - 6, y: y(share) + 4, "text-anchor": "end", "font-size": 12},
      String(share));
    draw("text", figure, {x: x(share), y: height - 14, "text-anchor": "middle", "font-size": 12},
      String(share));
  });
  const line = (key, color, dash) => draw("polyline", figure, {fill: "none", stroke: color,
    "stroke-width": 2.5, "stroke-dasharray": dash, points: levels
      .map((value, i) => [x(value), y(all[i][key])]).filter(([, b]) => !Number.isNaN(b))
      .map(point => point.join(",")).join(" ")});
  line("precision", "#882255", "none");
  line("recall", "#000000", "7 4");
  const legend = kit.make("p", root);
  kit.make("span", legend, "\u2501 precision", {style: "color:#882255"});
  kit.make("span", legend, "  \u2505 recall", {style: "color:#000000"});
  const marker = draw("line", figure, {y1: y(0), y2: y(1), stroke: "#222", "stroke-width": 1.5});
  const say = kit.live(root);
  const changed = kit.make("div", root, null, {class: "cw-row", style: "min-height:120px"});

  function update(before) {
    const now = outcomes(data.probabilities, data.positive, level);
    marker.setAttribute("x1", x(level));
    marker.setAttribute("x2", x(level));
    const precision = Number.isNaN(now.precision) ? "none (it says the class to no picture)"
      : kit.number(now.precision, 3) + " (" + now.tp + " of the " + (now.tp + now.fp)
        + " pictures that it calls " + data.name + ")";
    say.textContent = "precision " + precision + "; recall " + kit.number(now.recall, 3) + " ("
      + now.tp + " of the " + (now.tp + now.fn) + " pictures of " + data.name + ")";
    changed.textContent = "";
    const moved = between(data.probabilities, before, level);
    const shown = moved.filter(i => data.pictures[i]).slice(0, 8);
    if (!moved.length) {
      kit.make("p", changed, before === level ? "Move the slider: the pictures that change sides "
        + "appear here." : "No picture changed sides.");
      return;
    }
    kit.make("p", changed, moved.length + (moved.length > 1 ? " pictures" : " picture")
      + (level > before ? " no longer called " : " now called ") + data.name
      + (shown.length < moved.length ? ", " + shown.length + " shown:" : ":"),
      {style: "flex-basis:100%"});
    shown.forEach(i => {
      const box = kit.make("figure", changed, null, {style: "margin:0;width:72px;font-size:12px"});
      kit.make("img", box, null, {src: data.pictures[i], width: 64, height: 64,
        alt: "a picture of the class " + data.labels[i]});
      kit.make("figcaption", box, data.labels[i] + " " + kit.number(data.probabilities[i]));
    });
  }
  update(level);
  return slider;
}
