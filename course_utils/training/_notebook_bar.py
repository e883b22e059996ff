"""The progress bar of a training in a notebook."""

from __future__ import annotations

from typing import Any

from IPython.display import display
from tqdm.notebook import tqdm as notebook_tqdm


class NotebookBar(notebook_tqdm):
    """A bar that takes its widget out of the notebook when it is closed.

    The widget lives as long as its kernel: a notebook that is opened the next day would show
    "Error displaying widget: model not found" in its place.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(display=False, **arguments)
        self._shown = None if self.disable else display(self.container, display_id=True)

    def close(self) -> None:
        """Close the widget, and leave an empty output in its place."""
        shown, self._shown = getattr(self, "_shown", None), None
        super().close()
        if shown is not None:
            self.container.close()
            shown.update({"text/plain": ""}, raw=True)
