"""Find out where a network is wrong and why: the images behind the numbers of lesson 05.

:func:`worst_predictions` and :func:`confused_pairs` select images to look at,
:func:`suspect_labels` ranks labels that are probably wrong, :func:`tag`, :func:`gallery` and
:func:`export` record the causes that a person sees. All of them use
:class:`course_utils.evaluation.Predictions`. First met in lesson 06.
"""

from course_utils.error_analysis._find import (
    confused_pairs,
    inspection_curve,
    suspect_labels,
    worst_predictions,
)
from course_utils.error_analysis._gallery import export, gallery
from course_utils.error_analysis._tags import CAUSES, example_tags, tag, tags, untag

__all__ = [
    "CAUSES",
    "confused_pairs",
    "example_tags",
    "export",
    "gallery",
    "inspection_curve",
    "suspect_labels",
    "tag",
    "tags",
    "untag",
    "worst_predictions",
]
