// The ball in the loss valley: gradient descent with a learning rate and momentum, step by step.

/** The loss of a valley: half of (curvature times weight squared), summed over the weights. */
function valleyLoss(curvatures, weights) {
  return weights.reduce((sum, weight, i) => sum + curvatures[i] * weight * weight / 2, 0);
}

/** One step of gradient descent with momentum, as keras.optimizers.SGD takes it. */
function valleyStep(curvatures, ball, learningRate, momentum) {
  const velocity = ball.velocity.map(
    (speed, i) => momentum * speed - learningRate * curvatures[i] * ball.weights[i]);
  return {weights: ball.weights.map((weight, i) => weight + velocity[i]), velocity};
}

/** What has become of the losses so far: "arrived", "diverged" or "underway". */
function valleyState(losses, goal) {
  const last = losses[losses.length - 1];
  if (last < goal) return "arrived";
  return last < 1000 * losses[0] ? "underway" : "diverged";
}

function loss_valley(root, data, kit) {
  const [width, height] = [420, 280];
  const longest = 100;  // steps of one run
  const draw = (tag, parent, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    parent.appendChild(node);
    return node;
  };
  const write = (parent, x, y, text, attributes) => {
    draw("text", parent, {x, y, "font-size": 13, fill: "#222", ...attributes}).textContent = text;
  };
  const picture = parent => draw("svg", parent,
    {viewBox: `0 0 ${width} ${height}`, role: "img", class: "lv-picture"});
  const line = (parent, points, attributes) => draw("polyline", parent,
    {points: points.map(([x, y]) => x.toFixed(1) + "," + y.toFixed(1)).join(" "), fill: "none",
     ...attributes});

  let valley, path, velocity, losses, timer = null;
  const fewest = {};  // by valley: the fewest steps to the goal

  kit.make("h3", root, "The ball in the loss valley");
  const settings = kit.make("div", root, null, {class: "cw-bar"});
  const chosen = kit.choice(settings, "Valley", data.valleys.map((one, i) => [i, one.name]),
    number => begin(data.valleys[number]));
  const rate = kit.slider(settings, "learning rate",
    {min: 0.01, max: 1.2, step: 0.01, value: 0.02}, () => {});
  const momentum = kit.slider(settings, "momentum",
    {min: 0, max: 0.95, step: 0.05, value: 0}, () => {});
  const bar = kit.make("div", root, null, {class: "cw-bar"});
  kit.button(bar, "One step", () => { stop(); step(); tell(); });
  const runButton = kit.button(bar, "Run", () => timer === null ? run() : (stop(), tell()));
  kit.button(bar, "Back to the start", () => begin(valley));
  const row = kit.make("div", root, null, {class: "cw-row"});
  const map = picture(kit.make("div", row, null, {class: "lv-half"}));
  const chart = picture(kit.make("div", row, null, {class: "lv-half"}));
  const numbers = kit.make("div", root, "", {class: "lv-numbers"});
  const say = kit.live(root);

  function begin(next) {
    stop();
    valley = next;
    path = [valley.start];
    velocity = valley.start.map(() => 0);
    losses = [valleyLoss(valley.curvatures, valley.start)];
    show();
    tell();
  }

  function step() {
    if (valleyState(losses, data.goal) === "diverged") return;
    const ball = valleyStep(valley.curvatures, {weights: path[path.length - 1], velocity},
      Number(rate.input.value), Number(momentum.input.value));
    velocity = ball.velocity;
    path.push(ball.weights);
    losses.push(valleyLoss(valley.curvatures, ball.weights));
    show();
  }

  function run() {
    if (valleyState(losses, data.goal) !== "underway") begin(valley);
    const last = losses.length + longest;
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const ended = () => losses.length >= last || valleyState(losses, data.goal) !== "underway";
    if (still) {
      while (!ended()) step();
      tell();
      return;
    }
    runButton.textContent = "Stop";
    timer = setInterval(() => {
      step();
      if (ended()) { stop(); tell(); }
    }, 120);
  }

  function stop() {
    if (timer !== null) clearInterval(timer);
    timer = null;
    runButton.textContent = "Run";
  }

  /** Say in words where the ball is; screen readers read it after each step and each run. */
  function tell() {
    const steps = losses.length - 1;
    const before = losses[steps - 1];
    const state = valleyState(losses, data.goal);
    let text = `Step ${steps}: loss ${shown(losses[steps])}. `;
    if (steps === 0) {
      const record = fewest[valley.name];
      text += `The goal is a loss below ${data.goal}. ` +
        (record ? `Your fewest steps so far: ${record}.` : "Choose a learning rate and run.");
    } else if (state === "arrived") {
      fewest[valley.name] = Math.min(steps, fewest[valley.name] || Infinity);
      text += `The goal is reached. Your fewest steps in this valley: ${fewest[valley.name]}.`;
    } else if (state === "diverged") {
      text += "The training diverges: the steps are too large, and the loss grows without end.";
    } else {
      text += losses[steps] > before ? "The loss has risen in this step." : "The loss is falling.";
    }
    say.textContent = text;
    say.className = "cw-say cw-" + ({arrived: "right", diverged: "wrong"}[state] || "open");
  }

  function shown(number) {
    return Math.abs(number) < 1e5 ? kit.number(number, 3) : number.toExponential(1);
  }

  function show() {
    const weights = path[path.length - 1];
    numbers.textContent = weights.map((value, i) =>
      (weights.length > 1 ? `weight ${i + 1}: ` : "weight: ") + shown(value)).join(", ") +
      `, loss: ${shown(losses[losses.length - 1])}, steps: ${losses.length - 1}`;
    map.textContent = "";
    if (weights.length > 1) drawTwoWeights(); else drawOneWeight();
    drawChart();
  }

  /** Draw the steps so far; `place` maps weights to a place in the picture. */
  function drawPath(place) {
    const places = path.map(place);
    line(map, places, {stroke: "#D55E00", "stroke-width": 1.5, "stroke-dasharray": "5 3"});
    places.forEach(([x, y], i) => {
      const last = i === places.length - 1;
      draw("circle", map, {cx: x, cy: y, r: last ? 8 : 3, fill: last ? "#0072B2" : "#D55E00"});
    });
    const inside = ([x, y]) => x >= 0 && x <= width && y >= 0 && y <= height;
    if (!inside(places[places.length - 1])) {
      write(map, width / 2, 40, "The ball is outside of this picture.", {"text-anchor": "middle"});
    }
    map.setAttribute("aria-label", `The loss valley and ${path.length - 1} steps. ` +
      numbers.textContent + ".");
  }

  function drawOneWeight() {
    const [reach, highest] = [6, 32];
    const place = weights => [width / 2 + weights[0] * width / 2 / reach,
      height - 34 - valleyLoss(valley.curvatures, weights) * (height - 34) / highest];
    const valleyLine = [];
    for (let weight = -reach; weight <= reach; weight += 0.1) valleyLine.push(place([weight]));
    line(map, valleyLine, {stroke: "#666", "stroke-width": 2});
    [-4, -2, 0, 2, 4].forEach(weight =>
      write(map, place([weight])[0], height - 19, kit.number(weight), {"text-anchor": "middle"}));
    write(map, width / 2, height - 5, "weight", {"text-anchor": "middle"});
    write(map, width / 2, 16, "loss \u2191", {"text-anchor": "middle"});
    drawPath(place);
  }

  function drawTwoWeights() {
    const scale = width / 22;
    const place = weights => [width / 2 + weights[0] * scale, (height - 18) / 2 - weights[1] * scale];
    [12, 6, 3, 1, 0.2].forEach((level, i) => {
      const [rx, ry] = valley.curvatures.map(curvature => Math.sqrt(2 * level / curvature) * scale);
      const [cx, cy] = place([0, 0]);
      draw("ellipse", map, {cx, cy, rx, ry, stroke: "#666", fill: "#56B4E9",
        "fill-opacity": 0.12 + 0.04 * i});
      if (i < 3) write(map, cx, cy - ry + 14, kit.number(level), {"text-anchor": "middle"});
    });
    write(map, width / 2, height - 6, "weight 1 \u2192", {"text-anchor": "middle"});
    write(map, 4, 16, "weight 2 \u2191");
    write(map, width - 4, 16, "lines: equal loss", {"text-anchor": "end"});
    drawPath(place);
  }

  function drawChart() {
    chart.textContent = "";
    const steps = losses.length - 1;
    const [left, bottom, top] = [40, height - 34, 1.6 * losses[0]];
    const most = Math.max(20, steps);
    const place = (number, loss) => [left + number * (width - left - 12) / most,
      bottom - loss * bottom / top];
    line(chart, [[left, 0], [left, bottom], [width, bottom]], {stroke: "#666"});
    [0, most / 2, most].forEach(number =>
      write(chart, place(number, 0)[0], bottom + 16, kit.number(number, 0), {"text-anchor": "middle"}));
    [0, losses[0]].forEach(loss =>
      write(chart, left - 5, place(0, loss)[1] + 4, kit.number(loss, 1), {"text-anchor": "end"}));
    write(chart, (left + width) / 2, height - 5, "step", {"text-anchor": "middle"});
    write(chart, left + 6, 16, "loss after each step");
    const places = losses.map((loss, i) => place(i, Math.min(loss, 50 * top)));
    line(chart, places, {stroke: "#0072B2", "stroke-width": 2});
    places.forEach(([cx, cy]) => draw("circle", chart, {cx, cy, r: 3, fill: "#0072B2"}));
    chart.setAttribute("aria-label", "The loss after each step: from " + shown(losses[0]) + " to " +
      shown(losses[steps]) + " in " + steps + " steps.");
  }

  begin(data.valleys[Number(chosen.value)]);
}
