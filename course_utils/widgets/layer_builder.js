// A network is put together layer by layer; output shapes and parameters change at once.
// Shapes are without the batch: [height, width, channels], or [numbers] for one row.
const LAYERS = {  // color, settings [argument of Keras, label, smallest, largest], first values
  Conv2D: {color: "#882255", settings: [["filters", "filters", 1, 1024],
    ["kernel_size", "window", 1, 15], ["strides", "stride", 1, 8]],
    first: {filters: 32, kernel_size: 3, strides: 1, padding: "same"}},
  MaxPooling2D: {color: "#56B4E9", settings: [["pool_size", "window", 1, 15]],
    first: {pool_size: 2}},
  Flatten: {color: "#CC79A7", settings: [], first: {}},
  GlobalAveragePooling2D: {color: "#56B4E9", settings: [], first: {}},
  Dense: {color: "#D55E00", settings: [["units", "units", 1, 4096]], first: {units: 128}},
  Dropout: {color: "#999999", settings: [["rate", "rate", 0, 0.9]], first: {rate: 0.5}},
  BatchNormalization: {color: "#F0E442", settings: [], first: {}},
};

const times = numbers => numbers.join("\u00d7");
const grouped = number => number.toLocaleString("en-US");
const product = numbers => numbers.reduce((so, number) => so * number, 1);

/** Positions of a window on a row of n values: the side of the output. */
function positions(n, size, step, padding) {
  return padding === "same" ? Math.ceil(n / step) : Math.floor((n - size) / step) + 1;
}

/** What is wrong with a setting of a layer, or an empty text. */
function settingProblem(layer) {
  for (const [name, label, least, most] of LAYERS[layer.kind].settings) {
    const value = layer[name];
    const whole = name === "rate" || Number.isInteger(value);
    if (!(value >= least && value <= most) || !whole) {
      return "The " + label + " of " + layer.kind + " must be a " + (name === "rate" ? "" : "whole ") +
        "number from " + least + " to " + most + ".";
    }
  }
  return "";
}

/** Why windows of this size cannot slide over an input, or an empty text. */
function windowProblem(layer, shape, size, padding) {
  if (shape.length !== 3) {
    return layer.kind + " needs maps (height, width, channels), but a row of " + grouped(shape[0]) +
      " numbers comes in. Put it before the layer that makes a row.";
  }
  if (padding !== "same" && size > Math.min(shape[0], shape[1])) {
    return "A window of " + times([size, size]) + " does not fit on maps of " +
      times(shape.slice(0, 2)) + ". Take a smaller window" +
      (layer.kind === "Conv2D" ? ', padding "same",' : "") + " or less pooling before it.";
  }
  return "";
}

const NOTHING = {parameters: 0, how: "nothing to learn"};
const RULES = {
  Conv2D(layer, shape) {
    const {filters, kernel_size: k, strides, padding} = layer;
    const problem = windowProblem(layer, shape, k, padding);
    if (problem) return {problem};
    const sides = shape.slice(0, 2).map(n => positions(n, k, strides, padding));
    return {shape: [...sides, filters], parameters: filters * (k * k * shape[2] + 1),
            how: times([k, k, shape[2], filters]) + " + " + filters};
  },
  MaxPooling2D(layer, shape) {
    const problem = windowProblem(layer, shape, layer.pool_size, "valid");
    if (problem) return {problem};
    const sides = shape.slice(0, 2).map(n => positions(n, layer.pool_size, layer.pool_size));
    return {shape: [...sides, shape[2]], ...NOTHING};
  },
  Flatten: (layer, shape) => ({shape: [product(shape)], ...NOTHING}),
  GlobalAveragePooling2D(layer, shape) {
    const problem = windowProblem(layer, shape, 1, "same");
    return problem ? {problem} : {shape: [shape[2]], ...NOTHING};
  },
  Dense(layer, shape) {
    const inputs = shape[shape.length - 1], units = layer.units;
    const note = shape.length === 3
      ? "Dense works on the last axis only, at each place by itself: Flatten or GlobalAveragePooling2D is missing before it."
      : "";
    return {shape: [...shape.slice(0, -1), units], parameters: (inputs + 1) * units,
            how: times([inputs, units]) + " + " + units, note};
  },
  Dropout: (layer, shape) => ({shape, ...NOTHING}),
  BatchNormalization(layer, shape) {
    const channels = shape[shape.length - 1];
    return {shape, parameters: 4 * channels,
            how: "scale, shift, running mean and variance: " + times([4, channels])};
  },
};

