// The explorer of a convolution, and the game "fool the network".
// The functions down to `answer` only compute; the tests compare them with NumPy.
function outputSize(n, k, stride, same) {
  return same ? Math.ceil(n / stride) : Math.floor((n - k) / stride) + 1;
}

// Zeros before the first of n pixels; with an odd number of zeros, one more stands behind the last.
function border(n, k, stride, same) {
  if (!same) return 0;
  return Math.floor(Math.max((outputSize(n, k, stride, true) - 1) * stride + k - n, 0) / 2);
}

// For each position of the kernel: where its window begins, the products, their sum, and the value.
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

function relu(values) {
  return values.map(row => row.map(value => Math.max(0, value)));
}

// The largest value of each window of 2 x 2; what does not fill a window is left out.
function maxPool(values) {
  const pooled = [];
  for (let r = 0; r + 1 < values.length; r += 2) {
    const row = [];
    for (let c = 0; c + 1 < values[0].length; c += 2) {
      row.push(Math.max(values[r][c], values[r][c + 1], values[r + 1][c], values[r + 1][c + 1]));
    }
    pooled.push(row);
  }
  return pooled;
}

// Hidden node, outputs and answer of the letter network for a pooled map of 2 x 2.
function answer(pooled, network) {
  const inputs = pooled.flat();
  const sum = inputs.reduce((total, x, i) => total + x * network.weights[i], network.bias);
  const hidden = Math.max(0, sum);
  const outputs = network.outputs.map((weight, i) => weight * hidden + network.biases[i]);
  return {inputs, sum, hidden, outputs, letter: outputs[0] >= outputs[1] ? "O" : "X"};
}

const copy = rows => rows.map(row => row.slice());
const valuesOf = map => map.map(row => row.map(cell => cell.value));
const changedPixels = (image, start) =>
  image.flat().filter((pixel, i) => pixel !== start.flat()[i]).length;

// ------------------------------------------------------------------------------------ drawing
// The same number has the same color everywhere, as in the figures: 1 is dark.
function shade(value) {
  const mix = (from, to, t) => from.map((v, i) => Math.round(v + (to[i] - v) * Math.min(1, t)));
  const white = [255, 255, 255], dark = [84, 39, 136], orange = [241, 163, 64];
  let color = mix(white, orange, -value / 2);
  if (value > 0) color = mix(white, dark, value);
  if (value > 1) color = mix(dark, dark.map(v => v / 2), (value - 1) / 2);
  return {background: "rgb(" + color + ")", color: value > 0.7 ? "#fff" : "#000"};
}

function ink(value) {
  const level = Math.round(255 * (1 - 0.87 * Math.min(1, Math.max(0, value))));
  return {background: "rgb(" + [level, level, level] + ")", color: value > 0.5 ? "#fff" : "#000"};
}

// A table of cells. `resize` makes new cells, with `fill`, only if the size has changed.
function grid(kit, parent, fill) {
  const table = kit.make("table", parent), caption = kit.make("caption", table);
  let cells = [];
  return {
    table,
    resize(title, rows, columns) {
      caption.textContent = title;
      if (cells.length === rows && cells[0].length === columns) return cells;
      table.querySelectorAll("tr").forEach(row => row.remove());
      cells = Array.from({length: rows}, (_, r) => {
        const row = kit.make("tr", table);
        return Array.from({length: columns}, (_, c) => fill(kit.make("td", row), r, c));
      });
      return cells;
    },
  };
}

const place = (what, r, c) => what + " in row " + (r + 1) + ", column " + (c + 1);

// Write a value into a cell (or into the button in it) and color it.
function put(kit, node, value, colors, name) {
  node.textContent = kit.number(value);
  Object.assign(node.style, colors(value));
  if (name) node.setAttribute("aria-label", name + ": " + kit.number(value));
}

function term(kit, value) {
  return value < 0 ? "(" + kit.number(value) + ")" : kit.number(value);
}

const sumOf = (kit, pairs) => pairs.map(([a, b]) => term(kit, a) + " × " + term(kit, b)).join(" + ");

