"""Where is a network wrong, and why? The pictures behind the numbers of lesson 05.

:func:`worst_predictions` and :func:`confused_pairs` find what to look at, :func:`suspect_labels`
finds labels that are probably wrong, :func:`tag`, :func:`gallery` and :func:`export` keep what a
person saw. Everything starts from :class:`course_utils.evaluation.Predictions`. First met in lesson
06.
"""

from course_utils.error_analysis._find import (
    confused_pairs,
    inspection_curve,
    suspect_labels,
    worst_predictions,
)
from course_utils.error_analysis._gallery import export, gallery
from course_utils.error_analysis._tags import CAUSES, tag, tags, untag

__all__ = [
    "CAUSES",
    "confused_pairs",
    "export",
    "gallery",
    "inspection_curve",
    "suspect_labels",
    "tag",
    "tags",
    "untag",
    "worst_predictions",
]
