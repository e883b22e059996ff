"use strict";
// Sends a picture to the service and shows the answer.

const MOST_BYTES = 20e6;
const part = (id) => document.getElementById(id);
let running = null; // the request that is not answered yet

function percent(share) {
  // Never "100 %" for a probability below 1, and never "0 %" for one above 0.
  const number = 100 * share;
  if (share < 1 && number > 99.9) return "more than 99.9 %";
  if (share > 0 && number < 0.1) return "less than 0.1 %";
  return `${number.toFixed(1)} %`;
}

function say(text, shown = part("result").hidden) {
  part("status").textContent = text;
  // With its own result below it, the status is for screen readers only.
  part("status").className = shown ? "" : "unseen";
}

function showClasses(classes) {
  part("classes").replaceChildren(
    ...classes.map(({ name, probability }) => {
      const row = document.createElement("li");
      const label = document.createElement("span");
      label.textContent = name;
      const number = document.createElement("span");
      number.className = "number";
      number.textContent = percent(probability);
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.setAttribute("aria-hidden", "true");
      const filled = document.createElement("span");
      filled.style.width = `${100 * probability}%`;
      bar.append(filled);
      row.append(label, number, bar);
      return row;
    }),
  );
}

function showMap(answer) {
  const best = answer.classes[0].name;
  part("picture").src = answer.picture;
  part("map").hidden = part("opacity-row").hidden = !answer.map;
  if (answer.map) {
    part("map").src = answer.map;
    part("caption").textContent =
      `Heat map (Grad-CAM): where the network finds evidence for “${best}”, from purple (little) ` +
      "to yellow (much).";
  } else {
    part("caption").textContent = answer.note || "";
  }
}

function show(answer, files) {
  const [best] = answer.classes;
  part("verdict").className = answer.unsure ? "unsure" : "";
  part("verdict").textContent = answer.unsure
    ? `Not sure. The likeliest class is “${best.name}”, but its probability is below ` +
      `${percent(answer.threshold)}.`
    : best.name;
  showClasses(answer.classes);
  showMap(answer);
  part("result").hidden = false;
  const said = answer.unsure
    ? "The network is not sure."
    : `${best.name}, ${percent(best.probability)}.`;
  if (files > 1) say(`Only the first of the ${files} files was classified. ${said}`, true);
  else say(said);
}

function refuse(sentence) {
  part("result").hidden = true;
  say(sentence);
}

async function send(file, files = 1) {
  if (!file) return;
  running?.abort();
  const request = (running = new AbortController());
  if (file.size > MOST_BYTES) {
    refuse("The file has more than 20 MB; choose a smaller one.");
    return;
  }
  part("result").hidden = true;
  say("Classifying the picture …");
  try {
    const form = new FormData();
    form.append("picture", file, "picture");
    const reply = await fetch("predict?map=true", {
      method: "POST",
      body: form,
      signal: request.signal,
    });
    const answer = await reply.json();
    if (request !== running) return; // another picture was chosen
    if (reply.ok) show(answer, files);
    else refuse(answer.error);
  } catch {
    if (request === running) {
      refuse("The service does not answer, or the file cannot be read; is the service running?");
    }
  }
}

async function describe() {
  try {
    const model = await (await fetch("model")).json();
    const names = model.class_names;
    const shown = names.slice(0, 12).join(", ") + (names.length > 12 ? ", …" : "");
    part("about").textContent =
      `The network “${model.name}” tells ${names.length} classes apart: ${shown}. ` +
      "It names one of them for every picture, whatever it shows" +
      (model.threshold > 1 / names.length ? ", or says that it is not sure." : ".");
  } catch {
    say("The service does not answer; is it still running?");
  }
}

function setOpacity() {
  const value = part("opacity").value;
  part("map").style.opacity = value / 100;
  part("opacity-value").textContent = `${value} %`;
}

for (const id of ["file", "camera"]) {
  part(id).addEventListener("change", (event) => {
    send(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
}
part("opacity").addEventListener("input", setOpacity);
setOpacity();

for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault(); // else the browser opens the file
    part("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") {
      const files = event.dataTransfer.files;
      if (files.length) send(files[0], files.length);
      else say("That was no file; drop an image file.", true);
    }
  });
}
document.addEventListener("paste", (event) => {
  send(event.clipboardData.files[0], event.clipboardData.files.length);
});
describe();