// ReLU, max pooling and the letter network behind a feature map; `parts` are the ones to show.
// The tables are appended to `row`, the answer to `parent`.
function signal(kit, row, parent, parts, network) {
  const active = parts.has("relu") ? grid(kit, row, cell => cell) : null;
  const pooled = parts.has("pooling") ? grid(kit, row, cell => cell) : null;
  const says = parts.has("network") ? kit.make("div", parent, null, {class: "cx-answer"}) : null;
  const fill = (table, title, values) => {
    table.table.hidden = !values.length || !values[0].length;  // the map is too small for a window
    if (table.table.hidden) return [];
    const cells = table.resize(title, values.length, values[0].length);
    values.forEach((line, r) => line.forEach((v, c) => put(kit, cells[r][c], v, shade)));
    return cells;
  };
  const mark = (cells, r, c) => {
    cells.flat().forEach(cell => cell.classList.remove("cx-on"));
    if (cells[r] && cells[r][c]) cells[r][c].classList.add("cx-on");
  };
  return (values, at) => {
    let now = values, result = null;
    if (active) {
      now = relu(now);
      mark(fill(active, "after ReLU", now), at[0], at[1]);
    }
    if (pooled) {
      now = maxPool(now);
      const cells = fill(pooled, "pooled", now);
      mark(cells, Math.floor(at[0] / 2), Math.floor(at[1] / 2));
    }
    if (says) {
      says.textContent = "";
      if (now.length === 2 && now[0].length === 2) {
        result = answer(now, network);
        sayAnswer(kit, says, result, network);
      } else {
        kit.make("p", says, "The letter network takes a feature map of 4 × 4 values: "
          + "choose stride 1 and padding valid.");
      }
    }
    return result;
  };
}

function sayAnswer(kit, parent, result, network) {
  const pairs = result.inputs.map((x, i) => [x, network.weights[i]]);
  kit.make("p", parent, "hidden node: " + sumOf(kit, pairs) + " + " + kit.number(network.bias) + " = "
    + kit.number(result.sum) + (result.sum < 0 ? ", after ReLU 0" : ""));
  ["O", "X"].forEach((letter, i) => {
    const best = letter === result.letter;
    const line = kit.make("div", parent, null, {class: "cx-output" + (best ? " cx-best" : "")});
    kit.make("span", line, "output " + letter + "  " + kit.number(result.outputs[i]));
    const bar = kit.make("span", line, null, {class: "cx-length", "aria-hidden": "true"});
    bar.style.width = 80 * Math.min(1.5, Math.max(0, result.outputs[i])) + "px";
  });
  kit.make("p", parent, "The answer: " + result.letter, {class: "cx-says"});
}

