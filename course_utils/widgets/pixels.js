// A picture and its numbers. data.values holds the pixels row by row, data.shape is
// [height, width, channels]: the number of channel c in row r, column k stands at place
// (r * width + k) * channels + c.
function bytesOf(text) {
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
}

function pixelAt(values, shape, row, column) {
  const [, width, channels] = shape;
  const start = (row * width + column) * channels;
  return Array.from(values.slice(start, start + channels));
}

/** Return the numbers of one channel around a pixel; null where there is no picture any more. */
function windowAt(values, shape, channel, chosen, size) {
  const [height, width] = shape;
  const half = (size - 1) / 2;
  const steps = Array.from({length: size}, (_, i) => i - half);
  return steps.map(down => steps.map(right => {
    const row = chosen[0] + down, column = chosen[1] + right;
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    return inside ? pixelAt(values, shape, row, column)[channel] : null;
  }));
}

/** Draw the picture (channel null) or one of its channels in gray, one dot of canvas per pixel. */
function paint(canvas, values, shape, channel) {
  const [height, width, channels] = shape;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = values[i * channels + (channel === null ? c % channels : channel)];
    }
    image.data[4 * i + 3] = 255;  // not transparent
  }
  context.putImageData(image, 0, 0);
}

function pixels(root, data, kit) {
  const values = bytesOf(data.values);
  const [height, width, channels] = data.shape;
  const names = channels === 1 ? ["gray"] : ["red", "green", "blue"];
  let chosen = data.chosen;

  kit.make("h3", root, "A picture and its numbers");
  if (data.smaller) kit.make("p", root, data.smaller);
  kit.make("p", root, "Move the pointer over the picture, or click it and use the arrow keys.");
  const row = kit.make("div", root, null, {class: "cw-row"});
  const marks = [];
  const framed = (parent, longest, channel, attributes) => {
    const box = kit.make("div", parent, null, {class: "px-picture", ...attributes});
    box.style.width = Math.round(longest * Math.min(1, width / height)) + "px";
    paint(kit.make("canvas", box, null, {"aria-hidden": "true"}), values, data.shape, channel);
    const mark = kit.make("div", box, null, {class: "px-mark"});
    mark.style.width = 100 * data.window / width + "%";
    mark.style.height = 100 * data.window / height + "%";
    marks.push(mark);
    return box;
  };

  const left = kit.make("div", row, null, {class: "px-whole"});
  const picture = framed(left, 300, null, {tabindex: "0", role: "application",
    "aria-label": "Picture of " + height + " rows and " + width + " columns. " +
    "The arrow keys choose a pixel."});
  const pixel = kit.make("div", left, null, {class: "px-pixel"});
  const color = kit.make("span", pixel, null, {class: "px-color", "aria-hidden": "true"});
  const say = kit.live(pixel);

  const parts = kit.make("div", row, null, {class: "px-channels"});
  const cells = names.map((name, channel) => {
    const part = kit.make("div", parts, null, {class: "px-channel"});
    framed(part, 130, channel, {});
    const table = kit.make("table", part);
    kit.make("caption", table, name);
    return Array.from({length: data.window}, () => {
      const line = kit.make("tr", table);
      return Array.from({length: data.window}, () => kit.make("td", line));
    });
  });

  const show = () => {
    const numbers = pixelAt(values, data.shape, chosen[0], chosen[1]);
    const half = (data.window - 1) / 2;
    marks.forEach(mark => {
      mark.style.top = 100 * (chosen[0] - half) / height + "%";
      mark.style.left = 100 * (chosen[1] - half) / width + "%";
    });
    const [red, green = red, blue = red] = numbers;
    color.style.background = `rgb(${red}, ${green}, ${blue})`;
    say.textContent = "Row " + chosen[0] + ", column " + chosen[1] + ": " +
      names.map((name, c) => name + " " + numbers[c]).join(", ") + ".";
    cells.forEach((table, channel) => {
      windowAt(values, data.shape, channel, chosen, data.window).forEach((line, i) => {
        line.forEach((number, k) => {
          const cell = table[i][k];
          cell.textContent = number === null ? "" : number;
          cell.className = (number === null ? "px-outside" : "") +
            (i === half && k === half ? " px-middle" : "");
          const gray = number === null ? 255 : number;
          cell.style.backgroundColor = `rgb(${gray}, ${gray}, ${gray})`;
          cell.style.color = gray > 117 ? "#000" : "#fff";
        });
      });
    });
  };
  const choose = (down, right) => {
    const inside = (place, length) => Math.min(Math.max(place, 0), length - 1);
    chosen = [inside(down, height), inside(right, width)];
    show();
  };

  const point = event => {
    const box = picture.querySelector("canvas").getBoundingClientRect();
    choose(Math.floor((event.clientY - box.top) / box.height * height),
           Math.floor((event.clientX - box.left) / box.width * width));
  };
  picture.onpointermove = point;
  picture.onpointerdown = point;
  kit.arrows(picture, (down, right) => choose(chosen[0] + down, chosen[1] + right));
  show();
}