/** What a layer makes of an input: {shape, parameters, how}, or {problem}: a sentence. */
function afterLayer(layer, shape) {
  const problem = settingProblem(layer);
  return problem ? {problem} : RULES[layer.kind](layer, shape);
}

/** The steps of a stack of layers; those behind a layer that does not fit are {waiting: true}. */
function walk(stack, input) {
  let shape = input;
  return stack.map(layer => {
    if (!shape) return {waiting: true};
    const before = shape, step = afterLayer(layer, before);
    shape = step.shape;
    return {before, ...step};
  });
}

/** One sentence on what comes out of the last layer. */
function ending(steps, input, classes) {
  const stuck = steps.findIndex(step => step.problem);
  if (stuck >= 0) return "Layer " + (stuck + 1) + " does not fit.";
  const shape = steps.length ? steps[steps.length - 1].shape : input;
  if (shape.length > 1) {
    return "The output still has places: Flatten or GlobalAveragePooling2D is missing.";
  }
  return shape[0] === classes
    ? "The output has one number for each of the " + classes + " classes."
    : "The output has " + grouped(shape[0]) + " numbers; for " + classes + " classes the last layer is Dense with " + classes + " units.";
}

const SHAPE_RULES = {
  Conv2D: "Valid: (n \u2212 window) \u00f7 stride, rounded down, plus 1. Same: n \u00f7 stride, rounded up. Channels: the filters.",
  MaxPooling2D: "Divide height and width by the window, and round down. Channels stay.",
  Flatten: "Multiply height, width and channels.",
  GlobalAveragePooling2D: "One number for each map: the channels.",
  Dense: "One number for each unit.",
  Dropout: "Dropout keeps the shape.",
  BatchNormalization: "Batch normalization keeps the shape.",
};

/** Sentences on sides that come from a usual mistake. */
function sideIdeas(layer, n) {
  const k = layer.kernel_size || layer.pool_size;
  const step = layer.strides || k;
  const other = layer.padding === "same" ? "valid" : "same";
  const ideas = [];
  if (layer.padding) ideas.push([positions(n, k, step, other), 'That is the size with padding "' + other + '".']);
  if (layer.padding !== "same") {
    ideas.push([Math.ceil((n - k) / step) + 1, "Round down: what does not fill a window is left out."]);
    ideas.push([Math.floor((n - k) / step), "Count the first position, too: plus 1."]);
  }
  ideas.push([n, "The window or its stride makes the maps smaller here."]);
  return ideas;
}

/** The numbers of a typed shape; the length of a row may be typed as 18,432. */
function typedShape(text, axes) {
  const plain = axes === 1 ? text.replace(/(\d)[, ](?=\d{3}(\D|$))/g, "$1") : text;
  return (plain.match(/\d+/g) || []).map(Number);
}

