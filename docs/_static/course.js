// What the pages of the site add to the theme: no library, no request.
(function () {
  "use strict";

  // What follows one prediction opens and closes together.
  function group(cell) {
    const cells = [];
    for (let one = cell; one && !one.querySelector('[data-widget="predict"]');
         one = one.previousElementSibling) cells.push(one);
    for (let one = cell.nextElementSibling; one && !one.querySelector('[data-widget="predict"]');
         one = one.nextElementSibling) cells.push(one);
    return cells.filter(one => one.classList.contains("tag_after-prediction"));
  }

  function together(event) {
    const fold = event.target;
    const cell = fold.closest(".tag_after-prediction");
    if (!cell) return;
    group(cell).forEach(one => one.querySelectorAll("details.hide").forEach(other => {
      if (other.open !== fold.open) other.open = fold.open;
    }));
  }

  // On paper, everything is open.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach(fold => { fold.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach(fold => { fold.open = false; }));

  // What scrolls sideways can be reached with the keyboard.
  function reachable() {
    document.querySelectorAll(
      ".bd-article table, .bd-article pre, .bd-article .output, .bd-article .pst-scrollable-table-container, .math"
    ).forEach(box => {
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    });
  }

  // Names that the theme leaves out.
  function named() {
    document.querySelectorAll(".bd-sidebar-primary details > summary").forEach(toggle => {
      const link = toggle.parentElement.parentElement.querySelector("a");
      toggle.setAttribute("aria-label", "Pages of " + (link ? link.textContent : "this part"));
    });
    document.querySelectorAll(".course-widget h4").forEach(title => {
      const above = title.closest("section").querySelector("h1, h2, h3, h4, h5");
      title.setAttribute("aria-level", Number(above.tagName[1]) + 1);
    });
    const side = document.querySelector("#pst-primary-sidebar");
    if (side) { side.setAttribute("role", "region"); side.setAttribute("aria-label", "Sidebar"); }
  }

  document.addEventListener("DOMContentLoaded", () => {
    named();
    document.querySelectorAll("details.hide").forEach(
      fold => fold.addEventListener("toggle", together));
    reachable();
    window.addEventListener("resize", reachable);
  });
})();
