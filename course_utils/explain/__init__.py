"""What does the model look at? Grad-CAM and its peers, and the checks that tell whether to believe.

Maps of heat are float32 arrays (N, H, W), one for each image. `grad_cam`, `saliency`,
`integrated_gradients` and `occlusion` make them; `normalise` and `overlay` turn them into pictures;
`pointing_hits`, `energy_inside`, `insertion_deletion` and `randomisation_check` test them, always
beside `baseline_maps` that know nothing. `feature_maps`, `find_layer`, `activations` and
`first_layer_filters` look inside a model.

First met in lesson 07.
"""

from course_utils.explain._faithfulness import (
    baseline_maps,
    energy_inside,
    insertion_deletion,
    pointing_hits,
    randomisation_check,
    rank_correlation,
)
from course_utils.explain._maps import (
    IntegratedGradients,
    edge_detector,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
)
from course_utils.explain._overlay import normalise, overlay
from course_utils.explain._shortcuts import second_collection, third_collection
from course_utils.explain._view import activations, feature_maps, find_layer, first_layer_filters

__all__ = [
    "IntegratedGradients",
    "activations",
    "baseline_maps",
    "edge_detector",
    "energy_inside",
    "feature_maps",
    "find_layer",
    "first_layer_filters",
    "grad_cam",
    "insertion_deletion",
    "integrated_gradients",
    "normalise",
    "occlusion",
    "overlay",
    "pointing_hits",
    "randomisation_check",
    "rank_correlation",
    "saliency",
    "second_collection",
    "third_collection",
]
