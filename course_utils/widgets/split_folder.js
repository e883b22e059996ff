// A folder of photographs to be split into train, validation and test.
const SPLITS = ["train", "validation", "test"];

/** The groups that are in more than one split: [{group, splits}, …]. `where` has a split or "". */
function leaksOf(pictures, where) {
  const found = new Map();
  pictures.forEach((picture, i) => {
    if (!where[i]) return;
    if (!found.has(picture.group)) found.set(picture.group, new Set());
    found.get(picture.group).add(where[i]);
  });
  return [...found]
    .filter(([, splits]) => splits.size > 1)
    .map(([group, splits]) => ({group, splits: SPLITS.filter(one => splits.has(one))}));
}

/** How many pictures each class has in each split: {daisy: {train: 5, validation: 2, test: 1}, …}. */
function countsOf(pictures, where) {
  const counts = {};
  pictures.forEach((picture, i) => {
    const row = counts[picture.class] ||= {train: 0, validation: 0, test: 0};
    if (where[i]) row[where[i]] += 1;
  });
  return counts;
}

/** How many test pictures get the class of the most similar training picture. */
function remembered(pictures, where, near) {
  const tested = pictures.map((_, i) => i).filter(i => where[i] === "test");
  if (!tested.length || !where.includes("train")) return null;
  const right = tested.filter(i => {
    const nearest = near[i].find(j => where[j] === "train");
    return pictures[nearest].class === pictures[i].class;
  });
  return {right: right.length, total: tested.length};
}