// ----------------------------------------------------------------------------------- the explorer
function explore(root, data, kit) {
  const parts = new Set(data.controls);
  const state = {image: copy(data.image), kernel: copy(data.kernel), bias: data.bias, stride: 1,
                 same: false, at: [0, 0]};
  if (parts.has("image")) imageBar(kit, root, data, state, () => draw());
  const bar = kit.make("div", root, null, {class: "cw-bar"});
  const number = (parent, name, value, enabled, action) => {
    const input = kit.make("input", parent, null, {type: "text", inputmode: "decimal",
      "aria-label": name, class: "cx-number"});
    input.value = kit.number(value);
    input.readOnly = !enabled;
    input.onchange = () => {
      const typed = kit.parse(input.value);
      input.setAttribute("aria-invalid", String(Number.isNaN(typed)));
      wrong.textContent = Number.isNaN(typed) ? "Type a number, such as 2 or 0.5." : "";
      if (!Number.isNaN(typed)) { action(typed); draw(); }
    };
    return input;
  };
  if (parts.has("stride")) {
    kit.choice(bar, "stride", [["1", "1"], ["2", "2"], ["3", "3"]],
      value => { state.stride = Number(value); draw(); });
  }
  if (parts.has("padding")) {
    kit.choice(bar, "padding", [["valid", "valid"], ["same", "same"]],
      value => { state.same = value === "same"; draw(); });
  }
  const row = kit.make("div", root, null, {class: "cw-row"});
  const pixels = pixelGrid(kit, row, state, parts.has("image"), () => draw());
  const middle = kit.make("div", row);
  const filter = grid(kit, middle, (cell, r, c) => {
    const field = number(cell, place("filter", r, c), state.kernel[r][c], parts.has("kernel"),
      typed => { state.kernel[r][c] = typed; Object.assign(field.style, shade(typed)); });
    Object.assign(field.style, shade(state.kernel[r][c]));
    return field;
  });
  filter.resize("filter", state.kernel.length, state.kernel[0].length);
  const label = kit.make("p", middle, "bias ");
  number(label, "bias", state.bias, parts.has("bias"), typed => { state.bias = typed; });
  const result = grid(kit, row, (cell, r, c) => {
    const inner = kit.button(cell, "", () => look(r, c));
    inner.onmouseenter = inner.onfocus = inner.onclick;
    return inner;
  });
  const wrong = kit.live(root, {class: ""});
  const say = kit.live(root);
  const note = kit.make("p", root, "");
  const showSignal = signal(kit, row, root, parts, data.network);
  const look = (r, c) => { state.at = [r, c]; draw(); };

  function draw() {
    const map = convolve(state.image, state.kernel, state.bias, state.stride, state.same);
    state.at = [Math.min(state.at[0], map.length - 1), Math.min(state.at[1], map[0].length - 1)];
    const here = map[state.at[0]][state.at[1]];
    pixels.show(here.top, here.left);
    const title = "feature map, " + map.length + " × " + map[0].length;
    const cells = result.resize(title, map.length, map[0].length);
    map.forEach((line, r) => line.forEach((cell, c) => {
      put(kit, cells[r][c], cell.value, shade, place("value", r, c));
      cells[r][c].classList.toggle("cx-on", r === state.at[0] && c === state.at[1]);
    }));
    say.textContent = "";
    kit.make("p", say, sumOf(kit, here.terms) + " = " + kit.number(here.sum));
    kit.make("p", say, kit.number(here.sum) + " + " + term(kit, state.bias) + " (the bias) = "
      + kit.number(here.value), {class: "cx-value"});
    note.textContent = unseen(state, map);
    showSignal(valuesOf(map), state.at);
  }
  draw();
}

// Which rows and columns no window covers, in words.
function unseen(state, map) {
  const last = map[map.length - 1][map[0].length - 1];
  const rows = Math.max(0, state.image.length - last.top - state.kernel.length);
  const columns = Math.max(0, state.image[0].length - last.left - state.kernel[0].length);
  const said = [[rows, "row"], [columns, "column"]].filter(([count]) => count > 0)
    .map(([count, what]) => (count > 1 ? count + " " + what + "s" : what));
  const many = rows + columns > 1;
  return said.length ? "No window covers the last " + said.join(" and the last ") + (many
    ? ": they are never seen." : ": it is never seen.") : "";
}

function imageBar(kit, parent, data, state, draw) {
  const bar = kit.make("div", parent, null, {class: "cw-bar"});
  const change = (text, image, name) => kit.button(bar, text,
    () => { state.image = image(state.image); draw(); }, name && {"aria-label": name});
  Object.entries(data.letters).forEach(([name, letter]) => change(name, () => copy(letter)));
  const blank = image => image[0].map(() => 0);
  change("\u2190", image => image.map(row => [...row.slice(1), 0]), "move left");
  change("\u2192", image => image.map(row => [0, ...row.slice(0, -1)]), "move right");
  change("\u2191", image => [...image.slice(1), blank(image)], "move up");
  change("\u2193", image => [blank(image), ...image.slice(0, -1)], "move down");
  change("clear", image => image.map(() => blank(image)));
}

