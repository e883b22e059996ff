// One picture: a map for each class, method and layer, and a square that covers a part.
/** Return the bytes of a stored map as numbers from 0 to 1, row by row. */
function mapValues(stored) {
  return Float32Array.from(atob(stored.values), letter => letter.charCodeAt(0) / 255);
}

/** Enlarge a map by interpolating between the middles of its cells (bilinear). */
function enlarged(values, shape, height, width) {
  const [rows, columns] = shape;
  const large = new Float32Array(height * width);
  const place = (k, length, cells) => {
    const at = Math.min(Math.max((k + 0.5) * cells / length - 0.5, 0), cells - 1);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, cells - 1), at - low];
  };
  const across = Array.from({length: width}, (_, x) => place(x, width, columns));
  for (let y = 0; y < height; y++) {
    const [top, bottom, down] = place(y, height, rows);
    for (let x = 0; x < width; x++) {
      const [left, right, share] = across[x];
      const between = start => values[start + left] * (1 - share) + values[start + right] * share;
      large[y * width + x] = between(top * columns) * (1 - down) + between(bottom * columns) * down;
    }
  }
  return large;
}

/** The color of a heat from 0 to 1, between those of the scale. */
function heatColor(heat, colors) {
  const at = Math.min(Math.max(heat, 0), 1) * (colors.length - 1);
  const low = Math.min(Math.floor(at), colors.length - 2);
  return [0, 1, 2].map(c => colors[low][c] + (at - low) * (colors[low + 1][c] - colors[low][c]));
}

/** A pixel (red, green, blue) in pale gray, with its heat over it; more heat covers more. */
function heated(pixel, heat, opacity, colors) {
  const gray = 90 + (pixel[0] + pixel[1] + pixel[2]) / 3 * 165 / 255;
  const cover = opacity * Math.pow(heat, 0.7);
  return heatColor(heat, colors).map(color => Math.round((1 - cover) * gray + cover * color));
}

/** Which of the sorted places is nearest to a number? */
function nearest(places, number) {
  return places.reduce((best, place, k) =>
    Math.abs(place - number) < Math.abs(places[best] - number) ? k : best, 0);
}