/** Random numbers from 0 to 1 that a seed repeats (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The list in a random order (Fisher and Yates). */
function shuffled(list, random) {
  const mixed = [...list];
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

/** Split a list: a fifth for validation, a fifth for test, the rest for train. */
function cut(list) {
  const fifth = list.length < 3 ? 0 : Math.max(1, Math.round(list.length / 5));
  return {test: list.slice(0, fifth), validation: list.slice(fifth, 2 * fifth),
          train: list.slice(2 * fifth)};
}

/** Divide the pictures of each class at random, whatever group they belong to. */
function splitAtRandom(pictures, random) {
  return splitUnits(pictures, (picture, i) => i, random);
}

/** Divide the groups of each class at random: a group stays together. */
function splitByGroup(pictures, random) {
  return splitUnits(pictures, picture => picture.group, random);
}

function splitUnits(pictures, unitOf, random) {
  const where = pictures.map(() => "");
  new Set(pictures.map(picture => picture.class)).forEach(name => {
    const members = pictures.map((_, i) => i).filter(i => pictures[i].class === name);
    const units = [...new Set(members.map(i => unitOf(pictures[i], i)))];
    Object.entries(cut(shuffled(units, random))).forEach(([split, some]) => {
      members.forEach(i => { if (some.includes(unitOf(pictures[i], i))) where[i] = split; });
    });
  });
  return where;
}

function split_folder(root, data, kit) {
  const {pictures, near} = data;
  let where = pictures.map(() => "");
  let seed = 0;
  const chosen = new Set();

  kit.make("h3", root, "Split this folder");
  kit.make("p", root, "Choose photographs (click, or Tab and Space), then say where they go; or " +
    "drag them. Keys 1, 2 and 3 move the one with the focus.");
  const ways = kit.make("div", root, null, {class: "cw-bar"});
  kit.button(ways, "Split at random", () => all(splitAtRandom, "Each class is split at random."));
  kit.button(ways, "Split by flower", () => all(splitByGroup,
    "The flowers of each class are split at random; the photographs of one stay together."));
  kit.button(ways, "Start again", () => {
    where = pictures.map(() => "");
    chosen.clear();
    show("Nothing is split yet.");
  });
  const moves = kit.make("div", root, null, {class: "cw-bar", role: "group",
    "aria-label": "Move the chosen photographs"});
  kit.make("span", moves, "Chosen go to:");
  SPLITS.forEach(split => kit.button(moves, split, () => move([...chosen], split)));

  const boxes = kit.make("div", root, null, {class: "sf-boxes"});
  const heads = {}, homes = {};
  ["", ...SPLITS].forEach(split => {
    const box = kit.make("div", boxes, null, {class: "sf-box sf-" + (split || "none")});
    heads[split] = kit.make("p", box, "", {class: "sf-head"});
    homes[split] = kit.make("div", box, null, {class: "sf-home", role: "group",
      "aria-label": split || "not split yet"});
    box.ondragover = event => event.preventDefault();
    box.ondrop = event => {
      event.preventDefault();
      const dragged = Number(event.dataTransfer.getData("text/plain"));
      if (!pictures[dragged]) return;
      move(chosen.has(dragged) ? [...chosen] : [dragged], split);
    };
  });

  const nodes = pictures.map((picture, i) => {
    const node = kit.make("div", null, null,
      {class: "sf-picture", role: "button", tabindex: "0", draggable: "true"});
    kit.make("img", node, null, {src: picture.source, alt: "", draggable: "false"});
    kit.make("span", node, picture.name);
    node.onclick = () => choose(i);
    node.ondragstart = event => event.dataTransfer.setData("text/plain", String(i));
    node.onkeydown = event => {
      const split = SPLITS[Number(event.key) - 1];
      if (split) move([i], split);
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(i); }
    };
    return node;
  });
  const say = kit.live(root);
  const table = kit.make("div", root);

  function choose(i) {
    if (!chosen.delete(i)) chosen.add(i);
    nodes[i].setAttribute("aria-pressed", chosen.has(i));
  }

  function move(which, split) {
    if (!which.length) { show("Choose photographs first."); return; }
    const focused = document.activeElement;
    which.forEach(i => { where[i] = split; });
    chosen.clear();
    const names = which.map(i => pictures[i].name).join(", ");
    show(names + (split ? " moved to " + split + "." : " taken out of the splits."));
    if (nodes.includes(focused)) focused.focus();  // a node that was moved loses the focus
  }

  function all(way, sentence) {
    seed += 1;
    where = way(pictures, randomNumbers(seed));
    chosen.clear();
    show(sentence);
  }

  function show(sentence) {
    const leaks = leaksOf(pictures, where);
    const leaking = new Set(leaks.map(leak => leak.group));
    pictures.forEach((picture, i) => {
      const leak = Boolean(where[i]) && leaking.has(picture.group);
      nodes[i].classList.toggle("sf-leak", leak);
      nodes[i].setAttribute("aria-pressed", chosen.has(i));
      nodes[i].setAttribute("aria-label",
        picture.name + ", " + (where[i] || "not split yet") + (leak ? ", leak" : ""));
      homes[where[i]].appendChild(nodes[i]);
    });
    ["", ...SPLITS].forEach(split => {
      const count = where.filter(one => one === split).length;
      heads[split].textContent = (split || "not split yet") + ": " + count;
    });
    say.textContent = "";
    kit.make("p", say, sentence);
    kit.make("p", say, leakSentence(leaks), {class: leaks.length ? "cw-wrong" : "cw-open"});
    const memory = remembered(pictures, where, near);
    if (memory) {
      kit.make("p", say, "A classifier that only looks up the most similar training picture is " +
        "right for " + memory.right + " of " + memory.total + " test pictures.");
    }
    showCounts();
  }

  function leakSentence(leaks) {
    if (leaks.length) {
      const told = leaks.map(leak => leak.group + " is in " + leak.splits.join(" and "));
      return (leaks.length === 1 ? "1 leak: " : leaks.length + " leaks: ") + told.join("; ") + ".";
    }
    if (where.every(split => !split)) return "No photograph has a split.";
    const missing = where.filter(split => !split).length;
    return "No leak" + (missing ? " so far; " + missing + " photographs have no split yet." : ".");
  }

  function showCounts() {
    table.textContent = "";
    const counts = countsOf(pictures, where);
    const grid = kit.make("table", table);
    kit.make("caption", grid, "Photographs of each class, and their share");
    const head = kit.make("tr", kit.make("thead", grid));
    ["class", ...SPLITS].forEach(name => kit.make("th", head, name, {scope: "col"}));
    const body = kit.make("tbody", grid);
    Object.entries(counts).forEach(([name, row]) => {
      const line = kit.make("tr", body);
      kit.make("th", line, name, {scope: "row"});
      const total = pictures.filter(picture => picture.class === name).length;
      SPLITS.forEach(split => {
        const percent = kit.number(100 * row[split] / total, 0);
        kit.make("td", line, row[split] + " (" + percent + " %)");
      });
    });
  }

  show("Nothing is split yet.");
}
