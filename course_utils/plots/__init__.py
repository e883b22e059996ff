"""Every figure that the lessons draw.

Each function returns the Axes (or the Figure, where it draws several) and takes ``ax=`` where it
draws one. None of them calls ``plt.show()``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    # name of the function: module it lives in
    "describe": "_style",
    "PALETTE": "_style",
    "new_axes": "_style",
    "channels_and_filters": "convolution",
    "feature_map_steps": "convolution",
    "filter_on_photo": "convolution",
    "kernel_stride_padding": "convolution",
    "kernels": "convolution",
    "letter_paths": "convolution",
    "letters": "convolution",
    "network_diagram": "convolution",
    "pooling_steps": "convolution",
    "weights_against_size": "convolution",
    "window_arithmetic": "convolution",
    "explore_convolution": "_explorer",
    "augmentation_grid": "data",
    "class_counts": "data",
    "class_examples": "data",
    "image_grid": "data",
    "pipeline_timeline": "data",
    "pipeline_timing": "data",
    "pixel_values": "data",
    "roadmap": "data",
    "split_bars": "data",
    "split_roles": "data",
    "task_comparison": "data",
    "workflow": "data",
    "cleaning": "error_analysis",
    "inspection_curve": "error_analysis",
    "suspect_grid": "error_analysis",
    "calibration": "evaluation",
    "confusion_matrix": "evaluation",
    "diagnosis": "evaluation",
    "one_vs_rest": "evaluation",
    "per_class_bars": "evaluation",
    "predictions_grid": "evaluation",
    "probability_bars": "evaluation",
    "top_k": "evaluation",
    "architecture": "models",
    "parameter_bars": "models",
    "receptive_fields": "models",
    "shuffled_pixels": "models",
    "compare_curves": "training",
    "cross_entropy": "training",
    "descent": "training",
    "epoch_diagram": "training",
    "experiment": "training",
    "history": "training",
    "schedules": "training",
    "copies": "quality",
    "folder_tree": "quality",
    "harmful_augmentations": "quality",
    "image_sizes": "quality",
    "resizings": "quality",
    "shuffle_buffers": "quality",
    "activation_grid": "explain",
    "class_heat": "explain",
    "explanation_methods": "explain",
    "base_and_head": "transfer",
    "few_pictures": "transfer",
    "sweeps": "transfer",
    "first_layer_filters": "explain",
    "grad_cam_steps": "explain",
    "heat_maps": "explain",
    "insertion_deletion": "explain",
    "localisation": "explain",
    "randomisation": "explain",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"course_utils.plots has no {name!r}; it has {', '.join(sorted(_WHERE))}")


def __dir__() -> list[str]:
    return sorted(__all__)
