// After a cell: what the reader predicted, and what came out.
function judge(prediction, data, kit) {
  if (prediction === undefined || prediction === null) {
    return {state: "open", text: "You noted no prediction."};
  }
  const said = "You predicted " + prediction + ". ";
  if (data.kind === "choice") {
    const right = prediction === data.answer;
    const words = data.says[prediction];
    return {state: right ? "right" : "wrong",
            text: said + (right ? "Right. " : "Not so. ") + (words || "")};
  }
  const number = kit.parse(prediction);
  const miss = Math.abs(number - data.value);
  if (miss <= data.exact) return {state: "right", text: said + "Right. "};
  const idea = kit.idea(data.ideas, number, data.exact);
  if (idea) return {state: "wrong", text: said + idea.say};
  if (miss <= data.near) return {state: "near", text: said + "That is near. "};
  return {state: "wrong", text: said + (number > data.value ? "That is too much. " : "That is too little. ")};
}

function compare(root, data, kit) {
  const say = kit.live(root);
  kit.kept.follow(data.key, prediction => {
    const verdict = judge(prediction, data, kit);
    say.className = "cw-say cw-" + verdict.state;
    say.textContent = "";
    kit.make("p", say, verdict.text);
    kit.make("p", say, data.result);
  });
}
