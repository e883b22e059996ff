"""Evaluate a trained network: predictions, metrics, calibration, diagnosis of training curves.

:func:`predict` turns a model and a dataset into :class:`Predictions`. The metrics here, error
analysis and the figures all start from those. First met in lesson 05, which writes out the
confusion matrix, precision, recall, F1, top-k accuracy and the calibration error in NumPy.
"""

from course_utils.evaluation.diagnosis import DIAGNOSES, Diagnosis, curves, diagnose
from course_utils.evaluation.metrics import (
    CalibrationTable,
    Interval,
    accuracy_interval,
    calibration,
    classification_report,
    confusion_matrix,
    fit_temperature,
    majority_accuracy,
    negative_log_likelihood,
    top_k_accuracy,
    wilson_interval,
    with_temperature,
)
from course_utils.evaluation.predictions import (
    UNKNOWN,
    Predictions,
    interpret_outputs,
    out_of_fold,
    predict,
    predict_images,
    softmax,
)

__all__ = [
    "DIAGNOSES",
    "UNKNOWN",
    "CalibrationTable",
    "Diagnosis",
    "Interval",
    "Predictions",
    "accuracy_interval",
    "calibration",
    "classification_report",
    "confusion_matrix",
    "curves",
    "diagnose",
    "fit_temperature",
    "interpret_outputs",
    "majority_accuracy",
    "negative_log_likelihood",
    "out_of_fold",
    "predict",
    "predict_images",
    "softmax",
    "top_k_accuracy",
    "wilson_interval",
    "with_temperature",
]
