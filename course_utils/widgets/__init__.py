"""Interactive pieces of the lessons.

``questions`` has predictions and *Check yourself*, ``lesson_00`` to ``lesson_10`` the pieces of
these lessons. Each piece is a Python function, which returns a
:class:`~course_utils.widgets.page.Widget`, and a JavaScript file of the same name.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {  # module of each public function
    "predict": "questions",
    "compare": "questions",
    "check_yourself": "questions",
    "loss_valley": "lesson_04",
    "pixels": "lesson_00",
    "temperature": "lesson_05",
    "threshold": "lesson_05",
    "class_maps": "lesson_07",
    "explore_convolution": "lesson_01",
    "fool_the_network": "lesson_01",
    "imagenet_answers": "lesson_08",
    "layer_builder": "lesson_03",
    "quantization": "lesson_09",
    "split_folder": "lesson_02",
    "checklist": "lesson_10",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"course_utils.widgets has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