// The image, with the zeros around it; `show` marks the window that begins at (top, left).
function pixelGrid(kit, parent, state, editable, draw) {
  const pad = (n, k) => {
    const size = outputSize(n, k, state.stride, state.same);
    const up = border(n, k, state.stride, state.same);
    return [up, Math.max(0, (size - 1) * state.stride - up + k - n)];
  };
  const sides = () => [pad(state.image.length, state.kernel.length),
                       pad(state.image[0].length, state.kernel[0].length)];
  const pixels = grid(kit, parent, (cell, r, c) => {
    const [[up], [left]] = sides();
    const row = r - up, column = c - left;
    const inside = state.image[row] !== undefined && state.image[row][column] !== undefined;
    if (!inside) cell.className = "cx-pad";
    if (!inside || !editable) return cell;
    return kit.button(cell, "", () => {
      state.image[row][column] = state.image[row][column] ? 0 : 1;
      draw();
    });
  });
  return {
    show(top, left) {
      const [[up, down], [before, after]] = sides();
      const height = state.image.length, width = state.image[0].length;
      const cells = pixels.resize("image", up + height + down, before + width + after);
      cells.forEach((line, r) => line.forEach((node, c) => {
        const row = r - up, column = c - before;
        const value = (state.image[row] || [])[column];
        const name = node.tagName === "BUTTON" ? place("pixel", row, column) : null;
        if (value === undefined) node.textContent = "0";
        else put(kit, node, value, ink, name);
        const inside = row >= top && row < top + state.kernel.length
          && column >= left && column < left + state.kernel[0].length;
        node.classList.toggle("cx-on", inside);
        node.classList.toggle("cx-changed", Boolean(state.start) && value !== undefined
          && value !== state.start[row][column]);
      }));
    },
  };
}

// --------------------------------------------------------------------------------------- the game
function game(root, data, kit) {
  const state = {kernel: data.kernel, stride: 1, same: false};
  let round = data.rounds[0];
  const bar = kit.make("div", root, null, {class: "cw-bar", role: "group", "aria-label": "rounds"});
  const choices = data.rounds.map(one => kit.button(bar, one.title, () => begin(one)));
  const task = kit.make("p", root, "");
  const row = kit.make("div", root, null, {class: "cw-row"});
  const pixels = pixelGrid(kit, row, state, true, () => draw(true));
  const result = grid(kit, row, cell => cell);
  const all = new Set(["relu", "pooling", "network"]);
  const showSignal = signal(kit, row, row, all, data.network);
  const say = kit.live(root);
  const tools = kit.make("div", root, null, {class: "cw-bar"});
  kit.button(tools, "Start again", () => begin(round));
  kit.button(tools, "Hint", () => {
    hint.textContent = "There is a solution with " + pixelCount(round.fewest) + ".";
  });
  const hint = kit.live(tools);

  function begin(chosen) {
    round = chosen;
    state.start = round.image;
    state.image = copy(round.image);
    choices.forEach((button, i) =>
      button.setAttribute("aria-pressed", String(data.rounds[i] === round)));
    task.textContent = round.task;
    hint.textContent = "";
    draw(false);
  }
  function draw(moved) {
    const map = convolve(state.image, data.kernel, data.bias, 1, false);
    pixels.show(-9, -9);  // no window is marked
    const cells = result.resize("feature map", map.length, map[0].length);
    map.forEach((line, r) => line.forEach((cell, c) => put(kit, cells[r][c], cell.value, shade)));
    const said = showSignal(valuesOf(map), [-9, -9]).letter;
    const count = changedPixels(state.image, state.start);
    const won = said === round.wanted && count > 0;
    const key = data.key + ":" + round.id;
    if (won && moved) kit.kept.set(key, Math.min(count, kit.kept.get(key) || Infinity));
    say.className = "cw-say" + (won ? " cw-right" : "");
    say.textContent = verdict(round, count, said, won, kit.kept.get(key));
  }
  begin(round);
}

const pixelCount = count => count + (count === 1 ? " pixel" : " pixels");

function verdict(round, count, said, won, best) {
  let text = pixelCount(count) + " changed. The network says " + said + ".";
  if (won) text = "Fooled with " + pixelCount(count) + ": the network says " + said + ".";
  if (best !== undefined) text += " Your best: " + pixelCount(best) + ".";
  if (won && count === round.fewest) text += " Fewer are not possible.";
  return text;
}

function explorer(root, data, kit) {
  if (data.rounds) game(root, data, kit);
  else explore(root, data, kit);
}
