// Helpers that every interactive piece of the course gets as `kit`.
const modified = event => event.shiftKey || event.ctrlKey || event.metaKey || event.altKey;

const kit = {
  /** Append a new element to `parent` and return it. */
  make(tag, parent, text, attributes) {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = text;
    Object.entries(attributes || {}).forEach(([name, value]) => node.setAttribute(name, value));
    if (parent) parent.appendChild(node);
    return node;
  },

  /** Append a button that calls `action`. */
  button(parent, text, action, attributes) {
    const node = kit.make("button", parent, text, {type: "button", ...attributes});
    node.onclick = () => action(node);
    return node;
  },

  /** Append a labeled slider; `action` gets its number while it is moved. */
  slider(parent, label, options, action) {
    const box = kit.make("label", parent, label + " ", {class: "cw-slider"});
    const input = kit.make("input", box, null, {type: "range", ...options});
    const value = kit.make("output", box, "");
    const show = options.show || (number => kit.number(number));
    const update = () => {
      value.textContent = show(Number(input.value));
      input.setAttribute("aria-valuetext", value.textContent);
    };
    input.oninput = () => { update(); action(Number(input.value)); };
    update();
    return {input, set(number) { input.value = number; input.oninput(); }};
  },

  /** Append a labeled list of choices, [[value, text], …]; `action` gets the chosen value. */
  choice(parent, label, choices, action) {
    const box = kit.make("label", parent, label + " ");
    const list = kit.make("select", box);
    choices.forEach(([value, text]) => kit.make("option", list, text, {value}));
    list.onchange = () => action(list.value);
    return list;
  },

  /** Keep keys that are pressed inside `node` from JupyterLab.
   *
   * It would move to another cell with an arrow key, and turn the cell into text with M. Keys with
   * Shift, Ctrl, Alt or Command remain its own: Shift + Enter runs the cell. JupyterLab looks for
   * the attribute on the element that has the focus. */
  ownKeys(node) {
    const ours = event =>
      event.target.toggleAttribute("data-lm-suppress-shortcuts", !modified(event));
    ["focusin", "keydown", "keyup"].forEach(type => node.addEventListener(type, ours, true));
  },

  /** Call `action` with the steps (down, right) of each arrow key that is pressed on `node`. */
  arrows(node, action) {
    const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
    node.addEventListener("keydown", event => {
      const step = steps[event.key];
      if (!step || modified(event)) return;
      event.preventDefault();
      action(...step);
    });
  },

  /** Append a text that screen readers read whenever it changes. */
  live(parent, attributes) {
    return kit.make("div", parent, "", {class: "cw-say", "aria-live": "polite", ...attributes});
  },

  /** Format a number with at most `digits` decimals and a true minus sign. */
  number(value, digits = 2) {
    const factor = 10 ** digits;
    return String(Math.round(value * factor) / factor + 0).replace("-", "\u2212");
  },

  /** Read what the reader typed: decimal comma, minus sign, percent and 2e-3 are understood. */
  parse(text) {
    const plain = String(text).trim().replace(/[\u2212\u2013]/g, "-").replace(/\s/g, "");
    const found = /^([-+]?)(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*[.,]?\d+|\d+[.,])(e[-+]?\d+)?(%?)$/i.exec(plain);
    if (!found) return NaN;
    const grouped = /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(found[2]);
    const digits = grouped ? found[2].replace(/,/g, "") : found[2].replace(",", ".");
    return Number(found[1] + digits + (found[3] || "")) / (found[4] ? 100 : 1);
  },

  /** Return the idea whose answer is nearest to a number, or undefined if none is within `exact`. */
  idea(ideas, number, exact) {
    const miss = idea => Math.abs(idea.answer - number);
    return ideas.filter(idea => miss(idea) <= exact).sort((a, b) => miss(a) - miss(b))[0];
  },

  /** What the reader answered, kept in this browser; where that is off, until the page closes. */
  kept: {
    _now: {},
    get(key) {
      try {
        const text = localStorage.getItem("course:" + key);
        if (text !== null) return JSON.parse(text);
      } catch (error) { /* storage is off */ }
      return kit.kept._now[key];
    },
    set(key, value) {
      kit.kept._now[key] = value;
      try { localStorage.setItem("course:" + key, JSON.stringify(value)); }
      catch (error) { /* storage is off or full */ }
      document.dispatchEvent(new CustomEvent("course-answer", {detail: {key, value}}));
    },
    /** Call `action` with the answer now, and whenever it changes on this page. */
    follow(key, action) {
      action(kit.kept.get(key));
      document.addEventListener("course-answer", event => {
        if (event.detail.key === key) action(event.detail.value);
      });
    },
  },
};
