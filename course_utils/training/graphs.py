"""Let TensorFlow free what it compiled for a training that is over."""

from __future__ import annotations

from typing import Any


def free_training_graphs() -> None:
    """Let the graph of a training step go when its model goes.

    Keras sums the gradients over all replicas, even where there is only one. For this sum
    TensorFlow registers a gradient of its own, never removes it, and keeps with it the whole graph
    of the training step: about 0.2 GB for each training of EfficientNet-Lite0, until the process
    ends (Keras 3.15, TensorFlow 2.21; TensorFlow's issue 80895). From the first call on the sum is
    left out where there is one replica, which changes no result; with several replicas nothing
    changes. Further calls do nothing.
    """
    from keras.src.backend.tensorflow.optimizer import TFOptimizer

    if TFOptimizer._all_reduce_sum_gradients is not _sum_over_replicas:
        _ORIGINAL.append(TFOptimizer._all_reduce_sum_gradients)
        TFOptimizer._all_reduce_sum_gradients = _sum_over_replicas


#: Keras's own function, once it has been replaced.
_ORIGINAL: list[Any] = []


def _sum_over_replicas(optimizer: Any, gradients: Any) -> Any:
    import tensorflow as tf

    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return gradients
    return _ORIGINAL[0](optimizer, gradients)
