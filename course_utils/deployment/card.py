"""``model.json``: what somebody must know to use a network, in one file beside it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from course_utils import validate
from course_utils.exceptions import InvalidInput, MissingData

NAME = "model.json"
_FORMAT = 1
_RESIZED = "stretched to the image size, bilinear"


@dataclass(frozen=True)
class ModelInfo:
    """What a program must know to use an exported network; the content of ``model.json``.

    Attributes
    ----------
    class_names : tuple of str
        In the order of the network's outputs.
    image_size : tuple of int
        Height and width in pixels.
    channels : int
        3 for RGB, 1 for grayscale.
    preprocessing : dict
        ``pixels``, ``color`` and ``resize``: what to do with a picture before the network gets it.
    outputs : str
        The network's last activation: "linear" for logits, "softmax", or "sigmoid".
    temperature : float
        Logits are divided by it before the softmax.
    threshold : float or None
        Calibrated confidence below which the answer is "not sure"; None if there is none.
    data : dict
        The data that the network was trained on.
    versions : dict
        The versions of Python and of the packages that made the files.
    files : dict
        SHA-256 of each exported file, by its name.
    """

    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    channels: int = 3
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    outputs: str = "linear"
    temperature: float = 1.0
    threshold: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = _class_names(self.class_names)
        for name in ("preprocessing", "data", "versions", "files"):
            if not isinstance(getattr(self, name), Mapping):
                raise InvalidInput(
                    f"{name} is {validate.shown(getattr(self, name))}, but it must be a dictionary."
                )
        if self.channels == 2:
            raise InvalidInput("channels is 2, but it must be 3 (RGB) or 1 (grayscale).")
        threshold = self.threshold
        if threshold is not None:
            threshold = validate.number_between("threshold", threshold, 0, 1, example=0.7)
        vars(self).update(  # the attributes of a frozen dataclass cannot be assigned
            class_names=names,
            image_size=validate.image_size(self.image_size),
            channels=validate.whole_number("channels", self.channels, 1, 3, example=3),
            outputs=validate.choice("outputs", self.outputs, ("linear", "softmax", "sigmoid")),
            temperature=validate.number_between(
                "temperature", self.temperature, 0, 1e6, example=1.5, open_low=True
            ),
            threshold=threshold,
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one picture: (height, width, channels)."""
        return (*self.image_size, self.channels)

    def to_json(self) -> str:
        """Return the content of ``model.json``."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"


def _class_names(names: Any) -> tuple[str, ...]:
    is_list = isinstance(names, (list, tuple))
    if not is_list or not all(isinstance(name, str) for name in names):
        raise InvalidInput(
            f"class_names is {validate.shown(names)}, but it must be a list of names, one for each "
            f"output of the network."
        )
    if len(names) < 2 or len(set(names)) < len(names):
        raise InvalidInput(
            f"class_names is {validate.shown(names)}, but it must hold at least two names, each "
            f"once."
        )
    return tuple(names)


def preprocessing_of(channels: int) -> dict[str, str]:
    """Return the preprocessing of the course's networks, in words for another program."""
    return {
        "pixels": "0 to 255; the network rescales them itself",
        "color": "RGB" if channels == 3 else "grayscale",
        "orientation": "turned upright as EXIF says; transparent parts on white",
        "resize": _RESIZED,
    }


def installed_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python and of the named packages."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_card(folder: str | Path) -> ModelInfo:
    """Read the ``model.json`` of a folder.

    Parameters
    ----------
    folder : str or Path
        A folder that :func:`export` wrote, or a file in it.

    Returns
    -------
    ModelInfo

    Raises
    ------
    MissingData
        If there is no ``model.json``.
    InvalidInput
        If it is damaged, or was written by another version of the course.
    """
    place = Path(os.path.expanduser(folder))
    is_folder = os.path.isdir(place) and not (place / "saved_model.pb").is_file()
    file = (place if is_folder else place.parent) / NAME
    if not os.path.isfile(file):
        raise MissingData(
            f"There is no {NAME} in {file.parent}, so class names, image size and preprocessing of "
            f"the network are unknown; write it with deployment.export(model, folder)."
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))  # Notepad adds a mark
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
        known = {attribute.name for attribute in fields(ModelInfo)}
        if content.pop("format", None) != _FORMAT or not known.issuperset(content):
            raise ValueError("it was not written by this version of the course")
        if missing := {"class_names", "image_size"}.difference(content):
            raise ValueError(f"it does not say {validate.some_of(sorted(missing))}")
        return ModelInfo(**content)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise InvalidInput(
            f"{file} cannot be used ({validate.first_line(error).rstrip('.')}); export "
            f"the model again."
        ) from None
