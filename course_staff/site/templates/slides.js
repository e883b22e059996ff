// Starts the deck. Keys that an interactive piece needs stay with it, and a piece is as large as its
// slide allows.
(function () {
  const largest = 1.6, smallest = 0.8, step = 0.05;

  /** Enlarge the pieces of a slide as far as nothing is cut off; `from` is where to begin. */
  function fit(slide, from) {
    const page = slide.querySelector(".page");
    const body = slide.querySelector(".body");
    const pieces = slide.querySelectorAll(".piece .course-widget");
    if (!page || !body || !pieces.length) return;
    // Pieces are made for lessons, whose headings reach one level deeper.
    slide.querySelectorAll(".piece h4").forEach(head => head.setAttribute("aria-level", "3"));
    for (let zoom = from; zoom >= smallest; zoom -= step) {
      pieces.forEach(piece => { piece.style.zoom = zoom.toFixed(2); });
      const fits = [body, ...slide.querySelectorAll(".column, .piece")].every(box =>
        box.scrollHeight <= box.clientHeight + 1 && box.scrollWidth <= box.clientWidth + 1);
      if (fits) return;
    }
  }

  /** Fit a slide again after it was used, if its pieces have grown. */
  function refit(event) {
    const slide = event.target.closest && event.target.closest("section");
    const piece = slide && slide.querySelector(".piece .course-widget");
    if (piece) fit(slide, parseFloat(piece.style.zoom) || largest);
  }

  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    backgroundTransition: "none",
    controlsTutorial: false,
    pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1,
    keyboardCondition: event => !(event && event.target && event.target.closest
      && event.target.closest(".course-widget")),
    plugins: [RevealNotes],
  }).then(() => {
    document.querySelectorAll(".slides section").forEach(slide => fit(slide, largest));
    Reveal.on("slidechanged", event => fit(event.currentSlide, largest));
    document.addEventListener("click", refit);
    document.addEventListener("input", refit);
  });
})();
