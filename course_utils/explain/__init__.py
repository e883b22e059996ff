"""Explain predictions: saliency maps, and measures of how faithful they are to the model.

Saliency maps are float32 arrays (N, H, W), one for each image. `grad_cam`, `saliency`,
`integrated_gradients` and `occlusion` compute them; `normalize` and `overlay` draw them;
`pointing_hits`, `energy_inside`, `insertion_deletion` and `randomization_check` evaluate them,
always in comparison with `baseline_maps`, which do not use the model. `feature_maps`, `find_layer`,
`activations` and `first_layer_filters` look inside a model.

First met in lesson 07.
"""

from course_utils.explain._faithfulness import (
    baseline_maps,
    energy_inside,
    insertion_deletion,
    pointing_hits,
    randomization_check,
    rank_correlation,
)
from course_utils.explain._layers import (
    activations,
    feature_maps,
    find_layer,
    first_layer_filters,
)
from course_utils.explain._maps import (
    IntegratedGradients,
    compiled_grad_cam,
    edge_detector,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
)
from course_utils.explain._overlay import HEAT, heat_layer, normalize, overlay
from course_utils.explain._shortcuts import second_collection, third_collection

__all__ = [
    "HEAT",
    "IntegratedGradients",
    "activations",
    "baseline_maps",
    "compiled_grad_cam",
    "edge_detector",
    "energy_inside",
    "feature_maps",
    "find_layer",
    "first_layer_filters",
    "grad_cam",
    "heat_layer",
    "insertion_deletion",
    "integrated_gradients",
    "normalize",
    "occlusion",
    "overlay",
    "pointing_hits",
    "randomization_check",
    "rank_correlation",
    "saliency",
    "second_collection",
    "third_collection",
]
