// Figures in JupyterLab get their alternative texts.
//
// JupyterLab 4 shows an image without the text that the kernel sends with it (the metadata "alt"
// of the output) or that the author of the lesson wrote (the metadata "alt" of the cell). nbconvert
// and the site show both. This is an extension in the form that JupyterLab loads, a container of
// module federation, without anything to be built: `init` gets the modules that JupyterLab shares.
(window._JUPYTERLAB = window._JUPYTERLAB || {})["course-utils"] = (() => {
  let shared;

  const load = async name => {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  };

  const plugin = (rendermime, notebook) => {
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

  return {
    init(modules) {
      shared = modules;
    },
    async get() {
      const names = ["@jupyterlab/rendermime", "@jupyterlab/notebook"];
      const found = plugin(...(await Promise.all(names.map(load))));
      return () => found;
    },
  };
})();
