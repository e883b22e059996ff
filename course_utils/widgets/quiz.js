// Check yourself: questions that are answered by clicking or typing, each answer with a sentence.
function verdictOf(question, answer, kit) {
  if (question.choices) {
    const chosen = question.choices.find(choice => choice.text === answer);
    return chosen && {right: chosen.right, say: chosen.say};
  }
  const number = kit.parse(answer);
  if (Number.isNaN(number)) return {right: false, say: "Type a number, such as 12 or 0.5."};
  if (Math.abs(number - question.answer) <= question.exact) return {right: true, say: question.say};
  const idea = kit.idea(question.ideas, number, question.exact);
  return {right: false, say: idea ? idea.say : question.otherwise};
}

function quiz(root, data, kit) {
  const count = kit.live(root);
  const right = new Set();
  const score = () => {
    count.textContent = right.size + " of " + data.questions.length + " answered correctly.";
  };
  data.questions.forEach((question, i) => {
    const key = data.key + ":" + question.id;
    const box = kit.make("fieldset", root);
    kit.make("legend", box, i + 1 + ". " + question.question, {id: data.id + "-" + question.id});
    const answers = kit.make("div", box);
    const say = kit.live(box);
    const answered = (answer, keep) => {
      const verdict = verdictOf(question, answer, kit);
      if (!verdict) return;
      say.textContent = (verdict.right ? "Right. " : "Not yet. ") + verdict.say;
      say.className = "cw-say " + (verdict.right ? "cw-right" : "cw-wrong");
      if (verdict.right) right.add(question.id); else right.delete(question.id);
      score();
      if (keep) kit.kept.set(key, answer);
    };
    const before = kit.kept.get(key);
    if (question.choices) {
      question.choices.forEach(choice => {
        const label = kit.make("label", answers, null, {class: "cw-choice"});
        const input = kit.make("input", label, null, {type: "radio", name: data.id + question.id});
        input.checked = choice.text === before;
        label.appendChild(document.createTextNode(choice.text));
        input.onchange = () => answered(choice.text, true);
      });
    } else {
      answers.className = "cw-bar";
      const input = kit.make("input", answers, null, {type: "text", inputmode: "decimal",
        size: "10", "aria-labelledby": data.id + "-" + question.id});
      if (before !== undefined) input.value = before;
      input.onkeydown = event => { if (event.key === "Enter") answered(input.value, true); };
      kit.button(answers, "Check", () => answered(input.value, true));
    }
    if (before !== undefined) answered(before, false);
  });
  score();
}