function class_maps(root, data, kit) {
  const layered = key => key.includes("|");
  const methods = [...new Set(Object.keys(data.maps).map(key => key.split("|")[0]))];
  const best = data.probabilities.indexOf(Math.max(...data.probabilities));
  const chosen = {class: best, method: methods[0], layer: data.layers.length - 1, opacity: 0.75};
  const middle = list => Math.floor(list.length / 2);
  const square = {row: middle(data.rows), column: middle(data.columns)};
  const percent = p => (p < 0.005 ? "under 1" : Math.round(100 * p)) + " %";
  const row = kit.make("div", root, null, {class: "cw-row"});

  const left = kit.make("div", row, null, {class: "cm-part"});
  kit.make("h3", left, "Where is evidence for the class?");
  const shown = kit.make("canvas", left, null, {class: "cm-picture", role: "img"});
  const bar = kit.make("div", left, null, {class: "cw-bar"});
  const classes = kit.choice(bar, "class", data.classes.map((name, k) =>
    [k, name + ", " + percent(data.probabilities[k])]), value => set({class: Number(value)}));
  kit.choice(bar, "method", methods.map(name => [name, name]), value => set({method: value}));
  const layers = kit.choice(bar, "layer", data.layers.map(([name, size], k) =>
    [k, (k + 1) + ": " + size]), value => set({layer: Number(value)}));
  kit.slider(bar, "opacity", {min: 0, max: 1, step: 0.05, value: chosen.opacity},
    value => set({opacity: value}));
  const say = kit.live(left);

  const right = kit.make("div", row, null, {class: "cm-part"});
  kit.make("h3", right, "Cover a part, and the network answers again");
  const frame = kit.make("div", right, null, {class: "cm-picture cm-frame", tabindex: "0",
    role: "application", "aria-label": "Picture with a square that covers a part of it. "
    + "The arrow keys move the square."});
  kit.make("img", frame, null, {src: data.picture, alt: data.alt, draggable: "false"});
  const cover = kit.make("div", frame, null, {class: "cm-square"});
  kit.make("p", right, "Drag the square, or click the picture and use the arrow keys.");
  const bars = data.classes.map(name => {
    const line = kit.make("div", right, null, {class: "cm-line"});
    kit.make("span", line, name);
    const space = kit.make("span", line, null, {class: "cm-space"});
    return {line, filled: kit.make("span", space, null, {class: "cm-filled"}),
      before: kit.make("span", space, null, {class: "cm-before"}), number: kit.make("span", line)};
  });
  const answer = kit.live(right);

  let pixels = null;
  const picture = new Image();
  picture.onload = () => {
    shown.width = picture.naturalWidth;
    shown.height = picture.naturalHeight;
    const context = shown.getContext("2d");
    context.drawImage(picture, 0, 0);
    pixels = context.getImageData(0, 0, shown.width, shown.height);
    const sums = [0, 0, 0];
    pixels.data.forEach((value, i) => { if (i % 4 < 3) sums[i % 4] += value; });
    const mean = sums.map(sum => Math.round(sum * 4 / pixels.data.length));
    cover.style.background = "rgb(" + mean.join(",") + ")";
    draw();
  };
  picture.src = data.picture;
  classes.value = best;
  layers.value = chosen.layer;

  function set(changes) {
    Object.assign(chosen, changes);
    draw();
    showBars();
  }

  function draw() {
    const key = data.maps[chosen.method] ? chosen.method : chosen.method + "|" + chosen.layer;
    layers.disabled = !layered(key);
    const stored = data.maps[key][chosen.class];
    const values = mapValues(stored);
    const name = data.classes[chosen.class];
    const empty = !values.some(value => value > 0);
    say.textContent = empty ? "Zero everywhere: there is no evidence for " + name + "."
      : chosen.method + " for " + name + (layered(key)
        ? ", convolution " + (chosen.layer + 1) + " (" + data.layers[chosen.layer][1] + ")" : "")
        + ". Purple is little, yellow is most of this map.";
    const where = empty ? "" : " " + peak(values, stored.shape);
    shown.setAttribute("aria-label", say.textContent + where);
    if (!pixels) return;
    const heat = enlarged(values, stored.shape, shown.height, shown.width);
    const drawn = new ImageData(shown.width, shown.height);
    for (let i = 0; i < heat.length; i++) {
      const pixel = pixels.data.subarray(4 * i, 4 * i + 3);
      drawn.data.set([...heated(pixel, heat[i], chosen.opacity, data.colors), 255], 4 * i);
    }
    shown.getContext("2d").putImageData(drawn, 0, 0);
  }

  function peak(values, shape) {
    const at = values.indexOf(Math.max(...values));
    const down = Math.round(100 * (Math.floor(at / shape[1]) + 0.5) / shape[0]);
    const over = Math.round(100 * (at % shape[1] + 0.5) / shape[1]);
    return "Its peak lies " + down + " % from the top and " + over + " % from the left.";
  }

  function showBars() {
    const now = data.covered[square.row][square.column];
    bars.forEach((one, k) => {
      one.line.classList.toggle("cm-chosen", k === chosen.class);
      one.filled.style.width = 100 * now[k] + "%";
      one.before.style.left = 100 * data.probabilities[k] + "%";
      one.number.textContent = percent(now[k]);
    });
    const k = chosen.class;
    const winner = now.indexOf(Math.max(...now));
    answer.textContent = data.classes[k] + ": " + percent(data.probabilities[k]) + " without the "
      + "square, " + percent(now[k]) + " with it. The network says " + data.classes[winner] + ".";
  }

  function place(down, right) {
    const inside = (k, list) => Math.min(Math.max(k, 0), list.length - 1);
    square.row = inside(down, data.rows);
    square.column = inside(right, data.columns);
    const [height, width] = data.size;
    cover.style.top = 100 * data.rows[square.row] / height + "%";
    cover.style.left = 100 * data.columns[square.column] / width + "%";
    cover.style.height = 100 * data.side / height + "%";
    cover.style.width = 100 * data.side / width + "%";
    showBars();
  }

  const follow = event => {
    const box = frame.getBoundingClientRect();
    const at = (place, start, length, pixels) => (place - start) / length * pixels - data.side / 2;
    place(nearest(data.rows, at(event.clientY, box.top, box.height, data.size[0])),
          nearest(data.columns, at(event.clientX, box.left, box.width, data.size[1])));
  };
  frame.onpointerdown = event => { frame.setPointerCapture(event.pointerId); follow(event); };
  frame.onpointermove = event => { if (event.buttons) follow(event); };
  kit.arrows(frame, (down, right) => place(square.row + down, square.column + right));
  draw();
  place(square.row, square.column);
}
