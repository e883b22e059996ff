"""Shared code of the course *Classifying images with convolutional networks*.

Each room of the package (``convolution``, ``datasets``, ``models``, ...) is a submodule that is
imported when it is first used, so that ``import course_utils`` stays fast and TensorFlow is only
loaded by the rooms that need it.
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

__version__ = "1.0.0"

_ROOMS = tuple(sorted(module.name for module in iter_modules(__path__)))

__all__ = [*_ROOMS, "__version__"]


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils has no submodule {name!r}; it has {', '.join(_ROOMS)}")


def __dir__() -> list[str]:
    return sorted(__all__)