/** Judge a predicted shape: {right, say}. `given` are the numbers that were typed. */
function judgeShape(layer, step, given) {
  const {shape, before} = step;
  if (times(given) === times(shape)) return {right: true, say: "Right."};
  const no = say => ({right: false, say});
  if (given.length === shape.length + 1) return no("Leave the batch out.");
  if (given.length !== shape.length) {
    return no(shape.length === 3 ? "Three numbers: height, width and channels."
      : "One number: the length of the row.");
  }
  const windows = layer.kind === "Conv2D" || layer.kind === "MaxPooling2D";
  if (windows && given[2] !== shape[2]) {
    return no(layer.kind === "Conv2D" ? "A convolution has one output channel for each filter."
      : "Pooling keeps the number of channels.");
  }
  if (windows) {
    const axis = given[0] === shape[0] ? 1 : 0;
    const idea = sideIdeas(layer, before[axis]).find(([value]) => value === given[axis]);
    if (idea) return no(idea[1]);
  }
  return no(SHAPE_RULES[layer.kind]);
}

/** Judge a predicted number of parameters: {right, say}. */
function judgeParameters(layer, step, number) {
  if (number === step.parameters) return {right: true, say: "Right."};
  const no = say => ({right: false, say});
  if (Number.isNaN(number)) return no("Type a number for the parameters, such as 448.");
  const channels = step.before[step.before.length - 1];
  if (layer.kind === "Conv2D") {
    const {filters, kernel_size: k} = layer;
    if (number === filters * k * k * channels) return no("Each filter has a bias, too.");
    if (number === filters * (k * k + 1) || number === filters * k * k) {
      return no("A filter has weights for each of the " + channels + " channels that come in.");
    }
    return no("filters \u00d7 (window \u00d7 window \u00d7 channels that come in + 1).");
  }
  if (layer.kind === "Dense") {
    if (number === channels * layer.units) return no("Each unit has a bias, too.");
    return no("units \u00d7 (numbers that come in + 1).");
  }
  if (layer.kind === "BatchNormalization") {
    return no(number === 2 * channels
      ? "Keras counts the running mean and variance, too: four numbers per channel."
      : "Four numbers per channel.");
  }
  return no(layer.kind + " has nothing to learn.");
}

/** The stack as Python code. */
function kerasCode(stack, input) {
  const lines = stack.map(layer => {
    const l = layer;
    const inside = {
      Conv2D: () => l.filters + ", " + l.kernel_size + (l.strides > 1 ? ", strides=" + l.strides : "") +
        (l.padding === "same" ? ', padding="same"' : "") + ', activation="relu"',
      MaxPooling2D: () => String(l.pool_size), Dense: () => String(l.units),
      Dropout: () => String(l.rate),
    }[l.kind];
    return "    layers." + l.kind + "(" + (inside ? inside() : "") + "),";
  });
  return ["keras.Sequential([", "    keras.Input((" + input.join(", ") + ")),", ...lines, "])"].join("\n");
}

/** A random stack that fits, for practice; `random` gives numbers from 0 to 1. */
function randomStack(input, classes, random) {
  const pick = list => list[Math.floor(random() * list.length)];
  const stack = [];
  let shape = input;
  const put = layer => {
    const step = afterLayer(layer, shape);
    if (step.problem) return;
    stack.push(layer);
    shape = step.shape;
  };
  for (let block = 0; block < 2; block++) {
    put({kind: "Conv2D", filters: pick([4, 8, 10, 16, 20]), kernel_size: pick([1, 3, 5]),
         strides: pick([1, 1, 2]), padding: pick(["valid", "same"])});
    if (random() < 0.3) put({kind: "BatchNormalization"});
    put({kind: "MaxPooling2D", pool_size: pick([2, 2, 3])});
  }
  put({kind: pick(["Flatten", "GlobalAveragePooling2D"])});
  if (random() < 0.4) put({kind: "Dropout", rate: 0.5});
  put({kind: "Dense", units: classes});
  return stack;
}

