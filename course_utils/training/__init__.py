"""Training: devices, compiling, fitting, schedules, stored models, experiments.

First met in lesson 04, which writes the same out in Keras.
"""

from course_utils.training.device import (
    Device,
    DeviceReport,
    device_report,
    strategy,
    use_mixed_precision,
)
from course_utils.training.experiment import Experiment, experiment
from course_utils.training.fitting import compile_model, fit
from course_utils.training.graphs import free_training_graphs
from course_utils.training.history import History
from course_utils.training.recipes import (
    FLOWERS_EPOCHS,
    FLOWERS_SIZE,
    flowers_recipe,
    flowers_run,
)
from course_utils.training.schedules import WarmUp, learning_rates, make_schedule
from course_utils.training.shipped_model import LESSON_EPOCHS, lesson_model, lesson_recipe
from course_utils.training.store import fit_or_load

__all__ = [
    "FLOWERS_EPOCHS",
    "FLOWERS_SIZE",
    "LESSON_EPOCHS",
    "Device",
    "DeviceReport",
    "Experiment",
    "History",
    "WarmUp",
    "compile_model",
    "device_report",
    "experiment",
    "fit",
    "fit_or_load",
    "flowers_recipe",
    "flowers_run",
    "free_training_graphs",
    "learning_rates",
    "lesson_model",
    "lesson_recipe",
    "make_schedule",
    "strategy",
    "use_mixed_precision",
]
