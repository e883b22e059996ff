"""The progress bar in a notebook."""

from __future__ import annotations

from typing import Any

from IPython.display import display
from tqdm.notebook import tqdm as notebook_tqdm


class NotebookBar(notebook_tqdm):
    """A bar that takes its widget out of the notebook when it is closed.

    The widget lives as long as its kernel: a notebook that is opened the next day would show
    "Error displaying widget: model not found" in its place.
    """

    _shown: Any = None  # the handle of the output that holds the widget

    def __init__(self, **arguments: Any) -> None:
        super().__init__(display=False, **arguments)
        if not self.disable and self.delay <= 0:
            self._show()

    def _show(self) -> None:
        self._shown = display(self.container, display_id=True)

    def display(self, *arguments: Any, check_delay: bool = True, **more: Any) -> None:
        """Show the present state; tqdm calls this with `check_delay` when its delay has passed."""
        if check_delay and self._shown is None:
            self._show()
        super().display(*arguments, check_delay=False, **more)

    def close(self) -> None:
        """Close the widget, and leave an empty output in its place."""
        shown, self._shown = self._shown, None
        super().close()
        if shown is not None:
            self.container.close()
            shown.update({"text/plain": ""}, raw=True)
