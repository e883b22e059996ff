// Two things that JupyterLab 4 lacks. This is an extension in the form that JupyterLab loads, a
// container of module federation, without anything to be built: `init` gets the modules that
// JupyterLab shares.
(window._JUPYTERLAB = window._JUPYTERLAB || {})["course-utils"] = (() => {
  let shared;

  const load = async name => {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  };

  // JupyterLab shows an image without the text that the kernel sends with it (the metadata "alt" of
  // the output) or that the author of the lesson wrote (the metadata "alt" of the cell). nbconvert
  // and the site show both.
  const figures = (rendermime, notebook) => {
    const ofCell = (tracker, node) => {
      const panel = tracker.find(one => one.content.node.contains(node));
      const cell = panel && panel.content.widgets.find(one => one.node.contains(node));
      return cell && cell.model.getMetadata("alt");
    };
    // JupyterLab's own image, which gets its text when it is drawn and when it is put on the page.
    const described = (options, tracker) => {
      const image = rendermime.imageRendererFactory.createRenderer(options);
      const [render, attached] = [image.renderModel.bind(image), image.onAfterAttach.bind(image)];
      let text;
      const describe = () => {
        const drawn = image.node.querySelector("img");
        const alt = text || ofCell(tracker, image.node);
        if (drawn && alt) drawn.alt = alt;
      };
      image.renderModel = async model => {
        await render(model);
        text = (model.metadata[options.mimeType] || {}).alt;
        describe();
      };
      image.onAfterAttach = message => {
        attached(message);
        describe();
      };
      return image;
    };
    return {
      id: "course-utils:figures",
      autoStart: true,
      requires: [rendermime.IRenderMimeRegistry, notebook.INotebookTracker],
      activate(app, registry, tracker) {
        const createRenderer = options => described(options, tracker);
        registry.addFactory({...rendermime.imageRendererFactory, createRenderer});
      },
    };
  };

  // In a menu, a slider or a check box of ipywidgets, JupyterLab takes the arrow keys for a move to
  // another cell, and letters for commands: M would turn the cell into text. Keys with Shift, Ctrl,
  // Alt or Command remain JupyterLab's. The pieces of course_utils/widgets do the same (kit.js).
  const keys = {
    id: "course-utils:keys",
    autoStart: true,
    activate() {
      const fields = "select, input, textarea, button, [role=slider]";
      const keep = event => {
        const field = event.target;
        if (!field.matches || !field.matches(fields) || !field.closest(".jp-OutputArea")) return;
        const modified = event.shiftKey || event.ctrlKey || event.metaKey || event.altKey;
        field.toggleAttribute("data-lm-suppress-shortcuts", !modified);
      };
      ["focusin", "keydown", "keyup"].forEach(type => document.addEventListener(type, keep, true));
    },
  };

  return {
    init(modules) {
      shared = modules;
    },
    async get() {
      const names = ["@jupyterlab/rendermime", "@jupyterlab/notebook"];
      const plugins = [figures(...(await Promise.all(names.map(load)))), keys];
      return () => plugins;
    },
  };
})();
