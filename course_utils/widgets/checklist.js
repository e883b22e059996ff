// The checklist of a project: things to tick, with what was measured below them.
// Returns how many things are ticked, and how many points the finished parts are worth.
function progress(parts, isTicked) {
  let ticked = 0, things = 0, points = 0, all = 0;
  parts.forEach(part => {
    const done = part.checks.filter((text, i) => isTicked(part.id + ":" + i)).length;
    ticked += done;
    things += part.checks.length;
    all += part.points;
    if (done === part.checks.length) points += part.points;
  });
  return {ticked, things, points, all};
}

function checklist(root, data, kit) {
  kit.make("h4", root, "Checklist of the project");
  const say = kit.live(root);
  const state = name => data.key + ":" + name;
  const isTicked = name => kit.kept.get(state(name)) === true;
  const score = () => {
    const {ticked, things, points, all} = progress(data.parts, isTicked);
    say.textContent = ticked + " of " + things + " ticked: parts worth " + points + " of " + all
      + " points are finished, if your texts bear them out.";
  };
  data.parts.forEach(part => {
    const box = kit.make("fieldset", root);
    const points = part.points + (part.points === 1 ? " point" : " points");
    kit.make("legend", box, part.title + " (" + points + ")");
    part.checks.forEach((text, i) => {
      const name = part.id + ":" + i;
      const label = kit.make("label", box, null, {class: "cw-choice"});
      const input = kit.make("input", label, null, {type: "checkbox"});
      input.checked = isTicked(name);
      label.appendChild(document.createTextNode(text));
      input.onchange = () => { kit.kept.set(state(name), input.checked); score(); };
    });
    if (part.evidence) kit.make("p", box, "Measured: " + part.evidence, {class: "cw-open"});
  });
  kit.button(root, "Clear all ticks", () => {
    root.querySelectorAll("input").forEach(input => { if (input.checked) input.click(); });
  });
  score();
}