function layer_builder(root, data, kit) {
  const MOST = 20;
  let input = [...data.input], predicting = false;
  let entries = data.stack.map(layer => ({layer: {...layer}, solved: false}));
  const stack = () => entries.map(entry => entry.layer);

  kit.make("h3", root, "Layer builder");
  const bar = kit.make("div", root, null, {class: "cw-bar"});
  kit.choice(bar, "Shapes", [["show", "show them"], ["predict", "let me predict them"]], value => {
    predicting = value === "predict";
    forget(0);
    render();
  });
  kit.button(bar, "Another stack", () => {
    entries = randomStack(input, data.classes, Math.random).map(layer => ({layer, solved: false}));
    render();
  });
  kit.button(bar, "Start again", () => {
    input = [...data.input];
    entries = data.stack.map(layer => ({layer: {...layer}, solved: false}));
    render();
  });
  const list = kit.make("ol", root, null, {class: "lb-list"});
  const adding = kit.make("div", root, null, {class: "cw-bar", role: "group", "aria-label": "Add a layer at the end"});
  kit.make("span", adding, "Add:");
  const say = kit.live(root);
  const details = kit.make("details", root);
  kit.make("summary", details, "The same in Keras");
  const code = kit.make("pre", details, "", {tabindex: "0", "aria-label": "The network as Python code"});
  Object.keys(LAYERS).forEach(kind => kit.button(adding, kind, () => {
    if (entries.length >= MOST) {
      say.textContent = "A stack has at most " + MOST + " layers here; remove one first.";
      return;
    }
    entries.push({layer: {kind, ...LAYERS[kind].first}, solved: false});
    render();
  }));

  function forget(from) {
    entries.slice(from).forEach(entry => { entry.solved = false; });
  }

  function numberField(parent, label, value, step, action) {
    const box = kit.make("label", parent, label + " ");
    const field = kit.make("input", box, null, {type: "number", step, min: 0, class: "lb-number"});
    field.value = value;
    field.oninput = () => action(field.value === "" ? NaN : Number(field.value));
  }

  function move(i, by) {
    const [entry] = entries.splice(i, 1);
    entries.splice(i + by, 0, entry);
    forget(0);
    render();
    const row = list.children[i + by + 1];
    (row.querySelector(by < 0 ? ".lb-up:enabled" : ".lb-down:enabled") || row.querySelector(".lb-remove")).focus();
  }

  function remove(i) {
    entries.splice(i, 1);
    forget(i);
    render();
    const next = list.children[Math.min(i + 1, entries.length)];
    (next.querySelector(".lb-remove") || adding.querySelector("button")).focus();
  }

  function settings(parent, entry, i) {
    const {layer} = entry;
    const changed = () => { forget(i); update(i); };
    LAYERS[layer.kind].settings.forEach(([name, label]) => {
      numberField(parent, label, layer[name], name === "rate" ? 0.1 : 1, value => {
        layer[name] = value;
        changed();
      });
    });
    if (!layer.padding) return;
    const choice = kit.choice(parent, "padding", [["valid", "valid"], ["same", "same"]], value => {
      layer.padding = value;
      changed();
    });
    choice.value = layer.padding;
  }

  function inputRow() {
    const row = kit.make("li", list, null, {class: "lb-row"});
    const line = kit.make("div", row, null, {class: "lb-line"});
    kit.make("strong", line, "Input");
    ["height", "width", "channels"].forEach((name, axis) => {
      numberField(line, name, input[axis], 1, value => {
        input[axis] = value;
        forget(0);
        update(0);
      });
    });
  }

  function layerRow(entry, i) {
    const {kind} = entry.layer;
    const row = kit.make("li", list, null, {class: "lb-row"});
    row.style.borderLeftColor = LAYERS[kind].color;
    const line = kit.make("div", row, null, {class: "lb-line"});
    kit.make("strong", line, i + 1 + " \u00b7 " + kind);
    settings(line, entry, i);
    const buttons = kit.make("span", line, null, {class: "lb-buttons"});
    const named = (text, what, name) => ({class: name, "aria-label": what + " layer " + (i + 1) + ", " + kind, title: what});
    kit.button(buttons, "\u2191", () => move(i, -1), named("", "Move up", "lb-up")).disabled = i === 0;
    kit.button(buttons, "\u2193", () => move(i, 1), named("", "Move down", "lb-down")).disabled = i === entries.length - 1;
    kit.button(buttons, "\u2715", () => remove(i), named("", "Remove", "lb-remove"));
    entry.out = kit.make("div", row, null, {class: "lb-out"});
  }

  function ask(entry, step, i) {
    const line = kit.make("div", entry.out, null, {class: "lb-line"});
    const field = (label, example) => {
      const box = kit.make("label", line, label + " ");
      const node = kit.make("input", box, null, {type: "text", size: "11", placeholder: example});
      node.onkeydown = event => { if (event.key === "Enter" && !event.shiftKey) check(); };
      return node;
    };
    const shape = field("output shape", step.shape.length === 3 ? "h, w, c" : "n");
    const parameters = field("parameters", "n");
    const verdict = kit.make("div", entry.out, "", {class: "cw-say", "aria-live": "polite"});
    const check = () => {
      const first = judgeShape(entry.layer, step, typedShape(shape.value, step.shape.length));
      const second = judgeParameters(entry.layer, step, kit.parse(parameters.value));
      if (first.right && second.right) {
        entry.solved = true;
        update(i, i);
        const next = list.querySelector(".lb-out input");
        if (next) next.focus();
        return;
      }
      verdict.className = "cw-say cw-wrong";
      verdict.textContent = "Shape: " + first.say + " Parameters: " + second.say;
    };
    kit.button(line, "Check", check);
    kit.button(line, "Show", () => { entry.solved = true; update(i, i); });
  }

  function outcome(entry, step, i, total) {
    entry.out.textContent = "";
    if (step.problem) kit.make("p", entry.out, step.problem, {class: "cw-wrong"});
    else if (step.waiting) kit.make("p", entry.out, "waits for the layer above");
    else if (predicting && !entry.solved) ask(entry, step, i);
    else {
      const line = kit.make("div", entry.out, null, {class: "lb-line"});
      kit.make("span", line, "\u2192 " + step.shape.join(" \u00d7 "), {class: "lb-shape"});
      kit.make("span", line, grouped(step.parameters) + " parameters (" + step.how + ")");
      if (step.note) kit.make("p", entry.out, step.note, {class: "cw-near"});
      if (step.parameters && !predicting) {
        const share = kit.make("div", entry.out, null, {class: "lb-share"});
        share.style.width = 100 * step.parameters / total + "%";
        share.style.background = LAYERS[entry.layer.kind].color;
      }
    }
  }

  /** Show what the layers give; those outside of `from` and `to` keep what is shown. */
  function update(from, to) {
    const bad = input.some(n => !(Number.isInteger(n) && n >= 1 && n <= 1024));
    if (bad) {
      entries.forEach(entry => { entry.out.textContent = ""; });
      say.textContent = "Height, width and channels of the input must be whole numbers from 1 to 1024.";
      return;
    }
    const steps = walk(stack(), input);
    const total = steps.reduce((so, step) => so + (step.parameters || 0), 0);
    // The bars are shares of the total, so a change concerns the rows above it, too.
    const first = predicting ? from : 0;
    entries.forEach((entry, i) => {
      if (i >= first && (to === undefined || !predicting || i <= to)) outcome(entry, steps[i], i, total);
    });
    const open = entries.filter((entry, i) => predicting && !entry.solved && steps[i].shape).length;
    say.textContent = open
      ? entries.length - open + " of " + entries.length + " layers predicted."
      : grouped(total) + " parameters in all" + (predicting ? ". " : "; each bar is the share of a layer. ") +
        ending(steps, input, data.classes);
    code.textContent = kerasCode(stack(), input);
  }

  function render() {
    list.textContent = "";
    inputRow();
    entries.forEach(layerRow);
    update(0);
  }

  render();
}
