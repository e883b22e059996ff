"""Find the model that is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.deployment.card import NAME, ModelInfo
from course_utils.deployment.loading import DeployedModel, load_exported
from course_utils.deployment.runtimes import compiled_call
from course_utils.deployment.service._classifier import Classifier
from course_utils.deployment.thresholds import choose_threshold
from course_utils.exceptions import InvalidInput

#: Share of right answers that the threshold of the lesson model is chosen for.
_PRECISION = 0.95
#: Folders in work/ that are searched for models, this deep.
_DEPTH = 4


def find_classifier(model: Any = None) -> Classifier:
    """Return the classifier of a model.

    Parameters
    ----------
    model : DeployedModel or path, optional
        An exported network, or its folder or file. By default the newest one in ``work/``, and the
        lesson model if there is none.

    Raises
    ------
    MissingData
        If there is no such file.
    InvalidInput
        If it is no exported network.
    """
    if model is None:
        newest = newest_export(settings.work_root())
        if newest is None:
            return _lesson_model()
        model = newest
    if isinstance(model, (str, Path)):
        model = load_exported(_in_work(Path(model)))
    if not isinstance(model, DeployedModel):
        raise InvalidInput(
            f"The service takes an exported network or its folder, but this is "
            f"{type(model).__name__}; write it with deployment.export(model, folder, "
            f"class_names=...) and give that folder."
        )
    is_keras = model.runtime.format.file == "model.keras"
    name = model.path.parent.name or model.path.name
    return Classifier(
        model.runtime.predict_on_batch, model.card, name, model.model if is_keras else None
    )


def _in_work(path: Path) -> Path:
    """Return the path of a model; ``work/…`` is the student's folder, seen from any folder.

    The terminal of JupyterLab starts in ``work/``, where ``work/models/…`` would not be found.
    """
    if path.parts[:1] == ("work",) and not path.exists():
        return settings.work_root().joinpath(*path.parts[1:])
    return path


def newest_export(folder: Path) -> Path | None:
    """Return the folder of the newest exported network below a folder, or None.

    Parameters
    ----------
    folder : Path
        Such as ``work/``. Hidden folders and the cache are not searched.
    """
    found: list[tuple[float, Path]] = []
    for depth in range(1, _DEPTH + 1):
        for card in folder.glob("/".join(["*"] * depth) + f"/{NAME}"):
            inner = card.relative_to(folder).parts
            if inner[0] != "cache" and not any(part.startswith(".") for part in inner):
                found.append((card.stat().st_mtime, card.parent))
    return max(found)[1] if found else None


def _lesson_model() -> Classifier:
    """Return the lesson model, calibrated on the validation pictures."""
    from course_utils import datasets, evaluation, training
    from course_utils.models import last_activation

    data = datasets.load("paper_flowers", image_size=96)
    model, _ = training.lesson_model(data, verbose=0)
    found = evaluation.predict(model, data, "validation")
    temperature = evaluation.fit_temperature(found)
    calibrated = evaluation.with_temperature(found, temperature)
    card = ModelInfo(
        class_names=tuple(data.class_names),
        image_size=data.input_shape[:2],
        channels=data.input_shape[2],
        outputs=last_activation(model) or "linear",
        temperature=temperature,
        threshold=choose_threshold(calibrated, _PRECISION).value,
    )
    return Classifier(compiled_call(model), card, "lesson model", model)
