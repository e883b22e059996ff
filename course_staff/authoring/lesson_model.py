"""Train the lesson model and store its weights in ``data/lesson_model``."""

from __future__ import annotations

import subprocess
import sys

from course_staff.authoring.build import build_environment
from course_utils import datasets, training
from course_utils.exceptions import CourseError
from course_utils.training import shipped_model


def update() -> None:
    """Train the lesson model if its recipe or its data changed since it was stored.

    It is trained as lessons are built: on paper_flowers, on the CPU, with no settings of the user.

    Raises
    ------
    CourseError
        If the training fails.
    """
    with build_environment() as environment:
        environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
        done = subprocess.run([sys.executable, "-m", __name__], env=environment, check=False)
    if done.returncode:
        raise CourseError("The lesson model was not trained; the reason stands above.")


def main() -> None:
    """Train and store the model, unless the stored one is up to date."""
    data = datasets.load("paper_flowers", image_size=96)
    if shipped_model.is_shipped(data):
        return
    model, history = training.lesson_model(data, retrain=True)
    shipped_model.store_lesson_model(model, history, data, shipped_model.shipped_file())


if __name__ == "__main__":
    main()
