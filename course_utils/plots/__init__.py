"""All figures of the lessons.

Each function returns the Axes (or the Figure, where it draws several) and takes ``ax=`` where it
draws one. It sets the alternative text of the figure; :func:`describe` replaces it. No function
calls ``plt.show()``.

Figures of one lesson are in ``lesson_01`` to ``lesson_09``. Figures of several lessons are in
``images`` (grids of images) and ``results`` (training curves, scores). :func:`drawing` shows a
drawing that depends on no data, an SVG file in ``drawings``. ``_style`` holds the palette
and the drawing helpers.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_NAMES = {  # of functions, by module
    "_style": "PALETTE PRECISION RECALL describe new_axes",
    "images": "augmentation_grid image_grid pixel_values predictions_grid",
    "results": "confusion_matrix history per_class_bars",
    "drawings": "drawing",
    "lesson_01": (
        "channel_sum feature_map_steps filter_on_photo kernel_stride_padding kernels letter_paths "
        "letters network_diagram pooling_steps relu_graph shrinking_maps weights_against_size "
        "window_arithmetic"
    ),
    "lesson_02": (
        "class_counts class_examples duplicates folder_tree harmful_augmentations image_sizes "
        "pipeline_timeline pipeline_timing resizings shuffle_buffers"
    ),
    "lesson_03": (
        "architecture batch_distributions dropout_steps filters_and_maps parameter_bars "
        "receptive_fields shuffled_pixels strongest_patches"
    ),
    "lesson_04": "compare_curves cross_entropy descent epoch_diagram experiment schedules",
    "lesson_05": "calibration diagnosis one_vs_rest probability_bars top_k",
    "lesson_06": "cleaning inspection_curve suspect_grid tagged_grid",
    "lesson_07": (
        "activation_grid class_heat first_layer_filters grad_cam_steps heat_maps "
        "insertion_deletion localization randomization"
    ),
    "lesson_08": "base_and_head few_pictures fine_tuning sweeps",
    "lesson_09": "answered confidences drift export_formats number_line",
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"course_utils.plots has no {name!r}; it has {', '.join(sorted(_WHERE))}")


def __dir__() -> list[str]:
    return sorted(__all__)
