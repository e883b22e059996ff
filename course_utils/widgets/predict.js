// A question before a cell: a number to type, or a choice to click.
function predict(root, data, kit) {
  const box = kit.make("fieldset", root);
  kit.make("legend", box, "Predict first");
  kit.make("p", box, data.question, {id: data.id});
  const bar = kit.make("div", box);
  const say = kit.live(box);
  const taken = answer => {
    kit.kept.set(data.key, answer);
    say.textContent = "Noted: " + answer + ". Now run the next cell.";
  };
  const before = kit.kept.get(data.key);
  if (data.choices) {
    data.choices.forEach(text => {
      const label = kit.make("label", bar, null, {class: "cw-choice"});
      const input = kit.make("input", label, null, {type: "radio", name: data.id});
      input.checked = text === before;
      label.appendChild(document.createTextNode(text));
      input.onchange = () => taken(text);
    });
  } else {
    bar.className = "cw-bar";
    const input = kit.make("input", bar, null,
      {type: "text", inputmode: "decimal", size: "10", "aria-labelledby": data.id});
    if (before !== undefined) input.value = before;
    const note = () => {
      if (Number.isNaN(kit.parse(input.value))) say.textContent = "Type a number, such as 12 or 0.5.";
      else taken(input.value.trim());
    };
    // With Shift + Enter, JupyterLab then runs the cell, into a new piece.
    input.onkeydown = event => { if (event.key === "Enter") note(); };
    input.onchange = note; // whoever leaves the field has answered
    kit.button(bar, "Note it", note);
  }
  if (before !== undefined) say.textContent = "Noted before: " + before + ".";
}
