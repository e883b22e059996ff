// What does a network trained on ImageNet call a picture? One button for each picture, and the
// classes with the highest probabilities as bars.
function percent(probability) {
  const value = 100 * probability;
  return (value > 0 && value < 1 ? "under 1" : String(Math.round(value))) + " %";
}

function imagenet_answers(root, data, kit) {
  kit.make("h3", root, "What does the network say to these pictures?");
  const row = kit.make("div", root, null, {class: "cw-bar"});
  const say = kit.live(root);
  const list = kit.make("ol", root, null, {style: "max-width:520px;padding-left:24px"});
  const buttons = data.pictures.map((picture, number) => {
    const button = kit.button(row, null, () => show(number), {"aria-pressed": "false"});
    kit.make("img", button, null, {src: picture.source, width: 120, height: 120,
      alt: "picture " + (number + 1) + ": " + picture.label, style: "display:block"});
    return button;
  });

  function show(number) {
    const {label, answers} = data.pictures[number];
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === number)));
    const [name, probability] = answers[0];
    say.textContent = "It shows: " + label + ". The first answer: \u201c" + name + "\u201d, "
      + percent(probability) + ".";
    list.textContent = "";
    answers.forEach(([text, value]) => {
      const item = kit.make("li", list, text + ", " + percent(value), {style: "margin:4px 0"});
      kit.make("div", item, null, {"aria-hidden": "true",
        style: "height:8px;min-width:1px;background:#0072B2;width:" + 100 * value + "%"});
    });
  }
  show(0);
}
